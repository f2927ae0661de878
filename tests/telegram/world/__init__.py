"""The state of this Telegram: accounts, chats, messages, files. Plain data and plain functions.

No socket, no TL request and no asyncio lives here. The services translate requests into calls of these
functions; tests and the demo call the same functions to be "the other people" in a chat.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Protocol

from .cdn import Cdn
from .chats import Chats
from .files import Files
from .media import MediaMaker
from .peers import Peers


class Push(Protocol):
    """Delivers updates (an `Updates` object, or a `Told` that makes one) to the live sessions of an account.

    Not to `except_session`: the session that asked for a change learns of it by its answer.
    """

    def __call__(self, account_id: int, updates: Any, except_session: int | None = None) -> None: ...


def _nobody_listens(account_id: int, updates: Any, except_session: int | None = None) -> None:
    """What a world without a server pushes to."""


class World:
    """Everything there is. `now()` is unix time in seconds; `random` makes every id."""

    def __init__(self, *, now: Callable[[], float] = time.time, seed: int = 1) -> None:
        self.now = now
        self.random = random.Random(seed)
        #: Set by the server: deliver an `Updates` object to the live sessions of one account.
        self.push: Push = _nobody_listens
        self.peers = Peers(self)
        self.files = Files(self)
        self.cdn = Cdn(self)
        self.media = MediaMaker(self)
        self.chats = Chats(self)
