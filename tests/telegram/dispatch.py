"""The table of what this Telegram can do: request class → handler.

A request that nobody registered is answered with an error and remembered, never ignored: a test
server that shrugs would hide what the client really needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .server import TelegramServer
    from .world import World
    from .world.peers import Account


class RpcError(Exception):
    """An error that Telegram would send: `code` (400, 401, 420, …) and `message` (`FLOOD_WAIT_30`)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


@dataclass(slots=True)
class Call:
    """Who asks, over which key and in which data centre. One for every request."""

    server: TelegramServer
    world: World
    dc_id: int
    key_id: int
    session_id: int
    account: Account | None
    layer: int

    @property
    def me(self) -> Account:
        """The account of this key; an unauthorised one gets Telegram's 401."""
        if self.account is None:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        return self.account


Handler = Callable[[Call, Any], Awaitable[Any]]


class Dispatcher:
    """Maps the class of a request (Telethon's `functions.*Request`) to its handler."""

    def __init__(self) -> None:
        self._handlers: dict[type, Handler] = {}
        self.unknown: list[str] = []

    def on(self, request: type) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            if request in self._handlers:
                raise ValueError(f"{request.__name__} is registered twice")
            self._handlers[request] = handler
            return handler

        return register

    async def __call__(self, call: Call, request: Any) -> Any:
        handler = self._handlers.get(type(request))
        if handler is None:
            self.unknown.append(type(request).__name__)
            raise RpcError(400, "INPUT_METHOD_INVALID")
        return await handler(call, request)
