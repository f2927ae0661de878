"""Whether the account can be asked now, and why not: for everybody who wants to ask.

Who waits is told as soon as there is something to say: it can be asked, its login is unknown, it is over.
Connects nothing; the client says what came of it.
"""

from __future__ import annotations

import asyncio
import contextlib

from ..domain.errors import LoginUnknown, TgstreamdError


class Readiness:
    """One client's."""

    def __init__(self) -> None:
        self.usable = asyncio.Event()
        self._decided = asyncio.Event()
        #: What ended the client for good; every call raises it.
        self.fatal: TgstreamdError | None = None
        #: Why there is no connection just now; None while there is one.
        self.trouble: TgstreamdError | None = None
        #: That Telegram does not know the login, as it last said; None while it does.
        self.unknown: LoginUnknown | None = None
        #: A call was told that the login is unknown; what comes of the next connection says whether it is.
        self.doubted: LoginUnknown | None = None

    def lost(self) -> None:
        """There is no connection, and nobody knows yet what comes of the next."""
        self.usable.clear()
        self._decided.clear()

    def doubt(self, error: LoginUnknown) -> None:
        self.doubted = error
        self.lost()

    def works(self) -> None:
        self.trouble = self.unknown = self.doubted = None
        self.usable.set()
        self._decided.set()

    def is_unknown(self, error: LoginUnknown) -> None:
        self.unknown = error
        self._decided.set()

    def is_over(self, error: TgstreamdError) -> None:
        self.fatal = error
        self.usable.clear()
        self._decided.set()

    def refuse_over(self) -> None:
        """Raise what ended the client, where something has."""
        if self.fatal is not None:
            raise self.fatal.with_traceback(None)

    def refuse_unknown(self) -> None:
        """Raise LoginUnknown while the login is unknown: nothing is sent, and nobody waits to hear so."""
        if self.unknown is not None and self.fatal is None:
            raise LoginUnknown(self.unknown.what, error="NOT_CONNECTED", hint=self.unknown.hint)

    async def wait(self, timeout: float) -> None:
        """Until it is usable, at most `timeout` seconds. Raises what it is instead, if that is known."""
        self.refuse_unknown()
        if not self.usable.is_set() and self.fatal is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._decided.wait()
            self.refuse_unknown()
        self.refuse_over()
