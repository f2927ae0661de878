"""The reasons for skipping that name something: how each is written into the ledger, and read out of it.

Nobody else takes such a reason apart: whoever wants to know asks here.
"""

from __future__ import annotations

from typing import Final

_FILTER: Final = "filter "
_SERVICE: Final = "service message: "


def by_filter(name: str) -> str:
    """A filter of the operator's drops it."""
    return f"{_FILTER}{name}"


def filter_of(reason: str) -> str:
    """The name of the filter that dropped it; empty for any other reason."""
    return reason[len(_FILTER) :] if reason.startswith(_FILTER) else ""


def tells(service: str) -> str:
    """It is a service message, by Telegram's name for what it tells."""
    return f"{_SERVICE}{service}"


def told_by(reason: str) -> str:
    """What the service message tells; empty for any other reason."""
    return reason[len(_SERVICE) :] if reason.startswith(_SERVICE) else ""
