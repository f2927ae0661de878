"""Delays retries of failing operations: by 1, 2, 4, … 60 s, or as long as Telegram orders.

Kept in memory and by the monotonic clock: a restart retries at once. Logs failures at intervals, and once
when the operation works again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import structlog

from ..domain.clock import Clock
from ..domain.errors import FloodWait, TelegramError
from ..policy.retry import backoff

log = structlog.get_logger()


class Patience:
    """The failing operations, by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Hashable, float] = {}
        self._tries: dict[Hashable, int] = {}

    def rests(self, key: Hashable) -> bool:
        """Return whether the operation must not be retried yet."""
        return self._clock.monotonic() < self._until.get(key, 0.0)

    def failing(self, key: Hashable) -> bool:
        """Return whether the last try failed."""
        return key in self._tries

    def ends(self) -> Iterable[float]:
        """Return the monotonic times at which operations may be retried."""
        return self._until.values()

    def left(self, key: Hashable) -> float:
        """Return the seconds until the operation may be retried."""
        return max(0.0, self._until.get(key, 0.0) - self._clock.monotonic())

    def failed(
        self, key: Hashable, event: str, error: TelegramError, *, least: float = 0.0, **names: object
    ) -> None:
        """Record a failure, and log `event` at the first, the fifth and then every thirtieth one."""
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        wait = float(error.seconds) if isinstance(error, FloodWait) else max(least, backoff(tries))
        self._until[key] = self._clock.monotonic() + wait
        if tries in (1, 5) or tries % 30 == 0 or isinstance(error, FloodWait):
            log.warning(event, **names, seconds=round(wait), tries=tries, why=error.line())

    def forgive(self, key: Hashable) -> None:
        """Allow a retry at once."""
        self._until.pop(key, None)

    def works(self, key: Hashable, event: str, **names: object) -> None:
        """Record success; log it if the operation had failed."""
        self._until.pop(key, None)
        if tries := self._tries.pop(key, 0):
            log.info(event, **names, tries=tries)
