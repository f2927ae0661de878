"""Counts requests to Telegram and their outcomes since the process started.

Filled where the calls are made (`client`, `pool`). Decides nothing; the set of outcomes is small and fixed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from ..domain.clock import Clock
from ..domain.errors import (
    AccountFrozen,
    AccountLimited,
    Duplicate,
    FloodWait,
    LoginUnknown,
    MediaExpired,
    NotAuthorised,
    PartsMissing,
    Rejected,
    SourceLost,
    TargetLost,
    TgstreamdError,
    Transient,
    Undecodable,
)
from .translate import method_of

#: Outcome by error class, first match; "other" if none matches.
_OUTCOMES: Final[tuple[tuple[type[TgstreamdError] | tuple[type[TgstreamdError], ...], str], ...]] = (
    (FloodWait, "flood"),
    ((AccountLimited, AccountFrozen), "limited"),
    ((NotAuthorised, LoginUnknown), "unauthorised"),
    ((SourceLost, TargetLost), "no_access"),
    (MediaExpired, "expired"),
    (PartsMissing, "parts_missing"),
    (Duplicate, "duplicate"),
    (Undecodable, "unreadable"),
    (Transient, "unanswered"),
    (Rejected, "rejected"),
)


#: Refusals counted by name; further names that a server invents share one counter.
REFUSALS_MAX: Final = 200
_NUMBER: Final = re.compile(r"_\d+(?=_|$)")


class Tally:
    """The counts of one account's calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._names: dict[type, str] = {}
        #: Calls by method and outcome.
        self.requests: Counter[tuple[str, str]] = Counter()
        #: Errors by method, Telegram's name (numbers as `%d`) and outcome.
        self.refusals: Counter[tuple[str, str, str]] = Counter()
        #: Seconds of waiting that Telegram ordered, by method.
        self.flood_seconds: Counter[str] = Counter()
        #: Bytes of files downloaded and uploaded.
        self.file_bytes: Counter[str] = Counter(down=0, up=0)
        #: When Telegram last gave an answer that is no error; 0 if it never did.
        self.answered_at = 0.0

    def answered(self, request: Any) -> None:
        self.requests[self._name(request), "ok"] += 1
        self.answered_at = self._clock.now()

    def failed(self, request: Any, error: TgstreamdError) -> None:
        name = self._name(request)
        word = next((word for kind, word in _OUTCOMES if isinstance(error, kind)), "other")
        self.requests[name, word] += 1
        refusal = name, _NUMBER.sub("_%d", getattr(error, "error", "")) or type(error).__name__, word
        if refusal in self.refusals or len(self.refusals) < REFUSALS_MAX:
            self.refusals[refusal] += 1
        if isinstance(error, FloodWait):
            self.flood_seconds[name] += error.seconds

    def _name(self, request: Any) -> str:
        # Parts come by the thousand, so names are cached. A call that wraps another is counted under the
        # inner name.
        kind = type(request)
        if hasattr(request, "query"):
            return method_of(request)
        if kind not in self._names:
            self._names[kind] = method_of(request)
        return self._names[kind]
