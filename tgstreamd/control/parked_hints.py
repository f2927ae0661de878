"""Suggests what to do about a parked message, in one sentence with a command to paste. Pure."""

from __future__ import annotations

import re

from ..domain.reasons import is_too_slow
from ..ledger.limits import DELETION_HELD

#: How the reason of one begins that this program cannot read; `capture` parks it.
UNREADABLE = "cannot be read"
UNKNOWN = "outcome"
TROUBLE = re.compile(r", for \d+ minutes$")


def remedy(job: int, reason: str) -> str:
    """Return the suggestion for a message parked for `reason`."""
    retry, skip = f"`tgstreamd parked retry {job}`", f"`tgstreamd parked skip {job}`"
    if reason == DELETION_HELD:
        return f"its original was deleted with many others: {retry} copies it, {skip} does not"
    if reason.startswith(UNREADABLE):
        return f"a newer version may read it; {skip} gives it up"
    if is_too_slow(reason):
        reload = "`sudo systemctl reload tgstreamd`"
        return f"simplify the pattern of that filter, {reload}, then {retry}; or {skip}"
    if UNKNOWN in reason:
        return f"nobody knows whether it was sent: {retry} looks in the target first"
    if TROUBLE.search(reason):
        return f"the trouble may have passed: {retry}"
    return usual(job)


def usual(job: int) -> str:
    """Return the default suggestion."""
    return f"`tgstreamd parked retry {job}` sends it again, `tgstreamd parked skip {job}` gives it up"
