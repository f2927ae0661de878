"""The reasons for skipping and parking that name something: how each is written, and read again.

The ledger keeps the text. Nobody else takes such a reason apart: whoever wants to know asks here.
"""

from __future__ import annotations

from typing import Final

_FILTER: Final = "filter "
_TOO_SLOW: Final = " took too long"
_SERVICE: Final = "service message: "


def by_filter(name: str) -> str:
    """A filter of the operator's drops it."""
    return f"{_FILTER}{name}"


def filter_of(reason: str) -> str:
    """The name of the filter that dropped it; empty for any other reason."""
    return reason[len(_FILTER) :] if reason.startswith(_FILTER) else ""


def too_slow(name: str) -> str:
    """A filter of the operator's could not decide in time."""
    return f"{_FILTER}{name}{_TOO_SLOW}"


def is_too_slow(reason: str) -> bool:
    """Whether a message was parked for that."""
    return bool(filter_of(reason)) and reason.endswith(_TOO_SLOW)


def tells(service: str) -> str:
    """It is a service message, by Telegram's name for what it tells."""
    return f"{_SERVICE}{service}"


def told_by(reason: str) -> str:
    """What the service message tells; empty for any other reason."""
    return reason[len(_SERVICE) :] if reason.startswith(_SERVICE) else ""
