"""Decides what follows a failed attempt to connect: the delay before the next, or that the login has ended.

Decides by the kind of error alone; connects to nothing and stores nothing.
"""

from __future__ import annotations

import random
from typing import Final

from ..domain.errors import AccountFrozen, FloodWait, LoginUnknown, NotAuthorised, TgstreamdError

#: Seconds between attempts, doubled up to LONGEST; FROZEN while an account is frozen, whose owner must
#: appeal.
FIRST, LONGEST, FROZEN = 1.0, 30.0, 600.0
_HINT: Final = "the same command again in some minutes; if it stays so: tgstreamd login"


def pause_after(error: TgstreamdError, attempt: int) -> float:
    """Return the seconds until the next attempt, after `error` ended attempt number `attempt` (from 1)."""
    if isinstance(error, FloodWait):
        return float(error.seconds)
    if isinstance(error, AccountFrozen):
        return FROZEN
    again = min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 5)) * random.uniform(0.8, 1.0)
    # The last attempt is made when the patience ends, not half a minute later.
    return min(again, error.left) if isinstance(error, LoginUnknown) else again


def over(error: LoginUnknown) -> NotAuthorised:
    """Return the error for a caller that does not wait to learn whether an unknown login has ended."""
    why = error.what.removeprefix("connection: ")
    what = f"Telegram does not know this login: it has ended, or Telegram has a fault that passes ({why})"
    return NotAuthorised(what, hint=_HINT)
