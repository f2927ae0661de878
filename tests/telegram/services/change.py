"""Changing what was sent: edits, deletions, pins.

Rules: telegram-facts.md 2.6. An edit that changes nothing is MESSAGE_NOT_MODIFIED; deleting what is not there
is no error and moves no pts.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..incoming import media_of, preview, text_of
from ..resolving import answers, channel_of, chat_of, message_of, view_of
from ..world.chats import Chat
from ..world.media import Media, end_poll
from ..world.messages import Message
from ..world.rights import may

EDIT_WINDOW = 48 * 3600
_MAX_IDS = 100
#: Kinds whose text or media can be edited; a poll can only be closed.
_EDITABLE = frozenset({"text", "webpage", "photo", "video", "gif", "audio", "document", "voice", "todo"})


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.messages.EditMessageRequest)(edit_message)
    answers(dispatcher, functions.messages.DeleteMessagesRequest)(delete_messages)
    answers(dispatcher, functions.channels.DeleteMessagesRequest)(delete_channel_messages)
    answers(dispatcher, functions.messages.UpdatePinnedMessageRequest)(update_pinned_message)
    answers(dispatcher, functions.messages.DeleteScheduledMessagesRequest)(delete_scheduled_messages)


# --- editing


def _check_editor(call: Call, chat: Chat, message: Message) -> None:
    me = call.me.id
    mine = message.author_id == me
    if message.action is not None or message.forward is not None or message.via_bot_id is not None:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if chat.kind == "channel":
        if chat.has_right(me, "edit_messages"):
            return
        if not (mine and chat.has_right(me, "post_messages")):
            raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    elif not mine:
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    elif chat.shared and chat.has_right(me, "pin_messages"):
        return
    if call.world.now() - message.date > EDIT_WINDOW:
        raise RpcError(400, "MESSAGE_EDIT_TIME_EXPIRED")


def _edited_media(call: Call, chat: Chat, message: Message, given: Any) -> Media | None:
    old = message.media
    kind = old.kind if old is not None else "text"
    if given is None:
        return old
    media = media_of(call, chat, given)
    if kind == "poll":
        return media if media.kind == "poll" and media.plain.poll.closed else None
    if old is not None and (old.ttl_seconds or message.processing):
        raise RpcError(400, "MEDIA_PREV_INVALID")
    if media.kind not in _EDITABLE:
        raise RpcError(400, "MEDIA_NEW_INVALID")
    if message.grouped_id is not None and (old is None or media.album_kind != old.album_kind):
        raise RpcError(400, "MEDIA_GROUPED_INVALID")
    return media


def edit_message(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    message = message_of(call, chat, request.id)
    _check_editor(call, chat, message)
    kind = message.media.kind if message.media is not None else "text"
    if kind == "poll":
        return _close_poll(call, message, request)
    if kind not in _EDITABLE:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    media = _edited_media(call, chat, message, request.media)
    if request.rich_message is not None:
        raise RpcError(400, "MEDIA_INVALID")  # editing pages is not built
    has_file = media is not None and media.kind not in ("webpage", "text")
    text, entities = message.text, message.entities
    if request.message is not None:
        text, entities = text_of(call, request, caption=has_file)
        if not has_file and request.media is None:
            media = preview(call, chat, text, entities, request.no_webpage)
    same_text = text == message.text and _plain(entities) == _plain(message.entities)
    same_media = request.media is None and _page(media) == _page(message.media)
    if same_text and same_media and bool(request.invert_media) == message.invert_media:
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    message.invert_media = bool(request.invert_media)
    change = call.world.chats.change_message(message, text, entities, media)
    view = view_of(call)
    return view.updates([view.change(change)])


def _close_poll(call: Call, message: Message, request: Any) -> Any:
    closing = isinstance(request.media, types.InputMediaPoll) and request.media.poll.closed
    if not closing or message.media is None:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if message.media.plain.poll.closed:
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")
    end_poll(message.media)
    change = call.world.chats.change_message(
        message, message.text, message.entities, message.media, hide=True
    )
    view = view_of(call)
    return view.updates([view.change(change)])


def _plain(entities: list[Any]) -> list[Any]:
    return [entity.to_dict() for entity in entities]


def _page(media: Media | None) -> Any:
    if media is None:
        return None
    return media.plain.to_dict() if media.kind == "webpage" else id(media)


# --- deleting


def _ids(ids: list[int]) -> list[int]:
    """Clients send at most 100; what Telegram does with more is not known, here it is an error."""
    if len(ids) > _MAX_IDS:
        raise RpcError(400, "LIMIT_INVALID")
    return ids


def _may_delete(call: Call, chat: Chat, message: Message) -> bool:
    me = call.me.id
    if chat.kind == "private" or chat.has_right(me, "delete_messages"):
        return True
    if message.author_id != me or not chat.is_member(me):
        return False
    return chat.kind != "channel" or chat.has_right(me, "post_messages")


def delete_channel_messages(call: Call, request: Any) -> Any:
    chat = channel_of(call, request.channel)
    found = [chat.box.messages[i] for i in _ids(request.id) if i in chat.box.messages]
    if not all(_may_delete(call, chat, m) for m in found):
        raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")
    if any(isinstance(m.action, types.MessageActionChannelCreate) for m in found):
        raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")
    change = call.world.chats.remove(found) if found else None
    count = change.events[0].count if change is not None else 0
    return types.messages.AffectedMessages(pts=chat.box.pts, pts_count=count)


def delete_messages(call: Call, request: Any) -> Any:
    """Private chats and basic groups: for everyone with `revoke`, else the own copies."""
    box = call.world.chats.box_of(call.me.id)
    by_chat: dict[Chat, list[Message]] = {}
    for message_id in _ids(request.id):
        message = box.messages.get(message_id)
        if message is not None:
            by_chat.setdefault(message.chat, []).append(message)
    if request.revoke:
        for chat, found in by_chat.items():
            if not all(_may_delete(call, chat, m) for m in found):
                raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")
    before = box.pts
    for found in by_chat.values():
        call.world.chats.remove(found, only_for=None if request.revoke else call.me.id)
    return types.messages.AffectedMessages(pts=box.pts, pts_count=box.pts - before)


def delete_scheduled_messages(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    gone = [i for i in request.id if chat.scheduled.pop(i, None) is not None]
    view = view_of(call)
    return view.updates([types.UpdateDeleteScheduledMessages(view.peer(chat), gone)])


# --- pinning


def update_pinned_message(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    message = message_of(call, chat, request.id)
    allowed = (
        chat.has_right(call.me.id, "edit_messages")
        if chat.kind == "channel"
        else may(chat, call.me, "pin_messages")
    )
    if not allowed:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    changes = call.world.chats.pin_message(
        message, call.me, pinned=not request.unpin, silent=bool(request.silent)
    )
    view = view_of(call)
    return view.updates([view.change(change) for change in changes])
