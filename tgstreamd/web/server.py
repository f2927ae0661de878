"""Listens at the port, and closes it with all connections when the daemon ends.

Uses uvicorn's HTTP protocol on the running event loop without its server: no signals, ticks or workers.
Connections are limited in number, duration and request size, and serve one request each.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from . import port

log = structlog.get_logger()

CONNECTIONS_MAX = port.BACKLOG
#: Seconds that one connection may last: request, answer and its delivery.
LIFETIME = 20.0
REQUEST_MAX = 16 * 1024
#: Seconds to wait for answers in progress when closing.
PARTING = 2.0


@contextlib.asynccontextmanager
async def listening(
    address: tuple[str, int], app: ASGIApp, *, lifetime: float = LIFETIME
) -> AsyncIterator[tuple[str, int]]:
    """Answer at `address` (port 0: any free one) until the block ends; yields the address. Raises
    TgstreamdError."""
    config = uvicorn.Config(
        app, interface="asgi3", http=H11Protocol, ws="none", lifespan="off",
        log_config=None, log_level="error", access_log=False,
        proxy_headers=False, server_header=False, date_header=False,
        h11_max_incomplete_event_size=REQUEST_MAX,
    )  # fmt: skip
    config.load()
    state = ServerState()
    opened = port.opened(address)
    loop = asyncio.get_running_loop()

    def connected() -> asyncio.Protocol:
        if len(state.connections) >= CONNECTIONS_MAX:
            return _Refused()
        return _Brief(lifetime, config, state)

    server = await loop.create_server(connected, sock=opened)
    where = cast(tuple[str, int], opened.getsockname()[:2])
    reach = "this machine" if port.is_own(where[0]) else "the network"
    log.info("figures are shown", address=where[0], port=where[1], to=reach)
    try:
        yield where
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        if state.tasks:
            # Their connections are closed and each task ends by itself; uvicorn logs a cancelled one as an
            # error.
            await asyncio.wait(state.tasks, timeout=PARTING)


class _Brief(H11Protocol):
    """A connection that is aborted after its lifetime, whatever it is doing."""

    def __init__(self, lifetime: float, config: uvicorn.Config, state: ServerState) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._lifetime = lifetime
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._end = self.loop.call_later(self._lifetime, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)


class _Refused(asyncio.Protocol):
    """A connection above the limit, closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
