"""Classifies and formats errors of the target side."""

from __future__ import annotations

from ..domain.errors import MediaExpired, TelegramError, TgstreamdError, Transient
from ..ledger import Send


def answers_another(error: Exception, send: Send) -> bool:
    """Return whether the error concerns a query about the call, such as a search, rather than the call
    itself."""
    if not isinstance(error, TelegramError) or isinstance(error, Transient):
        return False
    return bool(error.method) and error.method != send.draft.method


def named(error: Exception) -> str:
    """Return the name under which attempts are counted: the same for every item of an expired file
    reference."""
    if isinstance(error, MediaExpired):
        return "FILE_REFERENCE"
    return error.error if isinstance(error, TelegramError) else type(error).__name__


def words(error: BaseException) -> str:
    """Format any error as one line."""
    return error.line() if isinstance(error, TgstreamdError) else f"{type(error).__name__}: {error}"
