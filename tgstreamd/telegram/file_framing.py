"""Frames packets by the abridged transport, reading each directly to its place in memory.

This transport is the cheapest (no checksum). A packet is read into one buffer and never past its end, so
nothing is moved or joined. Knows nothing of the packets' content.
https://core.telegram.org/mtproto/mtproto-transports#abridged
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .proxy import through
from .settings import ProxyTuple

#: The first byte that a client sends.
TAG: Final = b"\xef"
#: Largest packet that Telegram sends (a part of 1 MiB and its head fit).
PACKET_MAX: Final = 2 * 1024 * 1024
#: Bytes read before a packet's length is known: no encrypted packet is shorter.
FIRST: Final = 72
#: Buffer size for packets between parts.
SMALL: Final = 16 * 1024


def framed(size: int) -> bytes:
    """Return the header of a packet of this many bytes, a multiple of four."""
    words = size // 4
    return bytes((words,)) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")


class Packets(asyncio.BufferedProtocol):
    """Calls `packet` with each packet, a view valid until it returns, and `moved` at every read."""

    def __init__(self) -> None:
        self._buffer = bytearray(SMALL)
        self._view = memoryview(self._buffer)
        self._have = 0
        #: Start and end of the next packet's content, once known.
        self._prefix = self._end = 0

    def packet(self, packet: memoryview) -> None:
        raise NotImplementedError

    def moved(self) -> None:
        raise NotImplementedError

    def die(self, why: Exception) -> None:
        raise NotImplementedError

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view[self._have : self._end or FIRST]

    def buffer_updated(self, nbytes: int) -> None:
        self.moved()
        self._have += nbytes
        if not self._end and not self._begin():
            return
        if self._have >= self._end:
            packet = self._view[self._prefix : self._end]
            self._have = self._end = 0
            self.packet(packet)

    def _begin(self) -> bool:
        """Return whether the length of the next packet is known."""
        # The highest bit requests a quick acknowledgement, which a server never does.
        first = self._buffer[0] & 0x7F
        if first < 0x7F:
            self._prefix, words = 1, first
        elif self._have >= 4:
            self._prefix, words = 4, int.from_bytes(self._buffer[1:4], "little")
        else:
            return False
        end = self._prefix + words * 4
        if not words or end > PACKET_MAX:
            self.die(BufferError(f"a packet of {words * 4} bytes"))
            return False
        if end > len(self._buffer):
            head = bytes(self._view[: self._have])
            self._buffer = bytearray(end + SMALL)
            self._view = memoryview(self._buffer)
            self._view[: len(head)] = head
        self._end = end
        return True


async def open_packets[P: Packets](
    host: str, port: int, make: Callable[[], P], *, proxy: ProxyTuple | None, timeout: float
) -> P:
    """Open a connection and return its protocol. Raises OSError (ProxyTrouble for a proxy) and
    TimeoutError."""
    loop = asyncio.get_running_loop()
    made = make()
    async with asyncio.timeout(timeout):
        if proxy is None:
            await loop.create_connection(lambda: made, host, port)
        else:
            await loop.create_connection(lambda: made, sock=await through(proxy, host, port, timeout))
    return made
