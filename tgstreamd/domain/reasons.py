"""Writes and reads the reasons for skipping and parking that name something.

The ledger keeps the text. No other module parses such a reason.
"""

from __future__ import annotations

from typing import Final

_FILTER: Final = "filter "
_TOO_SLOW: Final = " took too long"
_SERVICE: Final = "service message: "


def by_filter(name: str) -> str:
    """Return the reason "dropped by this filter of the operator's"."""
    return f"{_FILTER}{name}"


def filter_of(reason: str) -> str:
    """Return the name of the filter that dropped it; empty for any other reason."""
    return reason[len(_FILTER) :] if reason.startswith(_FILTER) else ""


def too_slow(name: str) -> str:
    """Return the reason "this filter could not decide in time"."""
    return f"{_FILTER}{name}{_TOO_SLOW}"


def is_too_slow(reason: str) -> bool:
    """Return whether a message was parked because a filter took too long."""
    return bool(filter_of(reason)) and reason.endswith(_TOO_SLOW)


def tells(service: str) -> str:
    """Return the reason "it is a service message", with Telegram's name of its action."""
    return f"{_SERVICE}{service}"


def told_by(reason: str) -> str:
    """Return the action of the service message; empty for any other reason."""
    return reason[len(_SERVICE) :] if reason.startswith(_SERVICE) else ""
