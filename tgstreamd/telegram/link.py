"""Wraps one file connection of a pool: whether it is usable, how busy it is, and when it ends.

Decides by the state of its connection; makes no requests by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from .file_connection import LeanWire
from .line_speed import Steps

#: Seconds idle after which a connection may have been cut unnoticed on the way: it is replaced.
REST_MAX: Final = 45.0


class Link:
    """A pooled connection. Its interface, behind which the sender can be replaced: `call`, `load`,
    `close`."""

    def __init__(self, wire: LeanWire, monotonic: Callable[[], float]) -> None:
        self._wire = wire
        self._monotonic = monotonic
        self._used = monotonic()

    @property
    def alive(self) -> bool:
        rested = self._wire.load == 0 and self._monotonic() - self._used > REST_MAX
        return self._wire.alive and not rested

    @property
    def load(self) -> int:
        return self._wire.load

    async def call(self, request: Any, steps: Steps | None = None) -> Any:
        """Return the answer, requested in steps or at once. Raises what Telethon raises, and errors of the
        steps.

        A silent connection ends by itself.
        """
        try:
            return await self._wire.ask(request, steps)
        finally:
            self._used = self._monotonic()

    def busy(self) -> Callable[[], bool]:
        """Return a function that tells later whether present calls are still in progress here and bytes moved
        since."""
        calls, has_moved = self._wire.under_way, self._wire.watch_moves()
        return lambda: not calls.isdisjoint(self._wire.under_way) and has_moved()

    def doubt(self, seconds: float) -> None:
        """End this connection if nothing moves on it for `seconds`: the line appears to be dead."""
        has_moved = self._wire.watch_moves()
        asyncio.get_running_loop().call_later(seconds if self.load else 0, self._confirm, has_moved)

    def _confirm(self, has_moved: Callable[[], bool]) -> None:
        if not has_moved():
            self._wire.die(ConnectionAbortedError("nothing moves here, and the main connection is dead"))

    async def close(self) -> None:
        await self._wire.close()
