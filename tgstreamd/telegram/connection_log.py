"""What the journal says of the connection: that it was lost, that it still is, and once that it works again.

A connection that is replaced at once is worth a line, but not each of a hundred: those of the next ten
minutes are counted and told with the next that is said. Decides nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from ..domain.errors import TgstreamdError

log = structlog.get_logger()

#: Seconds in which no second loss is told, unless it lasts.
QUIET: Final = 600.0


class Outage:
    """Tell it in order: `lost`, then `failed` for each try in vain, then `works`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since: float | None = None
        self._tries = 0
        #: Whether the journal knows of this outage.
        self._told = False
        self._untold = 0
        self._quiet_until = 0.0

    def lost(self, why: TgstreamdError) -> None:
        """A connection that had worked is gone."""
        now = self._monotonic()
        self._since, self._tries, self._untold = now, 0, self._untold + 1
        self._told = now >= self._quiet_until
        if self._told:
            log.warning("connection to Telegram lost", why=why.line(), times=self._untold)
            self._untold, self._quiet_until = 0, now + QUIET

    def failed(self, why: TgstreamdError) -> None:
        """Another try in vain, at a start too: told where it is news, at the fifth and every thirtieth."""
        now = self._monotonic()
        self._since = now if self._since is None else self._since
        self._tries += 1
        # Where a line flaps a try fails now and then: that is no outage yet.
        news = self._tries == 1 if self._told else self._tries > 1 or now >= self._quiet_until
        if news or self._tries == 5 or self._tries % 30 == 0:
            self._told = True
            lasted = round(now - self._since)
            log.warning("no connection to Telegram", why=why.line(), tries=self._tries, seconds=lasted)

    def works(self) -> None:
        """There is a connection."""
        if self._told and self._since is not None:
            lasted = round(self._monotonic() - self._since)
            log.info("connection to Telegram works again", seconds=lasted, tries=self._tries)
        self._since, self._told = None, False


class EndedConnections:
    """Tells of file connections that we ended ourselves: once in ten minutes, with the count."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._untold = 0
        self._quiet_until = 0.0

    def tell(self, dc: int, why: TgstreamdError) -> None:
        """Every call that was under way on it tells; the connection counts as often."""
        self._untold += 1
        if (now := self._monotonic()) >= self._quiet_until:
            log.warning("file connection ended", dc=dc, why=why.line(), calls=self._untold)
            self._untold, self._quiet_until = 0, now + QUIET
