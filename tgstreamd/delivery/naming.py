"""Says of an error of the target side whether it answers the call, what it counts as, and how it reads."""

from __future__ import annotations

from ..domain.errors import MediaExpired, TelegramError, TgstreamdError, Transient
from ..ledger import Send


def answers_another(error: Exception, send: Send) -> bool:
    """Whether the error is of a question about the call, say of a search: it says nothing about the call."""
    if not isinstance(error, TelegramError) or isinstance(error, Transient):
        return False
    return bool(error.method) and error.method != send.draft.method


def named(error: Exception) -> str:
    """Return the name by which tries are counted: a reference has one, whichever item it is of."""
    if isinstance(error, MediaExpired):
        return "FILE_REFERENCE"
    return error.error if isinstance(error, TelegramError) else type(error).__name__


def words(error: BaseException) -> str:
    """An error in one line, whosever it is."""
    return error.line() if isinstance(error, TgstreamdError) else f"{type(error).__name__}: {error}"
