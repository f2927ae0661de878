"""Searches a text for an operator's regular expression within bounded time.

Pure. The patterns are Python's, searched by the package `regex`, which can stop: a pattern with unbounded
backtracking is refused when it is read, or raises `TimeoutError` on the text that shows it.
"""

from __future__ import annotations

import math
import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

#: Searched characters of a text: twice what a message can hold.
TEXT_MAX = 8192
#: Characters of a pattern.
LENGTH_MAX = 500
#: Product of all its counts (`{3}`, `{1,20}`): their expansion takes memory.
COUNTS_MAX = 10_000
#: Seconds of processor time for one search; an ordinary one takes a thousandth of it.
SEARCH_MAX = 0.25
#: Texts that expose a pattern with unbounded backtracking.
_TRIALS = [text[:1000] + "!" for text in ("a" * 1000, "a " * 500, " " * 1000, "0" * 1000)]
_COUNTS = re.compile(r"\{(\d*),?(\d*)\}")


class Refused(ValueError):
    """The text is not a pattern, or the pattern takes too long."""


def occurs(pattern: str, text: str) -> bool:
    """Return whether `pattern` matches anywhere in the first `TEXT_MAX` characters of `text`.

    Raises Refused where it is no pattern, and TimeoutError where the search takes longer than `SEARCH_MAX`.
    """
    found = _search(pattern, text[:TEXT_MAX])
    if found is None:
        raise TimeoutError
    return found


def try_out(pattern: str) -> None:
    """Raise Refused where it is no pattern, matches every text, or takes too long on a long one."""
    if len(pattern) > LENGTH_MAX:
        raise Refused(f"longer than {LENGTH_MAX} characters")
    counts = (max(int(few or 1), int(many or 1), 1) for few, many in _COUNTS.findall(pattern))
    if math.prod(counts) > COUNTS_MAX:
        raise Refused(f"its counts multiply to more than {COUNTS_MAX}")
    try:
        if occurs(pattern, ""):
            raise Refused("it matches an empty text, so it would match everything")
        for text in _TRIALS:
            occurs(pattern, text)
    except TimeoutError:
        raise Refused(f"takes longer than {SEARCH_MAX:g} s on a text of 1,000 characters") from None


@lru_cache(maxsize=128)
def _search(pattern: str, text: str) -> bool | None:
    """Return whether the pattern matches; None where it takes too long.

    Cached: the transfers of a waiting post ask this at every look, and a slow answer blocks the event loop.
    """
    try:
        return _compile(pattern).search(text, timeout=SEARCH_MAX) is not None
    except TimeoutError:
        return None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> regex.Pattern[str]:
    # Imported only where such a filter exists: it costs two megabytes, and 30 ms at start.
    import regex

    try:
        with warnings.catch_warnings(action="ignore"):
            return regex.compile(pattern, regex.VERSION0)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise Refused(str(error)) from None
