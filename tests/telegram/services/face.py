"""What people see of a chat besides its messages: title, description, photo. Whoever may change_info, may.

A change of the description is told by nothing but UpdateChannel, UpdateChat (chosen, not found in a source).
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..incoming import photo_of
from ..resolving import answers, channel_of, chat_of, group_of, view_of
from ..world.chats import Chat
from ..world.rights import may
from ..world.telling import Change

_MAX_TITLE = 128
_MAX_ABOUT = 255


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.channels.EditTitleRequest)(
        lambda call, request: _edit_title(call, channel_of(call, request.channel), request.title)
    )
    answers(dispatcher, functions.messages.EditChatTitleRequest)(
        lambda call, request: _edit_title(call, group_of(call, request.chat_id), request.title)
    )
    answers(dispatcher, functions.channels.EditPhotoRequest)(
        lambda call, request: _edit_photo(call, channel_of(call, request.channel), request.photo)
    )
    answers(dispatcher, functions.messages.EditChatPhotoRequest)(
        lambda call, request: _edit_photo(call, group_of(call, request.chat_id), request.photo)
    )
    answers(dispatcher, functions.messages.EditChatAboutRequest)(edit_chat_about)


def _check(call: Call, chat: Chat) -> None:
    if chat.migrated_to is not None:
        raise RpcError(400, "CHAT_ID_INVALID")
    if not may(chat, call.me, "change_info"):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")


def _said(call: Call, change: Change) -> Any:
    view = view_of(call)
    return view.updates([view.change(change)])


def _edit_title(call: Call, chat: Chat, title: str) -> Any:
    _check(call, chat)
    title = title.strip()[:_MAX_TITLE]
    if not title:
        raise RpcError(400, "CHAT_TITLE_EMPTY")
    if title == chat.title:
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    return _said(call, call.world.chats.set_title(chat, title, call.me))


def _edit_photo(call: Call, chat: Chat, given: Any) -> Any:
    _check(call, chat)
    if isinstance(given, types.InputChatPhotoEmpty):
        if chat.photo is None:
            raise RpcError(400, "CHAT_NOT_MODIFIED")
        return _said(call, call.world.chats.set_photo(chat, None, call.me))
    if isinstance(given, types.InputChatPhoto):
        photo = call.world.files.resolve_photo(call.me.id, given.id)
    elif given.file is None:
        raise RpcError(400, "PHOTO_INVALID")
    else:
        photo = photo_of(call, given.file)
    return _said(call, call.world.chats.set_photo(chat, photo, call.me))


def edit_chat_about(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    _check(call, chat)
    if len(request.about) > _MAX_ABOUT:
        raise RpcError(400, "CHAT_ABOUT_TOO_LONG")
    if request.about == chat.about:
        raise RpcError(400, "CHAT_ABOUT_NOT_MODIFIED")
    call.world.chats.set_about(chat, request.about)
    return True
