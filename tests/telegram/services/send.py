"""Sending: texts, media, albums, forwards. Each `random_id` counts once, for ever (facts 0a, C1).

A repeated id gets the original message again with `pts_count` 0; of one that is gone it names the old id, or
nothing. RANDOM_ID_DUPLICATE is only what is still under way (`execution`), or twice in one request.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..incoming import media_of, preview, reply_of, text_of
from ..resolving import answers, chat_of, unix, view_of
from ..told import page_of
from ..world.chats import Chat
from ..world.media import Media
from ..world.messages import Message, Reply
from ..world.random_ids import stands
from ..world.rights import check_price, check_send, check_slow_mode
from ..world.views import View

_MAX_ALBUM = 10
_MAX_FORWARDS = 100
#: A text beside these is dropped; beside a poll it is the poll's own.
_CAPTIONLESS = frozenset({"sticker", "round", "geo", "venue", "contact", "story", "dice", "todo"})


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.messages.SendMessageRequest)(send_message)
    answers(dispatcher, functions.messages.SendMediaRequest)(send_media)
    answers(dispatcher, functions.messages.SendMultiMediaRequest)(send_multi_media)
    answers(dispatcher, functions.messages.UploadMediaRequest)(upload_media)
    answers(dispatcher, functions.messages.ForwardMessagesRequest)(forward_messages)


# --- what all of them share


def _check_ids(random_ids: Sequence[int], count: int) -> None:
    if len(random_ids) != count:
        raise RpcError(400, "RANDOM_ID_INVALID")
    if not all(random_ids):
        raise RpcError(400, "RANDOM_ID_EMPTY")
    if len(set(random_ids)) != len(random_ids):
        raise RpcError(500, "RANDOM_ID_DUPLICATE")


def _sent_before(call: Call, chat: Chat, random_id: int) -> Message | None:
    return call.world.chats.random_ids.recall(call.me.id, chat, random_id)


def _new(view: View, message: Message, *, again: bool) -> Any:
    """The update that brings a message to its sender."""
    chat = message.chat
    rendered = view.message(message)
    if message in chat.scheduled.values():
        return types.UpdateNewScheduledMessage(rendered)
    kind = types.UpdateNewChannelMessage if chat.shared else types.UpdateNewMessage
    if again:
        return kind(rendered, chat.box_for(view.viewer_id).pts, 0)
    return kind(rendered, message.born[0 if chat.shared else view.viewer_id], 1)


def _answer(call: Call, sent: Sequence[tuple[int, Message]], known: frozenset[int] = frozenset()) -> Any:
    """`UpdateMessageID`s first, then the messages; `known` are the random ids that were sent before."""
    view = view_of(call)
    there = [(random_id, message) for random_id, message in sent if stands(message, call.me.id)]
    named = sent if call.world.chats.random_ids.of_gone == "id" else there
    updates: list[Any] = []
    for random_id, message in named:
        message_id = message.id_for(call.me.id)
        assert message_id is not None, "the sender had the message"
        updates.append(types.UpdateMessageID(message_id, random_id))
    updates += [_new(view, message, again=random_id in known) for random_id, message in there]
    return view.updates(updates)


def _short(call: Call, message: Message) -> Any:
    """The answer for a text in a private chat or basic group: the request's random_id is all it relies on."""
    view = view_of(call)
    rendered = view.message(message)
    return types.UpdateShortSentMessage(
        id=rendered.id,
        pts=message.born[call.me.id],
        pts_count=1,
        date=message.date,
        out=True,
        media=rendered.media,
        entities=rendered.entities,
        ttl_period=rendered.ttl_period,
    )


def _check_target(call: Call, chat: Chat, request: Any, kinds: Sequence[str]) -> None:
    for kind in kinds:
        check_send(chat, call.me, kind)
    check_price(chat, call.me, len(kinds), request.allow_paid_stars or 0)
    check_slow_mode(chat, call.me, len(kinds), call.world.now())


def _draft(call: Call, chat: Chat, request: Any, reply: Reply | None, **fields: Any) -> Message:
    return call.world.chats.draft(
        chat,
        call.me,
        reply=reply,
        silent=bool(request.silent),
        noforwards=bool(request.noforwards) and call.me.bot,
        invert_media=bool(getattr(request, "invert_media", False)),
        reply_markup=getattr(request, "reply_markup", None) if call.me.bot else None,
        **fields,
    )


