"""Defines time as an injected value: production has `SystemClock`, tests move theirs by hand.

Nothing else in the program reads a clock or sleeps. Wall time (`now`) goes into the ledger, since holds and
pace must survive a restart; monotonic time bounds waits; uptime distinguishes a wall clock that was set from
time that passed.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Return seconds since 1970, as the ledger stores them."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        ...

    def uptime(self) -> float:
        """Return seconds on a clock that never steps and also counts while the machine is suspended."""
        ...

    async def sleep_until(self, when: float) -> None:
        """Sleep until `monotonic()` reaches `when`."""
        ...

    async def wait(self, event: asyncio.Event, until: float) -> bool:
        """Wait for `event`, at most until `monotonic()` reaches `until`; true if it is set."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def uptime(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - time.monotonic()))

    async def wait(self, event: asyncio.Event, until: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await event.wait()
        except TimeoutError:
            return event.is_set()
        return True
