"""users.*: accounts by id, oneself first of all."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.telegram.dispatch import Call, Dispatcher, RpcError
from tests.telegram.world.peers import Account


def find_user(call: Call, user: Any) -> Account | None:
    """The account that an InputUser names, if its hash is right."""
    me = call.me
    if isinstance(user, types.InputUserSelf | types.InputPeerSelf):
        return me
    if not isinstance(user, types.InputUser | types.InputPeerUser):
        return None
    found = call.world.peers.get(user.user_id)
    if found is None or user.access_hash != call.world.peers.access_hash(me.id, "user", found.id):
        return None
    return found


def register(dispatcher: Dispatcher) -> None:
    """Add the methods of this module."""
    on = dispatcher.on

    @on(functions.users.GetUsersRequest)
    async def get_users(call: Call, request: Any) -> list[Any]:
        found = [(user, find_user(call, user)) for user in request.id]
        return [
            call.world.peers.user(account, call.me.id)
            if account is not None
            else types.UserEmpty(getattr(user, "user_id", 0))
            for user, account in found
        ]

    @on(functions.users.GetFullUserRequest)
    async def get_full_user(call: Call, request: Any) -> Any:
        account = find_user(call, request.id)
        if account is None:
            raise RpcError(400, "USER_ID_INVALID")
        full = types.UserFull(
            id=account.id,
            settings=types.PeerSettings(),
            notify_settings=types.PeerNotifySettings(),
            common_chats_count=0,
        )
        return types.users.UserFull(full, [], [call.world.peers.user(account, call.me.id)])
