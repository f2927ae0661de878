"""Limits how many parts may be in transfer at once: the buffer size, or fewer after flood waits.

A flood wait halves the window, arriving parts slowly widen it again (additive increase, multiplicative
decrease). Turns rotate among transfers, so that a small file does not wait for all of a large one. The size
is never above the buffer and never below one.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Window:
    """The window: `epoch = await enter(who)`, then `leave()`; `who` is the transfer to which the part
    belongs."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._size = float(self._most)
        self._busy = 0
        self._epoch = 0
        #: Waiting parts by transfer, in the order of the transfers' turns.
        self._waiting: dict[object, deque[asyncio.Future[None]]] = {}

    @property
    def size(self) -> int:
        """The number of parts that may be in transfer now."""
        return int(self._size)

    async def enter(self, who: object) -> int:
        """Wait for a turn and return the epoch in which the part began, for `narrow`."""
        if self._busy < self.size and not self._waiting:
            self._busy += 1
            return self._epoch
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(who, turn)
            else:
                self.leave()
            raise
        return self._epoch

    def leave(self) -> None:
        """Release the turn of a part that arrived or failed."""
        self._busy -= 1
        self._admit()

    def widen(self) -> None:
        """Widen the window by one for each full window of parts that arrived."""
        self._size = min(float(self._most), self._size + 1 / self._size)
        self._admit()

    def narrow(self, epoch: int) -> None:
        """Halve the window after a flood wait. Parts that began in the same epoch count once."""
        if epoch == self._epoch:
            self._epoch += 1
            self._size = max(1.0, self._size / 2)

    def _admit(self) -> None:
        while self._waiting and self._busy < self.size:
            who = next(iter(self._waiting))
            turns = self._waiting.pop(who)
            turn = turns.popleft()
            if turns:
                self._waiting[who] = turns
            if not turn.done():
                self._busy += 1
                turn.set_result(None)

    def _forget(self, who: object, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(who)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[who]
