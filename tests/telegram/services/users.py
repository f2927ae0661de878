"""users.*: accounts by id, oneself first of all."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.telegram.dispatch import Call, Dispatcher, RpcError
from tests.telegram.resolving import user_of


def _found(call: Call, user: Any) -> Any:
    try:
        return call.world.peers.user(user_of(call, user), call.me.id)
    except RpcError:
        return types.UserEmpty(getattr(user, "user_id", 0))


def register(dispatcher: Dispatcher) -> None:
    """Add the methods of this module."""
    on = dispatcher.on

    @on(functions.users.GetUsersRequest)
    async def get_users(call: Call, request: Any) -> list[Any]:
        return [_found(call, user) for user in request.id]

    @on(functions.users.GetFullUserRequest)
    async def get_full_user(call: Call, request: Any) -> Any:
        account = user_of(call, request.id)
        full = types.UserFull(
            id=account.id,
            settings=types.PeerSettings(),
            notify_settings=types.PeerNotifySettings(),
            common_chats_count=0,
        )
        return types.users.UserFull(full, [], [call.world.peers.user(account, call.me.id)])
