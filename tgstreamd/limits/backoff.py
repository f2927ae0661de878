"""How long something that failed is left alone: 1, 2, 4, … 60 s, or as long as Telegram says.

Kept in memory and on the monotonic clock: a restart asks again at once. Said at intervals, and once when
it works again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import structlog

from ..domain.clock import Clock
from ..domain.errors import FloodWait, TelegramError
from ..policy.retry import backoff

log = structlog.get_logger()


class Patience:
    """Things that failed, by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Hashable, float] = {}
        self._tries: dict[Hashable, int] = {}

    def rests(self, key: Hashable) -> bool:
        """Whether it is still to be left alone."""
        return self._clock.monotonic() < self._until.get(key, 0.0)

    def failing(self, key: Hashable) -> bool:
        """Whether it failed when it was last tried."""
        return key in self._tries

    def ends(self) -> Iterable[float]:
        """The monotonic times at which something may be tried again."""
        return self._until.values()

    def left(self, key: Hashable) -> float:
        """Seconds until it may be tried again."""
        return max(0.0, self._until.get(key, 0.0) - self._clock.monotonic())

    def failed(
        self, key: Hashable, event: str, error: TelegramError, *, least: float = 0.0, **names: object
    ) -> None:
        """It failed (again): rest, and say `event` at the first, the fifth and then every thirtieth time."""
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        wait = float(error.seconds) if isinstance(error, FloodWait) else max(least, backoff(tries))
        self._until[key] = self._clock.monotonic() + wait
        if tries in (1, 5) or tries % 30 == 0 or isinstance(error, FloodWait):
            log.warning(event, **names, seconds=round(wait), tries=tries, why=error.line())

    def forgive(self, key: Hashable) -> None:
        """There is reason to try it again now."""
        self._until.pop(key, None)

    def works(self, key: Hashable, event: str, **names: object) -> None:
        """It works: say so if it had failed."""
        self._until.pop(key, None)
        if tries := self._tries.pop(key, 0):
            log.info(event, **names, tries=tries)
