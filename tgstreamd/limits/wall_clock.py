"""Detects that the wall clock was set, and moves the ledger's times by the same amount.

There is one for each ledger open for writing, since each step must be applied once. Decides nothing.
"""

from __future__ import annotations

import structlog

from ..domain.clock import Clock
from ..ledger import Store

log = structlog.get_logger()

#: Smaller differences are corrections of the clock, and are ignored.
STEP = 2.0


class WallClock:
    """Call `follow` before times of the ledger are compared with the present."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        #: Wall clock minus the machine's uptime at the last call.
        self._ahead = clock.now() - clock.uptime()

    async def follow(self) -> None:
        """Move the ledger's times if the clock was set: Telegram's waits stay as long."""
        ahead = self._clock.now() - self._clock.uptime()
        by, self._ahead = ahead - self._ahead, ahead
        if abs(by) >= STEP:
            log.warning("the clock of this machine was set", seconds=round(by))
            await self._store.clock_was_set(by, self._clock.now())
