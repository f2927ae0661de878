"""Queues pushes from Telegram in order until they are read; bounded, in case nobody reads.

Does not interpret them and advances no position.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from telethon.tl import types

#: Pushes kept unread; further ones replace all by a single "ask for everything".
KEPT: Final = 10_000


class Pushes:
    """The queue: `add` a push, `take` the oldest, wait for more with `come`."""

    def __init__(self) -> None:
        self._came: deque[Any] = deque()
        self._wake = asyncio.Event()

    def add(self, update: Any) -> None:
        if len(self._came) >= KEPT:
            self._came.clear()
            update = types.UpdatesTooLong()
        self._came.append(update)
        self._wake.set()

    def wake(self) -> None:
        """Wake the reader without a push, because none may follow."""
        self._wake.set()

    def take(self) -> Any:
        """Remove and return the oldest push; None if there is none."""
        return self._came.popleft() if self._came else None

    async def come(self) -> None:
        """Wait for a push or for `wake`."""
        self._wake.clear()
        await self._wake.wait()
