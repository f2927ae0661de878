"""How many parts may be under way at once: what the buffer holds, or fewer while Telegram says slow down.

A flood wait halves it, parts that arrive widen it again, slowly (additive increase, multiplicative
decrease). Turns go round the transfers, so a small file is not behind all of a large one. Promises never to
be wider than the buffer and never narrower than one.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Window:
    """`epoch = await enter(who)`, then `leave()`; `who` is the transfer that the part belongs to."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._size = float(self._most)
        self._busy = 0
        self._epoch = 0
        #: Those who wait, by transfer, in the order of the transfers' turns.
        self._waiting: dict[object, deque[asyncio.Future[None]]] = {}

    @property
    def size(self) -> int:
        """Parts that may be under way now."""
        return int(self._size)

    async def enter(self, who: object) -> int:
        """Wait for a turn. What it returns tells `narrow` when the part began."""
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
        """A part has arrived, or failed."""
        self._busy -= 1
        self._admit()

    def widen(self) -> None:
        """A part arrived: by one for each full window of them."""
        self._size = min(float(self._most), self._size + 1 / self._size)
        self._admit()

    def narrow(self, epoch: int) -> None:
        """A part that began in `epoch` was told to wait. Those that were under way with it count once."""
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
