"""Limits how long a login that Telegram does not know is retried: 15 minutes from the first refusal.

Stored in the ledger by the login's key, so that a restart does not begin again, and forgotten once Telegram
knows a login again. Logs it once. Retries nothing itself: the connection does.
"""

from __future__ import annotations

from typing import Final

import structlog

from ..domain import log_in
from ..domain.clock import Clock
from ..domain.errors import LoginUnknown, NotAuthorised
from ..ledger import READER, Store
from .holds import clock_time
from .wall_clock import WallClock

log = structlog.get_logger()

#: Seconds from the first refusal to the last try.
PATIENCE: Final = 900.0


class StoredLoginPatience:
    """Implements `ports.LoginPatience` with the ledger."""

    def __init__(self, store: Store, clock: Clock, wall: WallClock, *, hint: str = log_in.UNKNOWN) -> None:
        """`hint`: the remedy shown meanwhile."""
        self._store = store
        self._clock = clock
        self._wall = wall
        self._hint = hint
        #: The first refusal that this process met; None while the login is known.
        self._since: float | None = None
        #: The ledger has no unknown login.
        self._clean = False
        #: A sentence that Telegram does not know the login; empty where it does, None before it was asked.
        self.sentence: str | None = None

    async def unknown(self, key: int, error: LoginUnknown) -> LoginUnknown | NotAuthorised:
        await self._wall.follow()
        now = self._clock.now()
        self._clean = False
        why = error.what.removeprefix("connection: ")
        until = await self._store.login_unknown(READER, key, now + PATIENCE, why)
        if until <= now:
            what = f"Telegram has not known this login since {clock_time(until - PATIENCE)}: {why}"
            self.sentence = what
            return NotAuthorised(what, hint=log_in.COMMAND)
        if self._since is None:
            self._since = self._clock.monotonic()
            log.error("Telegram does not know this login", why=why, until=clock_time(until))
        what = f"Telegram does not know this login, tried until {clock_time(until)}: {why}"
        self.sentence = what
        tried = LoginUnknown(what, error=error.error, hint=self._hint)
        tried.left = until - now
        return tried

    async def known(self) -> None:
        if not self._clean:
            await self._store.login_known(READER)
            self._clean = True
        self.sentence = ""
        if self._since is not None:
            lasted = round(self._clock.monotonic() - self._since)
            log.info("Telegram knows this login again", seconds=lasted)
            self._since = None
