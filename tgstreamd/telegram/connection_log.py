"""Logs the loss of the connection, that it persists, and once that the connection works again.

A connection replaced at once is worth one line, but not a hundred: losses in the next ten minutes are counted
and reported with the next line. Decides nothing and makes no requests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from ..domain.errors import TgstreamdError

log = structlog.get_logger()

#: Seconds after a reported loss in which further ones are only counted, unless they last.
QUIET: Final = 600.0


class Outage:
    """Logs one client's outages. Call in order: `lost`, then `failed` for each failed attempt, then
    `works`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since: float | None = None
        self._tries = 0
        #: Whether this outage has been logged.
        self._told = False
        self._untold = 0
        self._quiet_until = 0.0

    def lost(self, why: TgstreamdError) -> None:
        """Record the loss of a working connection."""
        now = self._monotonic()
        self._since, self._tries, self._untold = now, 0, self._untold + 1
        self._told = now >= self._quiet_until
        if self._told:
            log.warning("connection to Telegram lost", why=why.line(), times=self._untold)
            self._untold, self._quiet_until = 0, now + QUIET

    def failed(self, why: TgstreamdError) -> None:
        """Record a failed attempt, at a start too. Logs the first of an outage, the fifth and every
        thirtieth."""
        now = self._monotonic()
        self._since = now if self._since is None else self._since
        self._tries += 1
        # On an unstable line an attempt fails now and then, which is no outage yet.
        news = self._tries == 1 if self._told else self._tries > 1 or now >= self._quiet_until
        if news or self._tries == 5 or self._tries % 30 == 0:
            self._told = True
            lasted = round(now - self._since)
            log.warning("no connection to Telegram", why=why.line(), tries=self._tries, seconds=lasted)

    def works(self) -> None:
        """Record that there is a connection."""
        if self._told and self._since is not None:
            lasted = round(self._monotonic() - self._since)
            log.info("connection to Telegram works again", seconds=lasted, tries=self._tries)
        self._since, self._told = None, False


class EndedConnections:
    """Logs file connections that we ended ourselves: once in ten minutes, with a count."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._untold = 0
        self._quiet_until = 0.0

    def tell(self, dc: int, why: TgstreamdError) -> None:
        """Count an ended connection; called by every call in progress on it, so that one connection counts
        several times."""
        self._untold += 1
        if (now := self._monotonic()) >= self._quiet_until:
            log.warning("file connection ended", dc=dc, why=why.line(), calls=self._untold)
            self._untold, self._quiet_until = 0, now + QUIET
