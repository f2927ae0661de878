"""The state of this Telegram: accounts, chats, messages, files. Plain data and plain functions.

No socket, no TL request and no asyncio lives here. The services translate requests into calls of these
functions; tests and the demo call the same functions to be "the other people" in a chat.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .files import Files
from .peers import Peers

if TYPE_CHECKING:
    from collections.abc import Iterable

Push = Callable[[int, Any], None]


class World:
    """Everything there is. `now()` is unix time in seconds; `random` makes every id."""

    def __init__(self, *, now: Callable[[], float] = time.time, seed: int = 1) -> None:
        self.now = now
        self.random = random.Random(seed)
        #: Set by the server: deliver an `Updates` object to the live sessions of one account.
        self.push: Push = lambda account_id, updates: None
        self.peers = Peers(self)
        self.files = Files(self)

    def push_all(self, account_ids: Iterable[int], make: Callable[[int], Any]) -> None:
        """Push to each account its own view of an event (`make(account_id)`)."""
        for account_id in account_ids:
            self.push(account_id, make(account_id))
