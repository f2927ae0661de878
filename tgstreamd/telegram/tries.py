"""What follows a try to connect that failed: how long until the next one, or that the login is over.

Decides by the kind of error alone; connects to nothing and keeps nothing.
"""

from __future__ import annotations

import random
from typing import Final

from ..domain.errors import AccountFrozen, FloodWait, LoginUnknown, NotAuthorised, TgstreamdError

#: Seconds between tries, doubled up to the second; with an account that is frozen, whose owner must appeal.
FIRST, LONGEST, FROZEN = 1.0, 30.0, 600.0
_HINT: Final = "the same command again in some minutes; if it stays so: tgstreamd login"


def pause_after(error: TgstreamdError, attempt: int) -> float:
    """Seconds until the next try, where `error` ended the try of this number (from 1)."""
    if isinstance(error, FloodWait):
        return float(error.seconds)
    if isinstance(error, AccountFrozen):
        return FROZEN
    again = min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 5)) * random.uniform(0.8, 1.0)
    # The last try is made when the patience ends, not half a minute later.
    return min(again, error.left) if isinstance(error, LoginUnknown) else again


def over(error: LoginUnknown) -> NotAuthorised:
    """What an unknown login is to somebody who does not wait to see which of the two it is."""
    why = error.what.removeprefix("connection: ")
    what = f"Telegram does not know this login: it has ended, or Telegram has a fault that passes ({why})"
    return NotAuthorised(what, hint=_HINT)
