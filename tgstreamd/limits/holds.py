"""Owns the waits that Telegram ordered: reads and writes them, and decides what each of them blocks.

The ledger stores holds by account and scope, so that no part of the program asks again before they end, not
even after a restart. No other module compares the end of a hold with the time. `limits.pacer` adds our own
intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog

from ..domain.clock import Clock
from ..domain.errors import FloodWait
from ..domain.holds import FOREVER, Hold, Scope
from ..domain.messages import Value
from ..ledger import READER, Store
from ..policy.retry import HoldAccount

log = structlog.get_logger()

#: The methods that return what has happened,
DIFFERENCES = frozenset({"updates.getChannelDifference", "updates.getDifference"})
#: and those that read the messages of a chat.
HISTORIES = frozenset({"messages.getHistory", "messages.getReplies", "messages.search"})


class Holds(Value, frozen=True):
    """The holds of one account, as the ledger had them at some time. Pure."""

    held: Mapping[Scope, Hold] = {}

    def of(self, scope: Scope, now: float) -> Hold | None:
        """Return the hold of this scope; None if there is none or it is over."""
        hold = self.held.get(scope)
        return None if hold is None or hold.is_over(now) else hold

    def seconds_left(self, scope: Scope, now: float) -> float:
        """Return for how long this scope is still held."""
        hold = self.of(scope, now)
        return hold.until - now if hold is not None else 0.0

    def in_force(self, now: float) -> list[Hold]:
        """Return the holds that are not over, sorted by scope."""
        return sorted((hold for hold in self.held.values() if not hold.is_over(now)), key=_name)

    def on_account(self, now: float) -> Hold | None:
        """Return the hold of the whole account; None if there is none or it is over."""
        return self.of(Scope.account(), now)

    def on_transfers(self, now: float) -> bool:
        """Return whether no part of a file may be transferred."""
        return any(hold.scope.is_account or hold.scope.is_upload for hold in self.in_force(now))

    def on_messages(self, mirror: int, target: int, now: float) -> Hold | None:
        """Return the longest hold that blocks messages of this mirror, by any method: for people."""
        scopes = (Scope.account(), Scope.chat(target), Scope.mirror(mirror))
        binding = [hold for hold in self.in_force(now) if hold.scope in scopes or hold.scope.is_sending]
        return max(binding, key=_end, default=None)

    def before_call(self, target: int, method: str) -> list[float]:
        """Return the times before which `method` must not be called for this chat."""
        return self._ends(Scope.account(), Scope.chat(target), Scope.method(method))

    def before_message(self, mirror: int, target: int, method: str) -> list[float]:
        """Return the times before which `method` must not send a message of this mirror."""
        return [*self.before_call(target, method), *self._ends(Scope.mirror(mirror))]

    def flood(self, methods: frozenset[str], now: float) -> FloodWait | None:
        """Return the error that calling one of these would raise, as far as is known; the longest of them."""
        found = [hold for method in methods if (hold := self.of(Scope.method(method), now))]
        if not found:
            return None
        longest = max(found, key=_end)
        left = math.ceil(longest.until - now)
        return FloodWait(left, scope="method", method=longest.scope.name)

    def ends_of_methods(self, now: float) -> list[float]:
        """Return the times at which held methods may be called again."""
        return [hold.until for hold in self.in_force(now) if hold.scope.is_method]

    @property
    def is_frozen(self) -> bool:
        """Whether Telegram has frozen the account, which only a person's appeal ends."""
        hold = self.held.get(Scope.account())
        return hold is not None and hold.is_permanent

    @property
    def limited_until(self) -> float:
        """The time until which Telegram limits what the account sends; 0 if it does not."""
        hold = self.held.get(Scope.account())
        # A flood wait of the whole account is stored under the same scope, without a step.
        return hold.until if hold is not None and hold.step and not hold.is_permanent else 0.0

    @property
    def strikes(self) -> int:
        """The number of times that Telegram has limited the account since its last successful send."""
        hold = self.held.get(Scope.account())
        return hold.step if hold is not None else 0

    def _ends(self, *scopes: Scope) -> list[float]:
        return [self.held[scope].until for scope in scopes if scope in self.held]


class StoredHolds:
    """The holds of one account in the ledger; every part of the daemon shares this object."""

    def __init__(self, store: Store, clock: Clock, account: int = READER) -> None:
        self._store = store
        self._clock = clock
        self._account = account
        #: The holds as last read or written, for callers that cannot await the ledger.
        self.seen = Holds()

    async def look(self) -> Holds:
        """Read the holds from the ledger."""
        self.seen = Holds(await self._store.holds(self._account))
        return self.seen

    async def flood(self, methods: frozenset[str]) -> FloodWait | None:
        """Return the error that calling one of these methods would raise, as far as is known."""
        return (await self.look()).flood(methods, self._clock.now())

    async def remember(self, error: FloodWait) -> None:
        """Hold the method that Telegram answered with a flood wait."""
        await self.hold(Scope.method(error.method), self._clock.now() + error.seconds, error.error)

    async def hold(self, scope: Scope, until: float, reason: str, step: int = 0) -> None:
        """Hold this scope until then; a hold that ends later is not shortened."""
        await self._store.hold_until(self._account, scope, until, reason, step)
        await self.look()

    async def hold_account(self, decision: HoldAccount) -> None:
        """Hold the account: it is limited for hours, or frozen until a person has appealed."""
        frozen = math.isinf(decision.until)
        until = FOREVER if frozen else decision.until
        await self.hold(Scope.account(), until, decision.reason, self.seen.strikes + 1)
        if frozen:
            log.critical("account is frozen: appeal in the app; nothing is sent", why=decision.reason)
        else:
            log.critical("account is limited: nothing is sent", until=clock_time(until), why=decision.reason)

    async def lift_account(self) -> None:
        """Release the account after a message was sent: it is not limited any more."""
        if Scope.account() in self.seen.held:
            await self._store.lift_hold(self._account, Scope.account())
            await self.look()

    async def lift_frozen(self) -> None:
        """Release a frozen account: a person has restarted the daemon, perhaps after the appeal."""
        if (await self.look()).is_frozen:
            await self.lift_account()


def clock_time(when: float) -> str:
    """Format a time as the journal does."""
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _name(hold: Hold) -> str:
    return str(hold.scope)


def _end(hold: Hold) -> float:
    return hold.until
