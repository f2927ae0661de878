"""When the next send may start: the marks, holds and tempo that the ledger keeps, asked of `pace`.

The sender loads it at every step; what it learns (a flood, a limited account, a calm night) it writes
back at once, so that a restart knows it.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import structlog

from ..domain.clock import FOREVER, Clock
from ..domain.messages import Draft, Mark, Mirror
from ..ledger import Hold as Held
from ..ledger import Store
from ..policy.pacing import BacklogInterval, Pace, anchored, calmed, flooded, not_before
from ..policy.retry import Hold, HoldAccount
from .wall_clock import WallClock

log = structlog.get_logger()

TEMPO = "backlog_tempo"


class Holding:
    """The pace as it stands. `load` before asking."""

    def __init__(self, store: Store, clock: Clock, pace: Pace, wall: WallClock | None = None) -> None:
        self._store = store
        self._clock = clock
        self._wall = wall or WallClock(store, clock)
        self.pace = pace
        self._marks: dict[str, Mark] = {}
        self.holds: dict[str, Held] = {}
        self._tempo = BacklogInterval(interval=pace.interval)

    @property
    def backlog_interval(self) -> float:
        """Seconds between messages of any backlog of the account."""
        return max(self._tempo.interval, self.pace.interval)

    @property
    def strikes(self) -> int:
        """How often Telegram has limited the account since its last successful send."""
        held = self.holds.get("account")
        return held.step if held else 0

    async def load(self) -> None:
        """Read what the ledger holds, and put right marks that the wall clock has left in the future."""
        await self._wall.follow()
        now = self._clock.now()
        stored_marks, self.holds, stored = await self._store.pace(TEMPO)
        self._marks = {key: anchored(mark, now) for key, mark in stored_marks.items()}
        for key, mark in self._marks.items():
            if mark != stored_marks[key]:
                # Else each look would anchor it anew, and its time would never come.
                await self._store.set_marks([key], mark.at, mark.cost)
        tempo = (
            msgspec.json.decode(stored, type=BacklogInterval)
            if stored
            else BacklogInterval(interval=self.pace.interval)
        )
        self._tempo = calmed(tempo, self.pace, now)
        if stored and self._tempo != tempo:
            await self._store.set_fact(TEMPO, msgspec.json.encode(self._tempo).decode())

    def not_before(self, mirror: Mirror, backlog: bool, method: str) -> float:
        """The unix time before which `method` must not send to the mirror's target."""
        scopes = ("account", f"chat:{mirror.target}", f"mirror:{mirror.id}", f"method:{method}")
        return not_before(
            self.pace,
            now=self._clock.now(),
            backlog=backlog,
            target=self._marks.get(f"target:{mirror.target}"),
            account=self._marks.get("account"),
            backlog_mark=self._marks.get("backlog"),
            backlog_interval=self.backlog_interval,
            holds=[self.holds[scope].until for scope in scopes if scope in self.holds],
        )

    def second_not_before(self, target: int, method: str) -> float:
        """The unix time before which the second clock must not make this call."""
        scopes = ("account", f"chat:{target}", f"method:{method}")
        return not_before(
            self.pace,
            now=self._clock.now(),
            backlog=False,
            target=self._marks.get(f"second:{target}"),
            account=self._marks.get("second"),
            backlog_mark=None,
            backlog_interval=0.0,
            holds=[self.holds[scope].until for scope in scopes if scope in self.holds],
        )

    def not_before_again(self, mirror: Mirror, draft: Draft) -> float:
        """The same for a call that is made again: only the holds, since it adds no message."""
        now = self._clock.now()
        scopes = ("account", f"chat:{mirror.target}", f"method:{draft.method}")
        return max([self.holds[scope].until for scope in scopes if scope in self.holds], default=now)

    def held(self, mirror: int, target: int, now: float) -> Held | None:
        """The longest hold that binds this mirror now, whatever the method: for people."""
        binding = [
            hold
            for scope, hold in self.holds.items()
            if hold.until > now
            and (
                scope in ("account", f"chat:{target}", f"mirror:{mirror}")
                or scope.startswith("method:messages.send")
            )
        ]
        return max(binding, key=lambda hold: hold.until, default=None)

    async def hold(self, decision: Hold, mirror: Mirror) -> None:
        """A flood wait or slow mode: kept to the second, and said."""
        scope = {
            "account": "account",
            "chat": f"chat:{mirror.target}",
            "method": f"method:{decision.method}",
        }[decision.scope]
        await self._store.hold_until(scope, decision.until, decision.reason)
        self.holds = await self._store.holds()
        seconds = decision.until - self._clock.now()
        log.warning(
            "Telegram asks to wait",
            mirror=mirror.name,
            scope=scope,
            seconds=round(seconds),
            until=_clock_time(decision.until),
            why=decision.reason,
        )
        if decision.widen:
            self._tempo = flooded(self._tempo, seconds, self._clock.now())
            await self._store.set_fact(TEMPO, msgspec.json.encode(self._tempo).decode())
            log.warning("backlog slowed down", interval=self._tempo.interval)

    async def hold_account(self, decision: HoldAccount) -> None:
        """The account is limited (hours) or frozen (until a person has appealed)."""
        frozen = math.isinf(decision.until)
        until = FOREVER if frozen else decision.until
        await self._store.hold_until("account", until, decision.reason, self.strikes + 1)
        self.holds = await self._store.holds()
        if frozen:
            log.critical("account is frozen: appeal in the app; nothing is sent", why=decision.reason)
        else:
            log.critical("account is limited: nothing is sent", until=_clock_time(until), why=decision.reason)

    async def sent(self) -> None:
        """A send went through: the account is not limited (any more)."""
        if "account" in self.holds:
            await self._store.lift_hold("account")


def _clock_time(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M:%S} UTC"
