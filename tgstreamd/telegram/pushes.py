"""What Telegram pushed, in its order, until somebody reads it; bounded, for a reader that does not come.

Reads nothing of it and advances no position.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from telethon.tl import types

#: Pushes kept for a reader that does not come; beyond, they become one "ask for everything".
KEPT: Final = 10_000


class Pushes:
    """`add` what came, `take` it, wait until more has `come`."""

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
        """Let the reader look again: nothing may come any more."""
        self._wake.set()

    def take(self) -> Any:
        """The oldest that nobody has taken; None where there is none."""
        return self._came.popleft() if self._came else None

    async def come(self) -> None:
        """Wait until there is one, or `wake` is called."""
        self._wake.clear()
        await self._wake.wait()
