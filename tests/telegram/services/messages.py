"""Reading messages: history, by id, threads and topics, search, the schedule.

Pages are cut as Telegram cuts them (world/paging.py); every answer lists the users and chats it mentions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..resolving import answers, channel_of, chat_of, message_of, unix, user_of, view_of
from ..world.chats import Chat
from ..world.messages import Message
from ..world.paging import page
from ..world.views import View

_MAX_IDS = 100


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.messages.GetHistoryRequest)(get_history)
    answers(dispatcher, functions.messages.GetRepliesRequest)(get_replies)
    answers(dispatcher, functions.messages.SearchRequest)(search)
    answers(dispatcher, functions.channels.GetMessagesRequest)(get_channel_messages)
    answers(dispatcher, functions.messages.GetMessagesRequest)(get_messages)
    answers(dispatcher, functions.messages.GetScheduledHistoryRequest)(get_scheduled_history)
    answers(dispatcher, functions.messages.GetScheduledMessagesRequest)(get_scheduled_messages)
    answers(dispatcher, functions.messages.GetPollResultsRequest)(get_poll_results)
    answers(dispatcher, functions.messages.GetRichMessageRequest)(get_rich_message)
    answers(dispatcher, functions.messages.ReadHistoryRequest)(read_history)
    answers(dispatcher, functions.channels.ReadHistoryRequest)(read_channel_history)


def messages_answer(view: View, chat: Chat | None, rendered: list[Any], total: int, *, part: bool) -> Any:
    """The container that fits the kind of chat."""
    if chat is not None and chat.shared:
        view.peer(chat)
        return types.messages.ChannelMessages(
            pts=chat.box.pts,
            count=total,
            messages=rendered,
            topics=[],
            chats=view.groups(),
            users=view.people(),
        )
    if part:
        return types.messages.MessagesSlice(
            count=total, messages=rendered, topics=[], chats=view.groups(), users=view.people()
        )
    return types.messages.Messages(messages=rendered, topics=[], chats=view.groups(), users=view.people())


def _paged(call: Call, chat: Chat, ids: Sequence[int], request: Any) -> Any:
    """One page of `ids` (ascending), as the request wants it."""
    box = chat.box_for(call.me.id)
    chosen = page(
        ids,
        offset_id=request.offset_id,
        offset_date=unix(getattr(request, "offset_date", None)),
        add_offset=request.add_offset,
        limit=request.limit,
        min_id=request.min_id,
        max_id=request.max_id,
        date_of=lambda i: box.messages[i].date,
    )
    view = view_of(call)
    rendered = [view.message(box.messages[i]) for i in chosen]
    return messages_answer(view, chat, rendered, len(ids), part=len(chosen) < len(ids))


def get_history(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    return _paged(call, chat, chat.visible(call.me.id), request)


def get_replies(call: Call, request: Any) -> Any:
    """A topic (its opening service message included) or the thread under a message."""
    chat = chat_of(call, request.peer)
    if not chat.shared:
        raise RpcError(400, "PEER_ID_INVALID")
    messages = chat.box.messages
    if chat.forum:
        topic = chat.topics.get(request.msg_id)
        if topic is None:
            raise RpcError(400, "TOPIC_ID_INVALID")
        ids = chat.in_topic(topic.id)
    else:
        message_of(call, chat, request.msg_id, "MSG_ID_INVALID")
        ids = [i for i in chat.visible(call.me.id) if messages[i].thread == request.msg_id]
    return _paged(call, chat, ids, request)


_VISUAL = frozenset({"photo", "video"})
_FILTERS: dict[type, frozenset[str]] = {
    types.InputMessagesFilterPhotos: frozenset({"photo"}),
    types.InputMessagesFilterVideo: frozenset({"video"}),
    types.InputMessagesFilterPhotoVideo: _VISUAL,
    types.InputMessagesFilterDocument: frozenset({"document"}),
    types.InputMessagesFilterGif: frozenset({"gif"}),
    types.InputMessagesFilterVoice: frozenset({"voice"}),
    types.InputMessagesFilterMusic: frozenset({"audio"}),
    types.InputMessagesFilterRoundVideo: frozenset({"round"}),
    types.InputMessagesFilterRoundVoice: frozenset({"round", "voice"}),
    types.InputMessagesFilterGeo: frozenset({"geo", "venue"}),
    types.InputMessagesFilterContacts: frozenset({"contact"}),
}


def _found(call: Call, message: Message, request: Any, sender_id: int | None) -> bool:
    kind = type(request.filter)
    if kind is types.InputMessagesFilterPinned:
        if not message.pinned:
            return False
    elif kind is types.InputMessagesFilterUrl:
        if not any(
            isinstance(e, types.MessageEntityUrl | types.MessageEntityTextUrl) for e in message.entities
        ):
            return False
    elif kind is not types.InputMessagesFilterEmpty and (
        message.media is None or message.media.kind not in _FILTERS[kind]
    ):
        return False
    if request.q and request.q.lower() not in message.text.lower():
        return False
    if sender_id is not None and message.sender_id != sender_id:
        return False
    if request.top_msg_id is not None and request.top_msg_id not in (message.topic, message.thread):
        return False
    since, until = unix(request.min_date), unix(request.max_date)
    return not (since and message.date < since) and not (until and message.date > until)


def search(call: Call, request: Any) -> Any:
    """Empty `q` and filter: everything (of one sender). Channel posts have no sender to be found by."""
    if isinstance(request.peer, types.InputPeerEmpty):
        raise RpcError(400, "INPUT_METHOD_INVALID")  # the search over all chats is not built
    chat = chat_of(call, request.peer)
    known = (types.InputMessagesFilterEmpty, types.InputMessagesFilterPinned, types.InputMessagesFilterUrl)
    if not isinstance(request.filter, (*known, *_FILTERS)):
        raise RpcError(400, "INPUT_FILTER_INVALID")
    sender_id = None if request.from_id is None else user_of(call, request.from_id, "PEER_ID_INVALID").id
    messages = chat.box_for(call.me.id).messages
    ids = [i for i in chat.visible(call.me.id) if _found(call, messages[i], request, sender_id)]
    return _paged(call, chat, ids, request)


def _by_id(call: Call, view: View, chat: Chat | None, wanted: Any) -> Any:
    """The message, or `MessageEmpty` in its place."""
    box = chat.box if chat is not None else call.world.chats.box_of(call.me.id)
    message = None
    number = getattr(wanted, "id", 0)
    if isinstance(wanted, types.InputMessageID):
        message = box.messages.get(number)
    elif isinstance(wanted, types.InputMessageReplyTo):
        first = box.messages.get(number)
        message = first.reply.to if first is not None and first.reply is not None else None
    elif isinstance(wanted, types.InputMessagePinned) and chat is not None:
        pinned = [m for m in box.messages.values() if m.pinned]
        message = pinned[-1] if pinned else None
    if message is not None and (message.deleted or (chat is not None and message.chat is not chat)):
        message = None
    if message is not None and chat is not None and message.ids[0] <= chat.available_min_id:
        message = None
    if message is None:
        return types.MessageEmpty(number, peer_id=view.peer(chat) if chat is not None else None)
    return view.message(message)


def _ids_checked(ids: list[Any]) -> list[Any]:
    if not ids:
        raise RpcError(400, "MESSAGE_IDS_EMPTY")
    return [types.InputMessageID(i) if isinstance(i, int) else i for i in ids[:_MAX_IDS]]


def get_channel_messages(call: Call, request: Any) -> Any:
    """At most 100 ids are looked at."""
    chat = channel_of(call, request.channel)
    view = view_of(call)
    rendered = [_by_id(call, view, chat, wanted) for wanted in _ids_checked(request.id)]
    return messages_answer(view, chat, rendered, len(rendered), part=False)


def get_messages(call: Call, request: Any) -> Any:
    view = view_of(call)
    rendered = [_by_id(call, view, None, wanted) for wanted in _ids_checked(request.id)]
    return messages_answer(view, None, rendered, len(rendered), part=False)


def _scheduled(call: Call, chat: Chat, ids: list[int]) -> Any:
    view = view_of(call)
    mine = [chat.scheduled[i] for i in ids if i in chat.scheduled]
    readable = [m for m in mine if m.author_id == call.me.id or chat.has_right(call.me.id, "post_messages")]
    rendered = [view.message(m) for m in readable]
    return messages_answer(view, chat, rendered, len(rendered), part=False)


def get_scheduled_history(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    return _scheduled(call, chat, sorted(chat.scheduled, reverse=True))


def get_scheduled_messages(call: Call, request: Any) -> Any:
    return _scheduled(call, chat_of(call, request.peer), request.id)


def get_rich_message(call: Call, request: Any) -> Any:
    """All of a page of which histories bring only the beginning."""
    chat = chat_of(call, request.peer)
    message = message_of(call, chat, request.id)
    if message.page is None:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    view = view_of(call)
    return messages_answer(view, chat, [view.message(message, whole=True)], 1, part=False)


def get_poll_results(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    message = message_of(call, chat, request.msg_id)
    media = message.media
    if media is None or media.kind != "poll":
        raise RpcError(400, "MESSAGE_ID_INVALID")
    view = view_of(call)
    view.peer(chat)
    poll = media.plain
    return view.updates([types.UpdateMessagePoll(poll.poll.id, poll.results, poll=poll.poll)])


def read_history(call: Call, request: Any) -> Any:
    """Read marks are not kept: nothing changes."""
    chat_of(call, request.peer)
    return types.messages.AffectedMessages(call.world.chats.box_of(call.me.id).pts, 0)


def read_channel_history(call: Call, request: Any) -> Any:
    channel_of(call, request.channel)
    return True