def _check_request(call: Call, request: Any) -> None:
    """Refuse what would otherwise be silently ignored."""
    if request.send_as is not None and not isinstance(request.send_as, types.InputPeerSelf):
        raise RpcError(400, "SEND_AS_PEER_INVALID")
    if request.effect:
        raise RpcError(400, "EFFECT_CHAT_INVALID")


def _deliver(call: Call, message: Message, random_id: int, schedule_date: Any) -> Any:
    """Into the chat, or into its schedule; the answer of a single send."""
    chats, chat = call.world.chats, message.chat
    video = message.media is not None and message.media.kind == "video"
    date = unix(schedule_date)
    if chat.process_videos and video and not date:
        chat.process_videos -= 1
        message.processing = True
        chats.schedule(message, chats.now())
    elif date > chats.now() + 10:
        chats.schedule(message, date)
    else:
        chats.deliver([message])
    chats.random_ids.remember(call.me.id, chat, random_id, message)
    return _answer(call, [(random_id, message)])


# --- the requests


def send_message(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    _check_ids([request.random_id], 1)
    before = _sent_before(call, chat, request.random_id)
    if before is not None:
        return _answer(call, [(request.random_id, before)], frozenset({request.random_id}))
    _check_request(call, request)
    page = page_of(call, request.rich_message) if request.rich_message is not None else None
    text, entities = text_of(call, request, caption=False) if page is None else ("", [])
    _check_target(call, chat, request, ["text"])
    reply = reply_of(call, chat, request.reply_to)
    media = preview(call, chat, text, entities, request.no_webpage)
    message = _draft(call, chat, request, reply, text=text, entities=entities, media=media, page=page)
    answer = _deliver(call, message, request.random_id, request.schedule_date)
    if chat.shared or message in chat.scheduled.values():
        return answer
    return _short(call, message)


def send_media(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    _check_ids([request.random_id], 1)
    before = _sent_before(call, chat, request.random_id)
    if before is not None:
        return _answer(call, [(request.random_id, before)], frozenset({request.random_id}))
    _check_request(call, request)
    page = isinstance(request.media, types.InputMediaWebPage)
    text, entities = text_of(call, request, caption=not page)
    reply = reply_of(call, chat, request.reply_to)
    media: Media | None = media_of(call, chat, request.media)
    assert media is not None, "media_of gives media or raises"
    _check_target(call, chat, request, [media.kind])
    if media.kind == "text":
        media = None
    elif media.kind in _CAPTIONLESS:
        text, entities = "", []
    message = _draft(call, chat, request, reply, text=text, entities=entities, media=media)
    return _deliver(call, message, request.random_id, request.schedule_date)


def _album_media(call: Call, chat: Chat, items: Sequence[Any]) -> list[Media]:
    """The media of an album; a file reference's error names its item."""
    found = []
    for number, item in enumerate(items):
        try:
            found.append(media_of(call, chat, item.media, uploads=False))
        except RpcError as error:
            if error.message.startswith("FILE_REFERENCE_"):
                rest = error.message.removeprefix("FILE_REFERENCE_")
                raise RpcError(error.code, f"FILE_REFERENCE_{number}_{rest}") from None
            raise
    kinds = {media.album_kind for media in found}
    if None in kinds or len(kinds) > 1:
        raise RpcError(400, "MEDIA_INVALID")
    return found


def send_multi_media(call: Call, request: Any) -> Any:
    """An album. Items that were sent before keep their message, the others join them."""
    chat = chat_of(call, request.peer)
    items = request.multi_media
    if not items:
        raise RpcError(400, "MEDIA_EMPTY")
    if len(items) > _MAX_ALBUM:
        raise RpcError(400, "MULTI_MEDIA_TOO_LONG")
    _check_ids([item.random_id for item in items], len(items))
    before = {item.random_id: _sent_before(call, chat, item.random_id) for item in items}
    fresh = [item for item in items if before[item.random_id] is None]
    messages = {random_id: message for random_id, message in before.items() if message is not None}
    known = frozenset(messages)
    if fresh:
        _check_request(call, request)
        reply = reply_of(call, chat, request.reply_to)
        media = _album_media(call, chat, fresh)
        captions = [text_of(call, item, caption=True) for item in fresh]
        _check_target(call, chat, request, [one.kind for one in media])
        groups = {message.grouped_id for message in messages.values()}
        grouped_id = groups.pop() if groups else call.world.chats.new_group_id()
        drafts = [
            _draft(call, chat, request, reply, text=text, entities=entities, media=one, grouped_id=grouped_id)
            for one, (text, entities) in zip(media, captions, strict=True)
        ]
        date = unix(request.schedule_date)
        if date > call.world.chats.now() + 10:
            for draft in drafts:
                call.world.chats.schedule(draft, date)
        else:
            call.world.chats.deliver(drafts)
        for item, draft in zip(fresh, drafts, strict=True):
            call.world.chats.random_ids.remember(call.me.id, chat, item.random_id, draft)
            messages[item.random_id] = draft
    return _answer(call, [(item.random_id, messages[item.random_id]) for item in items], known)


def upload_media(call: Call, request: Any) -> Any:
    """Commit an upload; the media can then be sent by reference."""
    chat = chat_of(call, request.peer)
    given = types.InputMediaUploadedPhoto, types.InputMediaUploadedDocument
    files = types.InputMediaPhoto, types.InputMediaDocument
    if not isinstance(request.media, (*given, *files)):
        raise RpcError(400, "MEDIA_INVALID")
    return media_of(call, chat, request.media).render(call.world, call.me.id)


# --- forwarding


def _forward_header(call: Call, message: Message) -> Any:
    """Where a forwarded message comes from: the first origin stays."""
    if message.forward is not None:
        return message.forward
    chat = message.chat
    if chat.kind == "channel":
        return types.MessageFwdHeader(
            date=message.date,
            from_id=types.PeerChannel(chat.id),
            channel_post=message.ids[0],
            post_author=message.post_author,
        )
    origin = types.PeerUser(message.sender_id) if message.sender_id is not None else None
    if message.sender_channel is not None:
        origin = types.PeerChannel(message.sender_channel.id)
    return types.MessageFwdHeader(date=message.date, from_id=origin)


def _forwarded(call: Call, source: Chat, ids: Sequence[int]) -> list[Message]:
    box = source.box_for(call.me.id)
    found = []
    for message_id in ids:
        message = box.messages.get(message_id)
        if message is None or message.chat is not source or message.action is not None:
            raise RpcError(400, "MESSAGE_ID_INVALID")
        if source.noforwards or message.noforwards:
            raise RpcError(400, "CHAT_FORWARDS_RESTRICTED")
        found.append(message)
    return found


def forward_messages(call: Call, request: Any) -> Any:
    source, target = chat_of(call, request.from_peer), chat_of(call, request.to_peer)
    if not request.id:
        raise RpcError(400, "MESSAGE_IDS_EMPTY")
    if len(request.id) > _MAX_FORWARDS:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    random_ids = request.random_id or []
    _check_ids(random_ids, len(request.id))
    before = {random_id: _sent_before(call, target, random_id) for random_id in random_ids}
    messages = {random_id: message for random_id, message in before.items() if message is not None}
    known = frozenset(messages)
    fresh = [pair for pair in zip(request.id, random_ids, strict=True) if pair[1] not in known]
    if fresh:
        _check_request(call, request)
        originals = _forwarded(call, source, [message_id for message_id, _ in fresh])
        reply = reply_of(call, target, request.reply_to, request.top_msg_id)
        _check_target(call, target, request, [m.media.kind if m.media else "text" for m in originals])
        groups: dict[int, int] = {}
        drafts = [_copy(call, target, request, original, reply, groups) for original in originals]
        call.world.chats.deliver(drafts)
        for (_, random_id), draft in zip(fresh, drafts, strict=True):
            call.world.chats.random_ids.remember(call.me.id, target, random_id, draft)
            messages[random_id] = draft
    return _answer(call, [(random_id, messages[random_id]) for random_id in random_ids], known)


def _copy(
    call: Call, target: Chat, request: Any, original: Message, reply: Reply | None, groups: dict[int, int]
) -> Message:
    grouped_id = None
    if original.grouped_id is not None:
        grouped_id = groups.setdefault(original.grouped_id, call.world.chats.new_group_id())
    media = original.media
    file = media is not None and (media.photo or media.document)
    captionless = bool(request.drop_media_captions and file)
    return _draft(
        call,
        target,
        request,
        dataclasses.replace(reply) if reply is not None else None,
        text="" if captionless else original.text,
        entities=[] if captionless else list(original.entities),
        media=media,
        grouped_id=grouped_id,
        forward=None if request.drop_author else _forward_header(call, original),
    )
