"""An unencrypted connection with one message and one answer at a time, for the exchange that makes a key.

Uses abridged transport, whose packets `file_framing` limits in size: the peer may be a CDN, which is not
trusted. Has no timeout: the caller has one.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Final, cast

from telethon.errors import AuthKeyNotFound, InvalidBufferError
from telethon.extensions import BinaryReader

from .file_framing import TAG, Packets, framed
from .message_ids import MessageIds

#: Authorisation key id, message id, length.
_HEAD: Final = struct.Struct("<qqi")


class PlainWire(Packets):
    """An unencrypted connection, one message and one answer at a time. Used by `exchange`."""

    def __init__(self, ids: MessageIds) -> None:
        super().__init__()
        self._ids = ids
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None

    async def ask(self, request: Any) -> Any:
        """Return the answer. Raises ConnectionError, BufferError and whatever decoding a malformed answer
        raises."""
        assert self._transport is not None, "made by create_connection, which waits for it"
        body = bytes(request)
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            raise ConnectionResetError("the connection was cut")
        self._transport.write(
            framed(_HEAD.size + len(body)) + _HEAD.pack(0, self._ids.next(), len(body)) + body
        )
        packet = await self._answer
        if len(packet) == 4:
            code = int.from_bytes(packet, "little", signed=True)
            raise AuthKeyNotFound if code == -404 else InvalidBufferError(packet)
        if len(packet) < _HEAD.size or packet[:8] != bytes(8):
            raise BufferError("the answer is no plain message")
        with BinaryReader(packet[_HEAD.size :]) as reader:
            return reader.tgread_object()

    def close(self) -> None:
        self.die(ConnectionResetError("the connection was closed"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(TAG)

    def connection_lost(self, exc: Exception | None) -> None:
        self.die(exc or ConnectionResetError("the server closed the connection"))

    def packet(self, packet: memoryview) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(bytes(packet))

    def moved(self) -> None:
        """Does nothing: callers have their own timeout."""

    def die(self, why: Exception) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(why)
