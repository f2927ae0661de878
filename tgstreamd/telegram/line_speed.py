"""Estimates the speed of the line in one direction and limits the size and number of parts in transfer.

All connections share one line. On a slow one a part of 512 KiB delays whatever is behind it for a minute, and
many parts at once never arrive in time. A part is therefore sent in steps, each sized to take a second or
two, and with no other part beside it, until the steps turn out to be fast. Parts are then sent whole, as many
at once as arrive soon. Steps are measured by pings over the main connection, which see the queues on the way
and are what those would delay; parts are measured by their answers. Owns no connection and ends none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from ..domain.errors import FloodWait
from ..domain.messages import PART_SIZE

#: Bytes of the first step, which take seven seconds at 20 kbit/s, and of the smallest.
FIRST, LEAST = 16 * 1024, 4 * 1024
#: Seconds of a step: after less than QUICK the next is eight times as large, after less than SHORT
#: twice, after more than LONG half as large.
QUICK, SHORT, LONG = 0.25, 1.0, 3.0
#: Seconds in which a part should arrive, which limits the number at once; a part that takes SLOW seconds, or
#: fails after them, was on a slow line.
SOON, SLOW = 10.0, 30.0
#: Bytes that a part must have to measure the speed.
TELLING: Final = 64 * 1024
#: After this many seconds without a part the line may be a different one.
REST: Final = 60.0

type Ping = Callable[[], Awaitable[float]]


def next_step(step: int, seconds: float) -> int:
    """Return the bytes of the next step, after one of `step` bytes that took `seconds`."""
    if seconds < SHORT:
        return min(PART_SIZE, step * (8 if seconds < QUICK else 2))
    return max(LEAST, step // 2) if seconds > LONG else step


def parts_at_once(under_way: int, seconds: float) -> int:
    """Return how many parts would arrive soon together, after one took `seconds` among `under_way`.

    One more if that one arrived soon: on a line with high latency it did not wait for the others.
    """
    fitting = int(SOON * under_way / max(0.001, seconds))
    return max(1, fitting, under_way + 1 if seconds <= SOON else 0)


class LineSpeed:
    """One direction of the line; enter `turn` around each part."""

    def __init__(self, monotonic: Callable[[], float], ping: Ping) -> None:
        self._monotonic = monotonic
        self._ping = ping
        self._step = FIRST
        #: Parts that may be in transfer; measured by parts that arrived, since a proxy may accept bytes at
        #: once without delaying a ping.
        self._most = 1
        self._under_way = 0
        self._rested = monotonic()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_fast(self) -> bool:
        return self._step >= PART_SIZE

    @asynccontextmanager
    async def turn(self, size: int = PART_SIZE) -> AsyncIterator[Steps | None]:
        """Wait until another part of `size` bytes may begin. Yields None if it may go at once, else its
        steps."""
        if not self._under_way and self._monotonic() - self._rested >= REST:
            self._step, self._most = FIRST, 1
        await self._enter()
        began = self._monotonic()
        fast = self.is_fast
        try:
            yield None if fast else Steps(self, self._ping)
            self._measure(size, self._monotonic() - began)
        except FloodWait as error:
            self._refuse(error)
            raise
        finally:
            self._rested = self._monotonic()
            if self._rested - began >= SLOW:
                self._step, self._most = min(self._step, FIRST), 1
            self._under_way -= 1
            self._admit()

    def stepped(self, seconds: float) -> None:
        """Adjust the next step to the duration of the last."""
        self._step = next_step(self._step, seconds)

    @property
    def step(self) -> int:
        return self._step

    def _measure(self, size: int, seconds: float) -> None:
        if size >= TELLING and self.is_fast:
            self._most = parts_at_once(self._under_way, seconds * PART_SIZE / size)

    def _has_room(self) -> bool:
        return self._under_way < self._most

    async def _enter(self) -> None:
        if self._has_room() and not self._waiting:
            self._under_way += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                self._under_way -= 1
                self._admit()
            raise

    def _refuse(self, error: FloodWait) -> None:
        """Raise the flood wait in all waiting parts: they would meet it too, and should wait without holding
        memory."""
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(error)
        self._waiting.clear()

    def _admit(self) -> None:
        while self._waiting and self._has_room():
            turn = self._waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)


class Steps:
    """The steps of one part, one after the other."""

    def __init__(self, speed: LineSpeed, ping: Ping) -> None:
        self._speed = speed
        self._ping = ping
        #: Seconds of a ping without our bytes ahead of it, measured once needed.
        self._idle: float | None = None
        #: Called with the bytes transferred so far.
        self.on_step: Callable[[int], None] = lambda _through: None

    @property
    def size(self) -> int:
        """The bytes of the next step."""
        return self._speed.step

    async def passed(self, is_confirmed: Callable[[], bool]) -> None:
        """Wait until the last step is through: the TCP peer has confirmed it, and a ping behind it has
        returned."""
        seconds = await self._ping()
        while not is_confirmed():
            seconds += await self._ping()
        await self.took(seconds)

    async def took(self, seconds: float) -> None:
        """Record the duration of a step, round trip included."""
        if seconds >= QUICK:
            if self._idle is None:
                self._idle = await self._ping()
            seconds = max(0.0, seconds - self._idle)
        self._speed.stepped(seconds)
