"""Records whether the account can make requests now, and why not.

Waiting callers continue as soon as the state is known: usable, login unknown, or ended. Connects nothing; the
client reports the results.
"""

from __future__ import annotations

import asyncio
import contextlib

from ..domain.errors import LoginUnknown, TgstreamdError


class Readiness:
    """The state of one client."""

    def __init__(self) -> None:
        self.usable = asyncio.Event()
        self._decided = asyncio.Event()
        #: The error that ended the client for good; every call raises it.
        self.fatal: TgstreamdError | None = None
        #: Why there is no connection now; None while there is one.
        self.trouble: TgstreamdError | None = None
        #: Telegram's last answer that it does not know the login; None while it does.
        self.unknown: LoginUnknown | None = None
        #: A call's answer that the login is unknown; the next connection shows whether it is.
        self.doubted: LoginUnknown | None = None

    def lost(self) -> None:
        """Record that there is no connection, and that the result of the next is still open."""
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
        """Raise the error that ended the client, if any."""
        if self.fatal is not None:
            raise self.fatal.with_traceback(None)

    def refuse_unknown(self) -> None:
        """Raise LoginUnknown while the login is unknown: nothing is sent, and no caller waits."""
        if self.unknown is not None and self.fatal is None:
            raise LoginUnknown(self.unknown.what, error="NOT_CONNECTED", hint=self.unknown.hint)

    async def wait(self, timeout: float) -> None:
        """Wait until it is usable, at most `timeout` seconds. Raises the error at once if it is known not to
        be."""
        self.refuse_unknown()
        if not self.usable.is_set() and self.fatal is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._decided.wait()
            self.refuse_unknown()
        self.refuse_over()
