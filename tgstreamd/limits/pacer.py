"""Decides when the next send may start, from the stored marks and backlog interval, and the holds.

The sender loads it at every step; changes (a flood wait, a calm night) are stored at once, so that a restart
knows them.
"""

from __future__ import annotations

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.holds import Scope
from ..domain.messages import Draft, Mark, Mirror
from ..ledger import BACKLOG, CHANGES, MESSAGES, READER, Store, changes_in, messages_to
from ..policy.pacing import BacklogInterval, Pace, anchored, calmed, flooded, not_before
from ..policy.retry import Hold
from .holds import StoredHolds, clock_time
from .wall_clock import WallClock

log = structlog.get_logger()


class Pacer:
    """Says when an account may send or change something next. Call `load` before asking."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        pace: Pace,
        holds: StoredHolds,
        wall: WallClock | None = None,
        account: int = READER,
    ) -> None:
        """`holds` are those of the same account."""
        self._store = store
        self._clock = clock
        self._wall = wall or WallClock(store, clock)
        self._account = account
        self.pace = pace
        self.holds = holds
        self._marks: dict[str, Mark] = {}
        self._tempo = BacklogInterval(interval=pace.interval)

    @property
    def backlog_interval(self) -> float:
        """Seconds between messages of any backlog of the account."""
        return max(self._tempo.interval, self.pace.interval)

    async def load(self) -> None:
        """Read marks, interval and holds; correct marks that a changed wall clock has left in the future."""
        await self._wall.follow()
        now = self._clock.now()
        await self.holds.look()
        stored_marks, stored = await self._store.pace(self._account)
        self._marks = {key: anchored(mark, now) for key, mark in stored_marks.items()}
        for key, mark in self._marks.items():
            if mark != stored_marks[key]:
                # Otherwise each load would anchor it anew, and its time would never come.
                await self._store.set_marks(self._account, [key], mark.at, mark.cost)
        tempo = (
            msgspec.json.decode(stored, type=BacklogInterval)
            if stored
            else BacklogInterval(interval=self.pace.interval)
        )
        self._tempo = calmed(tempo, self.pace, now)
        if stored and self._tempo != tempo:
            await self._keep_tempo()

    def not_before(self, mirror: Mirror, backlog: bool, method: str) -> float:
        """Return the unix time before which `method` must not send to the mirror's target."""
        return not_before(
            self.pace,
            now=self._clock.now(),
            backlog=backlog,
            target=self._marks.get(messages_to(mirror.target)),
            account=self._marks.get(MESSAGES),
            backlog_mark=self._marks.get(BACKLOG),
            backlog_interval=self.backlog_interval,
            holds=self.holds.seen.before_message(mirror.id, mirror.target, method),
        )

    def second_not_before(self, target: int, method: str) -> float:
        """Return the unix time before which the change sender must not make this call."""
        return not_before(
            self.pace,
            now=self._clock.now(),
            backlog=False,
            target=self._marks.get(changes_in(target)),
            account=self._marks.get(CHANGES),
            backlog_mark=None,
            backlog_interval=0.0,
            holds=self.holds.seen.before_call(target, method),
        )

    def not_before_again(self, mirror: Mirror, draft: Draft) -> float:
        """Return the time for a call that is repeated: only holds count, since it adds no message."""
        before = self.holds.seen.before_call(mirror.target, draft.method)
        return max(before, default=self._clock.now())

    async def charge_message(self, target: int, cost: int) -> None:
        """Charge the pace for messages sent to this target."""
        keys = [messages_to(target), MESSAGES]
        await self._store.set_marks(self._account, keys, self._clock.now(), cost)

    async def charge_change(self, target: int, cost: int) -> None:
        """Charge the pace for changes made in this target."""
        keys = [changes_in(target), CHANGES]
        await self._store.set_marks(self._account, keys, self._clock.now(), cost)

    async def hold(self, decision: Hold, mirror: Mirror) -> None:
        """Store and log a flood wait or slow mode, to the second."""
        scope = {
            "account": Scope.account(),
            "chat": Scope.chat(mirror.target),
            "method": Scope.method(decision.method),
        }[decision.scope]
        await self.holds.hold(scope, decision.until, decision.reason)
        seconds = decision.until - self._clock.now()
        log.warning(
            "Telegram asks to wait",
            mirror=mirror.name,
            scope=str(scope),
            seconds=round(seconds),
            until=clock_time(decision.until),
            why=decision.reason,
        )
        if decision.widen:
            self._tempo = flooded(self._tempo, seconds, self._clock.now())
            await self._keep_tempo()
            log.warning("backlog slowed down", interval=self._tempo.interval)

    async def _keep_tempo(self) -> None:
        await self._store.set_tempo(self._account, msgspec.json.encode(self._tempo).decode())
