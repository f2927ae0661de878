"""The errors of the program, one root, one meaning each.

An error says what went wrong in words that an operator understands (`str(error)`) and, where there is
one, what to do about it (`hint`). `exit_status` is what the process ends with if nothing handles it.
Errors of Telegram are made in `telegram/translate.py` and nowhere else.
"""

from __future__ import annotations

import math
from asyncio import CancelledError
from typing import ClassVar, Literal


class TgstreamdError(Exception):
    """Something went wrong that one line can explain."""

    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def line(self) -> str:
        """What happened and what to do, in one line."""
        return f"{self.what} ({self.hint})" if self.hint else self.what


class ConfigError(TgstreamdError):
    """The configuration alone proves that this cannot work."""

    exit_status = 78


class NotAuthorised(TgstreamdError):
    """The account is not logged in, or no longer: a person must log in."""

    exit_status = 77


class StoreError(TgstreamdError):
    """The ledger cannot be opened, read or written (disk full, newer schema, broken file)."""


class FilterTimeout(TgstreamdError):
    """The pattern of a filter takes too long on a post: whether to copy it is not decided."""


class TelegramError(TgstreamdError):
    """Telegram, or the way to it, said no. `error` is Telegram's own name for it, `""` where it has none.

    `method` is the call that was refused; `""` where nothing was asked of Telegram.
    """

    def __init__(self, what: str, *, error: str = "", hint: str = "", method: str = "") -> None:
        super().__init__(what, hint=hint)
        self.error = error
        self.method = method


class FloodWait(TelegramError):
    """Not before `seconds` from now: for one `method` of the account, one chat, or the whole account."""

    def __init__(
        self, seconds: int, *, scope: Literal["method", "chat", "account"], method: str, error: str = ""
    ) -> None:
        super().__init__(f"{method}: wait {seconds} s", error=error or f"FLOOD_WAIT_{seconds}", method=method)
        self.seconds = seconds
        self.scope = scope


class AccountLimited(TelegramError):
    """`PEER_FLOOD`: Telegram holds this account for a sender of bulk. Hours, not seconds."""


class AccountFrozen(TelegramError):
    """The account is frozen: only its owner can appeal, in the app."""


class Transient(TelegramError):
    """Network, timeout, 5xx. Whether the request was carried out is unknown.

    Unless `error` is `NOT_CONNECTED`: then there was no connection, and nothing was sent.
    """


class LoginUnknown(Transient):
    """Telegram does not know this login now: a fault of its own, which passes, or the login's end.

    `left`: the seconds for which it is still tried; infinite where nobody has counted them.
    """

    exit_status = NotAuthorised.exit_status
    left: float = math.inf


class Duplicate(Transient):
    """`RANDOM_ID_DUPLICATE`: a call with this `random_id` is still under way.

    https://core.telegram.org/api/updates#updatemessageid-updates
    """


class Unnamed(Transient):
    """A call was answered without an error, and without naming any message that it made."""


class CdnUnusable(Transient):
    """Telegram sends us to a CDN for a file, and again, and the CDN does not give it, or not as it is."""


class Undecodable(TelegramError):
    """The answer holds an object that this layer cannot read."""


class Rejected(TelegramError):
    """This request will never be accepted as it is."""


class MediaExpired(TelegramError):
    """A file reference is too old: fetch its message again, then repeat at once."""

    #: Which item of an album it was, from 0; None where Telegram does not say.
    index: int | None = None


class PartsMissing(TelegramError):
    """Telegram lacks these parts of an upload; none named: all of them, under a new `file_id`."""

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
    """Whether this value of a task must go on up: it ends the process, or is no error that a task makes."""
    if isinstance(outcome, NotAuthorised | StoreError):
        return True
    return isinstance(outcome, BaseException) and not isinstance(outcome, Exception | CancelledError)
