"""Time and chance for tests: a clock that is moved by hand, and ids that count.

`FakeClock` never sleeps: a sleeper parks until `advance()` has moved time to where it wants to be.
A test says `await clock.parked(n)`, which returns as soon as n sleepers have arrived, then moves time.
Nothing in here looks at the real clock, but for one bound that turns a hang into a failure.
"""

from __future__ import annotations

import asyncio
import itertools

#: Real seconds after which a test that waits for somebody fails; no correct test comes near, however busy the
#: machine is.
HANG = 120.0


class FakeClock:
    """A `tgstreamd.domain.clock.Clock` whose time stands still until a test moves it."""

    def __init__(self, now: float = 1_700_000_000.0, monotonic: float = 1_000.0) -> None:
        self._now = now
        self._monotonic = monotonic
        self._uptime = now
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self._arrivals: list[tuple[int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def uptime(self) -> float:
        return self._uptime

    async def sleep_until(self, when: float) -> None:
        if when <= self._monotonic:
            await asyncio.sleep(0)  # as a real sleep of nothing does: others get their turn
            return
        sleeper = self._park(when)
        try:
            await sleeper
        finally:
            self._sleepers.pop(sleeper, None)

    async def wait(self, event: asyncio.Event, until: float) -> bool:
        if event.is_set() or until <= self._monotonic:
            await asyncio.sleep(0)
            return event.is_set()
        sleeper = self._park(until)
        waiter = asyncio.ensure_future(event.wait())
        waiter.add_done_callback(lambda _: None if sleeper.done() else sleeper.set_result(None))
        try:
            await sleeper
        finally:
            self._sleepers.pop(sleeper, None)
            waiter.cancel()
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Move both clocks on; who sleeps until then wakes in the next passes of the loop."""
        assert seconds >= 0
        self._now += seconds
        self._monotonic += seconds
        self._uptime += seconds
        for sleeper, when in sorted(self._sleepers.items(), key=lambda item: item[1]):
            # A hair of tolerance: sums of floats must not leave a sleeper behind for ever.
            if when <= self._monotonic + 1e-6:
                del self._sleepers[sleeper]
                if not sleeper.done():
                    sleeper.set_result(None)

    def advance_to(self, when: float) -> None:
        """Move on until `monotonic()` is `when`; nothing where it is past."""
        self.advance(max(0.0, when - self._monotonic))

    def step(self, seconds: float) -> None:
        """The wall clock jumps, as after a correction of the machine's time; monotonic time does not."""
        self._now += seconds

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: time passes, and the clock that bounds waits stands still."""
        self._now += seconds
        self._uptime += seconds

    @property
    def sleeping(self) -> int:
        """How many sleep now."""
        return len(self._sleepers)

    @property
    def next_wake(self) -> float | None:
        """The monotonic time at which the next sleeper wants to wake."""
        return min(self._sleepers.values(), default=None)

    async def parked(self, n: int = 1) -> None:
        """Wait until at least n sleepers are asleep."""
        if len(self._sleepers) >= n:
            return
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals.append((n, arrived))
        try:
            async with asyncio.timeout(HANG):
                await arrived
        except TimeoutError:
            raise AssertionError(f"{len(self._sleepers)} sleepers, expected {n}") from None

    async def tick(self, n: int = 1) -> float:
        """Wait for n sleepers, move to the first wake-up, return the seconds moved."""
        await self.parked(n)
        before = self._monotonic
        assert self.next_wake is not None
        self.advance_to(self.next_wake)
        return self._monotonic - before

    def _park(self, when: float) -> asyncio.Future[None]:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers[sleeper] = when
        for entry in [entry for entry in self._arrivals if entry[0] <= len(self._sleepers)]:
            self._arrivals.remove(entry)
            if not entry[1].done():
                entry[1].set_result(None)
        return sleeper


class CountingIds:
    """`tgstreamd.domain.ports.Ids` that count up from `first`."""

    def __init__(self, first: int = 1) -> None:
        self._next = itertools.count(first)

    def random_id(self) -> int:
        return next(self._next)
