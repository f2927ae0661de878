"""What lies between client and server: latency and bandwidth of every connection.

Settings may change while connections live. Knows bytes only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass
class Network:
    """`latency`: seconds for every response; `upload`, `download`: bytes a second and connection, 0 free."""

    latency: float = 0.0
    upload: float = 0.0
    download: float = 0.0


class Shaper:
    """Writes to one connection and lets it read no faster than the network allows."""

    #: Bytes are let through in slices of this many seconds.
    SLICE = 0.05

    def __init__(self, network: Network, transport: asyncio.Transport) -> None:
        self._network = network
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._resume: asyncio.TimerHandle | None = None
        self._debt_until = 0.0

    def write(self, data: bytes) -> None:
        network = self._network
        if not self._queue and not network.latency and not network.download:
            self._transport.write(data)
            return
        due = self._loop.time() + network.latency
        step = max(1024, int(network.download * self.SLICE)) if network.download else len(data)
        for start in range(0, len(data), step):
            self._queue.append((due, data[start : start + step]))
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._pump)

    def _pump(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._queue and not self._transport.is_closing():
            due, data = self._queue[0]
            if due > now:
                self._timer = self._loop.call_at(due, self._pump)
                return
            self._queue.popleft()
            self._transport.write(data)
            if self._network.download:
                self._timer = self._loop.call_at(now + len(data) / self._network.download, self._pump)
                return

    def received(self, count: int) -> None:
        """`count` bytes came in: stop reading for as long as they should have taken."""
        if not self._network.upload:
            return
        now = self._loop.time()
        self._debt_until = max(now, self._debt_until) + count / self._network.upload
        if self._debt_until - now < self.SLICE or self._resume is not None:
            return
        self._transport.pause_reading()
        self._resume = self._loop.call_at(self._debt_until, self._go_on)

    def _go_on(self) -> None:
        self._resume = None
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        for timer in (self._timer, self._resume):
            if timer is not None:
                timer.cancel()
        self._queue.clear()
