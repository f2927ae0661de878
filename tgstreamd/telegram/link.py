"""One file connection of a pool: whether it can still be used, how busy it is, and what ends it.

Decides by what its wire knows; asks nothing by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from .file_connection import LeanWire
from .line_speed import Steps

#: A connection that rested so long may have been cut on the way, unnoticed: it is replaced.
REST_MAX: Final = 45.0


class Link:
    """See the module. The seam behind which the sender can be replaced: `call`, `load`, `close`."""

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
        """The answer, asked in steps or at once. Raises what Telethon raises, and the trouble of the steps.

        A connection that says nothing dies by itself.
        """
        try:
            return await self._wire.ask(request, steps)
        finally:
            self._used = self._monotonic()

    def busy(self) -> Callable[[], bool]:
        """A question for later: whether calls of now are still under way here, and bytes moved since."""
        calls, has_moved = self._wire.under_way, self._wire.watch_moves()
        return lambda: not calls.isdisjoint(self._wire.under_way) and has_moved()

    def doubt(self, seconds: float) -> None:
        """The line is said to be dead: so is this connection, if nothing moves on it for so long."""
        has_moved = self._wire.watch_moves()
        asyncio.get_running_loop().call_later(seconds if self.load else 0, self._confirm, has_moved)

    def _confirm(self, has_moved: Callable[[], bool]) -> None:
        if not has_moved():
            self._wire.die(ConnectionAbortedError("nothing moves here, and the main connection is dead"))

    async def close(self) -> None:
        await self._wire.close()
