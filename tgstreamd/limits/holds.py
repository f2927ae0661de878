"""The methods that Telegram has told us to leave alone for a while, whoever of us was told.

A flood wait on a method holds it for the whole account. The ledger keeps it, so that a restart, or another
room, does not ask again; and moves it along with a wall clock that was set. Sends have more to wait for:
see `limits.pacer`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..domain.clock import Clock
from ..domain.errors import FloodWait
from ..ledger import Store

#: The methods by which it is asked what has happened,
DIFFERENCES = frozenset({"updates.getChannelDifference", "updates.getDifference"})
#: and those by which a chat's posts are read.
HISTORIES = frozenset({"messages.getHistory", "messages.getReplies", "messages.search"})
#: How the ledger names what it holds for a method.
METHOD = "method:"


class Floods:
    """As the ledger had them at the last `load`, and what this room has been told since."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        #: Until when (unix time), by method.
        self._until: dict[str, float] = {}

    async def load(self) -> None:
        """Before asking the others."""
        holds = await self._store.holds()
        self._until = {
            scope.removeprefix(METHOD): hold.until
            for scope, hold in holds.items()
            if scope.startswith(METHOD)
        }

    async def remember(self, error: FloodWait) -> None:
        """We were told."""
        self._until[error.method] = until = self._clock.now() + error.seconds
        await self._store.hold_until(METHOD + error.method, until, error.error)

    def asleep(self, methods: frozenset[str]) -> bool:
        """Whether one of these is held."""
        return self.flood(methods) is not None

    def flood(self, methods: frozenset[str]) -> FloodWait | None:
        """What asking one of these would be answered, as far as is known."""
        method = max(methods, key=lambda method: self._until.get(method, 0.0))
        left = self._until.get(method, 0.0) - self._clock.now()
        return FloodWait(math.ceil(left), scope="method", method=method) if left > 0 else None

    def ends(self) -> Iterable[float]:
        """When they end (unix time)."""
        return [at for at in self._until.values() if at > self._clock.now()]
