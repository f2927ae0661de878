"""The program's errors: one root class, one meaning each.

An error states the failure in words for an operator (`str(error)`) and, where there is one, the remedy
(`hint`). `exit_status` is the process's exit status if nothing handles it. Telegram's errors are created in
`telegram/translate.py` and nowhere else.
"""

from __future__ import annotations

import math
from asyncio import CancelledError
from typing import ClassVar, Literal


class TgstreamdError(Exception):
    """An error that one line can explain."""

    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def line(self) -> str:
        """Return the failure and its remedy in one line."""
        return f"{self.what} ({self.hint})" if self.hint else self.what


class ConfigError(TgstreamdError):
    """The configuration alone proves that the program cannot work."""

    exit_status = 78


class NotAuthorised(TgstreamdError):
    """The account is not, or no longer, logged in: a person must log in."""

    exit_status = 77


class StoreError(TgstreamdError):
    """The ledger cannot be opened, read or written (disk full, newer schema, broken file)."""


class FilterTimeout(TgstreamdError):
    """A filter's pattern takes too long on a post, so it is undecided whether to copy it."""


class TelegramError(TgstreamdError):
    """Telegram refused, or could not be reached. `error` is Telegram's name for it, `""` where it has none.

    `method` is the refused call; `""` where no call was made.
    """

    def __init__(self, what: str, *, error: str = "", hint: str = "", method: str = "") -> None:
        super().__init__(what, hint=hint)
        self.error = error
        self.method = method


class FloodWait(TelegramError):
    """Telegram orders a wait of `seconds`: for one `method` of the account, one chat, or the account."""

    def __init__(
        self, seconds: int, *, scope: Literal["method", "chat", "account"], method: str, error: str = ""
    ) -> None:
        super().__init__(f"{method}: wait {seconds} s", error=error or f"FLOOD_WAIT_{seconds}", method=method)
        self.seconds = seconds
        self.scope = scope


class AccountLimited(TelegramError):
    """`PEER_FLOOD`: Telegram takes this account for a bulk sender. Lasts hours, not seconds."""


class AccountFrozen(TelegramError):
    """The account is frozen: only its owner can appeal, in the app."""


class Transient(TelegramError):
    """Network error, timeout or 5xx. It is unknown whether the request was carried out.

    Except where `error` is `NOT_CONNECTED`: there was no connection, so nothing was sent.
    """


class LoginUnknown(Transient):
    """Telegram does not know this login now: either a temporary fault of Telegram's or the end of the login.

    `left`: seconds for which it is still retried; infinite where no limit was set.
    """

    exit_status = NotAuthorised.exit_status
    left: float = math.inf


class Duplicate(Transient):
    """`RANDOM_ID_DUPLICATE`: an earlier call with this `random_id` is still in progress.

    https://core.telegram.org/api/updates#updatemessageid-updates
    """


class Unnamed(Transient):
    """A call was answered without an error, but the answer names no message that it created."""


class CdnUnusable(Transient):
    """Telegram repeatedly redirects a file to a CDN that does not deliver it, or delivers it altered."""


class Undecodable(TelegramError):
    """An answer contains an object that this TL layer cannot read."""


class Rejected(TelegramError):
    """The request will never be accepted in this form."""


class MediaExpired(TelegramError):
    """A file reference is too old: fetch its message again, then repeat at once."""

    #: Index of the album's item, from 0; None where Telegram does not say.
    index: int | None = None


class PartsMissing(TelegramError):
    """Telegram lacks these parts of an upload; if `parts` is empty, all of them, under a new `file_id`."""

    def __init__(self, what: str, *, parts: tuple[int, ...] = (), error: str = "") -> None:
        super().__init__(what, error=error)
        self.parts = parts


class SourceGone(TelegramError):
    """The original was deleted, or no longer has this media."""


class SourceLost(TelegramError):
    """The source chat can no longer be read."""


class TargetLost(TelegramError):
    """The target chat (or the topic in it) can no longer be written to."""


def ends_process(outcome: object) -> bool:
    """Return whether this result of a task must propagate because it ends the process.

    True for `NotAuthorised` and `StoreError`, and for base exceptions other than a cancellation.
    """
    if isinstance(outcome, NotAuthorised | StoreError):
        return True
    return isinstance(outcome, BaseException) and not isinstance(outcome, Exception | CancelledError)
