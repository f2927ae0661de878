"""Follows a wall clock that is set: what the ledger keeps by it is moved along.

One for each open ledger that is written to, since each step is to be moved once. Decides nothing.
"""

from __future__ import annotations

import structlog

from ..domain.clock import Clock
from ..ledger import Store

log = structlog.get_logger()

#: A wall clock that differs by less was only corrected.
STEP = 2.0


class WallClock:
    """`follow` before times of the ledger are compared with the present."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        #: By how much the wall clock was ahead of the machine's uptime when we last looked.
        self._ahead = clock.now() - clock.uptime()

    async def follow(self) -> None:
        """Move the ledger's times along with a clock that was set: Telegram's waits stay as long."""
        ahead = self._clock.now() - self._clock.uptime()
        by, self._ahead = ahead - self._ahead, ahead
        if abs(by) >= STEP:
            log.warning("the clock of this machine was set", seconds=round(by))
            await self._store.clock_was_set(by, self._clock.now())
