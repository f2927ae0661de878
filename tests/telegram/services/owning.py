"""Chats that a client makes and ends: groups and channels created, invited to, upgraded and deleted.

Rules: https://core.telegram.org/api/channel. Only the creator deletes; a forum is
made as one or switched to it.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from ..dispatch import Call, Dispatcher, RpcError
from ..resolving import answers, channel_of, chat_of, group_of, user_of, view_of
from ..world.chats import Chat

_MAX_TITLE = 128
_MAX_ABOUT = 255


def register(dispatcher: Dispatcher) -> None:
    answers(dispatcher, functions.channels.CreateChannelRequest)(create_channel)
    answers(dispatcher, functions.channels.ToggleForumRequest)(toggle_forum)
    answers(dispatcher, functions.channels.DeleteChannelRequest)(delete_channel)
    answers(dispatcher, functions.messages.ExportChatInviteRequest)(export_chat_invite)
    answers(dispatcher, functions.messages.CreateChatRequest)(create_chat)
    answers(dispatcher, functions.messages.MigrateChatRequest)(migrate_chat)


def _title(given: str) -> str:
    title = given.strip()
    if not title or len(title) > _MAX_TITLE:
        raise RpcError(400, "CHAT_TITLE_EMPTY")
    return title


def _shown(call: Call, chat: Chat) -> Any:
    """The answer to a change of a chat: the chat as it is now."""
    view = view_of(call)
    view.peer(chat)
    return view.updates([types.UpdateChannel(chat.id) if chat.shared else types.UpdateChat(chat.id)])


def _owned(call: Call, named: Any) -> Chat:
    chat = channel_of(call, named)
    if chat.creator_id != call.me.id:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    return chat


def create_channel(call: Call, request: Any) -> Any:
    title = _title(request.title)
    if len(request.about) > _MAX_ABOUT:
        raise RpcError(400, "CHAT_ABOUT_TOO_LONG")
    chats = call.world.chats
    if request.broadcast:
        chat = chats.add_channel(title, call.me, about=request.about)
    else:
        chat = chats.add_supergroup(title, call.me, forum=bool(request.forum), about=request.about)
    return _shown(call, chat)


def toggle_forum(call: Call, request: Any) -> Any:
    chat = _owned(call, request.channel)
    if chat.kind != "supergroup":
        raise RpcError(400, "CHANNEL_INVALID")
    if chat.forum == bool(request.enabled):
        raise RpcError(400, "CHAT_NOT_MODIFIED")
    call.world.chats.set_forum(chat, bool(request.enabled))
    return _shown(call, chat)


def delete_channel(call: Call, request: Any) -> Any:
    chat = _owned(call, request.channel)
    call.world.chats.delete_chat(chat)
    view = view_of(call)
    return view.updates([types.UpdateChannel(chat.id)])


def export_chat_invite(call: Call, request: Any) -> Any:
    chat = chat_of(call, request.peer)
    if not chat.has_right(call.me.id, "invite_users"):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    link = f"https://t.me/+{chat.invite}"
    return types.ChatInviteExported(link, chat.creator_id, chat.date, permanent=True)


def create_chat(call: Call, request: Any) -> Any:
    members = [user_of(call, named) for named in request.users]
    chat = call.world.chats.add_group(_title(request.title), call.me, members)
    return types.messages.InvitedUsers(_shown(call, chat), missing_invitees=[])


def migrate_chat(call: Call, request: Any) -> Any:
    group = group_of(call, request.chat_id)
    if group.creator_id != call.me.id:
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    if group.migrated_to is not None:
        raise RpcError(400, "CHAT_ID_INVALID")
    return _shown(call, call.world.chats.migrate(group))
