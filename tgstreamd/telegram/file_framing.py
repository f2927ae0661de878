"""Abridged transport over a socket: a stream into packets, each read straight to where it will lie.

Of all transports it costs least (no checksum); a packet is read into one buffer, never past its end, so
nothing is moved or joined. Knows nothing of what packets hold.
https://core.telegram.org/mtproto/mtproto-transports#abridged
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .proxy import through
from .settings import ProxyTuple

#: What a client says first.
TAG: Final = b"\xef"
#: Telegram sends no packet that is larger (a part of 1 MiB and its head fit).
PACKET_MAX: Final = 2 * 1024 * 1024
#: What is read before a packet's length is known: no encrypted packet is shorter.
FIRST: Final = 72
#: Room for what comes between parts.
SMALL: Final = 16 * 1024


def framed(size: int) -> bytes:
    """What stands before a packet of so many bytes, a multiple of four."""
    words = size // 4
    return bytes((words,)) if words < 0x7F else b"\x7f" + words.to_bytes(3, "little")


class Packets(asyncio.BufferedProtocol):
    """Calls `packet` with each one, a view that is good until it returns, `moved` at every read."""

    def __init__(self) -> None:
        self._buffer = bytearray(SMALL)
        self._view = memoryview(self._buffer)
        self._have = 0
        #: Where the coming packet's content begins and where it ends, once known.
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
        """Whether the length of the coming packet is known by now."""
        # The highest bit would ask for a quick acknowledgement; a server does not.
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
    """A connected protocol. Raises OSError (of a proxy, ProxyTrouble) and TimeoutError."""
    loop = asyncio.get_running_loop()
    made = make()
    async with asyncio.timeout(timeout):
        if proxy is None:
            await loop.create_connection(lambda: made, host, port)
        else:
            await loop.create_connection(lambda: made, sock=await through(proxy, host, port, timeout))
    return made
