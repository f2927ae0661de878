"""Maps the commands that ask Telegram about a mirror to their functions, for a running daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..config import Config
from ..domain.ports import Ids
from ..ledger import Store
from .check import Reach
from .rehearsal import rehearse
from .repair import mend, resend
from .verify import compare

#: Commands refused before the daemon is connected.
VERBS = ("plan", "verify", "mend", "resend", "alert")


def questions(
    reread: Callable[[], Config], reach: Reach, store: Store, *, ids: Ids, now: Callable[[], float]
) -> dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]:
    """Return the functions by command; each reads the configuration file anew when called."""
    return {
        "plan": lambda request: rehearse(reread(), reach, store, request, now=now()),
        "verify": lambda request: compare(reread(), reach, store, request, now=now()),
        "mend": lambda request: mend(reread(), reach, store, request, ids=ids, now=now()),
        "resend": lambda request: resend(reread(), reach, store, request, ids=ids, now=now()),
    }
