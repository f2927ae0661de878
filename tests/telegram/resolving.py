"""From what a request names (input peers, message ids, dates) to records; Telegram's errors where it cannot.

Also the door by which the chat services register: plain functions, so that a request is applied whole, with
no task switch in its middle.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from telethon.tl import types

from .dispatch import Call, Dispatcher, RpcError
from .world.chats import Chat
from .world.messages import Message
from .world.peers import Account
from .world.views import View

Answer = Callable[[Call, Any], Any]


def answers(dispatcher: Dispatcher, request: type) -> Callable[[Answer], Answer]:
    """Register a plain function for a request."""

    def register(answer: Answer) -> Answer:
        async def handler(call: Call, request: Any) -> Any:
            with call.world.chats.asked_by(call.me.id, call.session_id):
                return answer(call, request)

        dispatcher.on(request)(handler)
        return answer

    return register


def unix(moment: Any) -> int:
    """A date of a request as unix time; 0 for none."""
    if moment is None:
        return 0
    return int(moment.timestamp()) if isinstance(moment, datetime.datetime) else int(moment)


def view_of(call: Call) -> View:
    return View(call.world, call.me.id)


def _hash_matches(call: Call, kind: str, peer_id: int, access_hash: int) -> bool:
    """Each account has its own hash for a peer; bots may name what they know by 0."""
    if call.me.bot and access_hash == 0:
        return True
    return access_hash == call.world.peers.access_hash(call.me.id, kind, peer_id)


def user_of(call: Call, named: Any, error: str = "USER_ID_INVALID") -> Account:
    """The account that an `InputUser` or `InputPeerUser` names."""
    if isinstance(named, types.InputUserSelf | types.InputPeerSelf):
        return call.me
    if isinstance(named, types.InputUserFromMessage | types.InputPeerUserFromMessage):
        message_of(call, chat_of(call, named.peer), named.msg_id, error)
        found = call.world.peers.get(named.user_id)
    elif isinstance(named, types.InputUser | types.InputPeerUser):
        found = call.world.peers.get(named.user_id)
        stranger = found is not None and found is not call.me
        if stranger and not _hash_matches(call, "user", named.user_id, named.access_hash):
            found = None
    else:
        found = None
    if found is None:
        raise RpcError(400, error)
    return found


def known_channel(call: Call, named: Any) -> Chat:
    """The channel that is named, whether this account may read it or not."""
    if isinstance(named, types.InputChannelFromMessage | types.InputPeerChannelFromMessage):
        message_of(call, chat_of(call, named.peer), named.msg_id, "CHANNEL_INVALID")
        chat = call.world.chats.channel(named.channel_id)
    elif isinstance(named, types.InputChannel | types.InputPeerChannel):
        chat = call.world.chats.channel(named.channel_id)
        if chat is not None and not _hash_matches(call, "channel", chat.id, named.access_hash):
            chat = None
    else:
        chat = None
    if chat is None:
        raise RpcError(400, "CHANNEL_INVALID")
    return chat


def channel_of(call: Call, named: Any) -> Chat:
    """A channel or supergroup that this account may read: CHANNEL_PRIVATE otherwise."""
    chat = known_channel(call, named)
    if not chat.readable_by(call.me.id):
        raise RpcError(400, "CHANNEL_PRIVATE")
    return chat


def group_of(call: Call, chat_id: int) -> Chat:
    chat = call.world.chats.group(chat_id)
    if chat is None or call.me.id not in chat.members:
        raise RpcError(400, "CHAT_ID_INVALID")
    if "view_messages" in chat.members[call.me.id].banned:
        raise RpcError(400, "CHAT_ID_INVALID")
    return chat


def chat_of(call: Call, named: Any) -> Chat:
    """The chat that an `InputPeer` names."""
    if isinstance(named, types.InputPeerChannel | types.InputPeerChannelFromMessage):
        return channel_of(call, named)
    if isinstance(named, types.InputPeerChat):
        try:
            return group_of(call, named.chat_id)
        except RpcError:
            raise RpcError(400, "PEER_ID_INVALID") from None
    if isinstance(named, types.InputPeerSelf | types.InputPeerUser | types.InputPeerUserFromMessage):
        other = user_of(call, named, "PEER_ID_INVALID")
        if other.deactivated:
            raise RpcError(400, "INPUT_USER_DEACTIVATED")
        return call.world.chats.private(call.me, other)
    raise RpcError(400, "PEER_ID_INVALID")


def message_of(call: Call, chat: Chat, message_id: int, error: str = "MESSAGE_ID_INVALID") -> Message:
    """A message of this chat by its id in this account's eyes."""
    message = chat.box_for(call.me.id).messages.get(message_id)
    if message is None or message.chat is not chat:
        raise RpcError(400, error)
    if chat.shared and message_id <= chat.available_min_id:
        raise RpcError(400, error)
    return message
