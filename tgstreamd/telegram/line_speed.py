"""How fast the line is in one direction, and so how much of a part, and how many, may be under way at once.

All connections share one line. On a slow one a part of 512 KiB holds up whatever is behind it for a minute,
and many at once never arrive in time. So a part goes in steps, each as long as the line takes a second or
two for, and no other part beside it, until the steps turn out to be fast. Then parts go whole, as many at
once as arrive soon. Measures the steps by pings over the main connection, which see the queues on the way
and are what those would harm, and the parts by their answers. Owns no connection and ends none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from ..domain.errors import FloodWait
from ..domain.messages import PART_SIZE

#: Bytes of the first step, which 20 kbit/s take in seven seconds, and of the smallest.
FIRST, LEAST = 16 * 1024, 4 * 1024
#: Seconds of a step: after one that was as quick as that the next is much larger, larger, smaller.
QUICK, SHORT, LONG = 0.25, 1.0, 3.0
#: A part is wanted within so many seconds, and so no more go at once; one that takes so long, or fails after
#: it, was on a line that is slow.
SOON, SLOW = 10.0, 30.0
#: Bytes that a part must have to say something of the speed.
TELLING: Final = 64 * 1024
#: After so many seconds without a part the line may be another one.
REST: Final = 60.0

type Ping = Callable[[], Awaitable[float]]


def next_step(step: int, seconds: float) -> int:
    """Bytes of the next step, after one of so many bytes that took so long."""
    if seconds < SHORT:
        return min(PART_SIZE, step * (8 if seconds < QUICK else 2))
    return max(LEAST, step // 2) if seconds > LONG else step


def parts_at_once(under_way: int, seconds: float) -> int:
    """Parts that would arrive soon all together, after one that took so long among so many.

    One more where that one did: on a long line it was not the others that it waited for.
    """
    fitting = int(SOON * under_way / max(0.001, seconds))
    return max(1, fitting, under_way + 1 if seconds <= SOON else 0)


class LineSpeed:
    """One direction of the line; `turn` around each part."""

    def __init__(self, monotonic: Callable[[], float], ping: Ping) -> None:
        self._monotonic = monotonic
        self._ping = ping
        self._step = FIRST
        #: Parts that may be under way; known by those that arrived, since a proxy may take bytes at once and
        #: hold up no ping.
        self._most = 1
        self._under_way = 0
        self._rested = monotonic()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_fast(self) -> bool:
        return self._step >= PART_SIZE

    @asynccontextmanager
    async def turn(self, size: int = PART_SIZE) -> AsyncIterator[Steps | None]:
        """Wait until another part, of so many bytes, may begin. Gives None where it may go at once, else its
        steps."""
        if not self._under_way and self._monotonic() - self._rested >= REST:
            self._step, self._most = FIRST, 1
        await self._enter()
        began = self._monotonic()
        fast = self.is_fast
        try:
            yield None if fast else Steps(self, self._ping)
            self._arrived(size, self._monotonic() - began)
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
        """A step took so long."""
        self._step = next_step(self._step, seconds)

    @property
    def step(self) -> int:
        return self._step

    def _arrived(self, size: int, seconds: float) -> None:
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
        """Those who wait would be told the same: they are to wait elsewhere, and hold nothing meanwhile."""
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
        #: Seconds of a ping with nothing of ours before it, once it matters.
        self._idle: float | None = None
        #: Gets the bytes that are through so far.
        self.on_step: Callable[[int], None] = lambda _through: None

    @property
    def size(self) -> int:
        """Bytes of the next one."""
        return self._speed.step

    async def passed(self, is_confirmed: Callable[[], bool]) -> None:
        """Wait until what was just sent is through: the next machine has it, and a ping behind it is back."""
        seconds = await self._ping()
        while not is_confirmed():
            seconds += await self._ping()
        await self.took(seconds)

    async def took(self, seconds: float) -> None:
        """A step took so long, the way there and back included."""
        if seconds >= QUICK:
            if self._idle is None:
                self._idle = await self._ping()
            seconds = max(0.0, seconds - self._idle)
        self._speed.stepped(seconds)
