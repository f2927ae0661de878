"""Measures messages per minute in and out, per mirror, over the last ten minutes, for display.

Kept in memory; no decision depends on it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..domain.clock import Clock
from ..policy.pacing import rate

WINDOW = 600.0


class Rates:
    """Counts live arrivals and sends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._in: dict[int, deque[float]] = {}
        self._out: dict[int, deque[float]] = {}

    def came(self, mirrors: Sequence[int]) -> None:
        """Count a live message for each of these mirrors."""
        for mirror in mirrors:
            self._note(self._in, mirror, 1)

    def sent(self, mirror: int, messages: int) -> None:
        """Count messages sent for this mirror."""
        self._note(self._out, mirror, messages)

    def incoming(self) -> dict[int, float]:
        """Return live messages per minute, by mirror."""
        return {mirror: rate(times, self._clock.now(), WINDOW) for mirror, times in self._in.items()}

    def outgoing(self) -> dict[int, float]:
        """Return messages sent per minute, by mirror."""
        return {mirror: rate(times, self._clock.now(), WINDOW) for mirror, times in self._out.items()}

    def _note(self, table: dict[int, deque[float]], mirror: int, messages: int) -> None:
        now = self._clock.now()
        times = table.setdefault(mirror, deque())
        times.extend([now] * messages)
        while times and times[0] <= now - WINDOW:
            times.popleft()
