"""The transports of MTProto over TCP: bytes of a stream into packets and back. Sans-IO.

Full, abridged, intermediate and padded intermediate, each of them also inside obfuscated2; which one it is
shows in the first bytes (https://core.telegram.org/mtproto/mtproto-transports). A stream that breaks the
framing raises BadStream, after which the connection is worth nothing.
"""

from __future__ import annotations

import os
import struct
from zlib import crc32

from .crypto import Buffer, CtrStream

#: Telegram closes a connection that sends more than this at once (a part of 512 KiB needs far less).
LARGEST_PACKET = 2 * 1024 * 1024


class BadStream(Exception):
    """The peer does not speak the transport that it began with."""


class Framing:
    """One way to mark where a packet ends. `need` answers how many bytes the next packet takes."""

    name = "?"

    def need(self, head: Buffer) -> tuple[int, int] | None:
        """(length of the prefix, length of prefix and packet), or None while the prefix is incomplete."""
        raise NotImplementedError

    def unwrap(self, packet: memoryview, prefix: int) -> bytes:
        return bytes(packet[prefix:])

    def wrap(self, payload: Buffer) -> list[Buffer]:
        raise NotImplementedError


class Full(Framing):
    """Length, sequence number and checksum around every packet; no tag."""

    name = "full"

    def __init__(self) -> None:
        self._received = 0
        self._sent = 0

    def need(self, head: Buffer) -> tuple[int, int] | None:
        if len(head) < 4:
            return None
        length = int.from_bytes(head[:4], "little")
        if length < 12:
            raise BadStream(f"full: a packet of {length} bytes")
        return 8, length

    def unwrap(self, packet: memoryview, prefix: int) -> bytes:
        if crc32(packet[:-4]) != int.from_bytes(packet[-4:], "little"):
            raise BadStream("full: wrong checksum")
        number = int.from_bytes(packet[4:8], "little")
        if number != self._received:
            raise BadStream(f"full: packet {number} instead of {self._received}")
        self._received += 1
        return bytes(packet[prefix:-4])

    def wrap(self, payload: Buffer) -> list[Buffer]:
        head = struct.pack("<II", len(payload) + 12, self._sent)
        self._sent += 1
        return [head, payload, crc32(payload, crc32(head)).to_bytes(4, "little")]


class Abridged(Framing):
    """The length in words, in one byte or in four."""

    name = "abridged"

    def need(self, head: Buffer) -> tuple[int, int] | None:
        if not head:
            return None
        # The highest bit asks for a quick acknowledgement, which this server does not send.
        first = head[0] & 0x7F
        if first != 0x7F:
            return 1, 1 + first * 4
        if len(head) < 4:
            return None
        return 4, 4 + int.from_bytes(head[1:4], "little") * 4

    def wrap(self, payload: Buffer) -> list[Buffer]:
        words, odd = divmod(len(payload), 4)
        if odd:
            raise ValueError("abridged packets are whole words")
        if words < 0x7F:
            return [bytes((words,)), payload]
        return [b"\x7f" + words.to_bytes(3, "little"), payload]


class Intermediate(Framing):
    """The length in bytes before every packet."""

    name = "intermediate"

    def need(self, head: Buffer) -> tuple[int, int] | None:
        if len(head) < 4:
            return None
        return 4, 4 + (int.from_bytes(head[:4], "little") & 0x7FFFFFFF)

    def wrap(self, payload: Buffer) -> list[Buffer]:
        return [len(payload).to_bytes(4, "little"), payload]


class PaddedIntermediate(Intermediate):
    """Intermediate with up to fifteen bytes of noise after every packet."""

    name = "padded intermediate"

    def unwrap(self, packet: memoryview, prefix: int) -> bytes:
        body = packet[prefix:]
        if int.from_bytes(body[:8], "little"):
            # An encrypted packet: key id, message key, whole AES blocks.
            return bytes(body[: len(body) - (len(body) - 24) % 16])
        length = int.from_bytes(body[16:20], "little")
        return bytes(body[: 20 + length])

    def wrap(self, payload: Buffer) -> list[Buffer]:
        # Fewer than four, and none after an error, so that clients that only look at the remainder
        # of four (Telethon) find the end.
        noise = os.urandom(os.urandom(1)[0] % 4) if len(payload) > 4 else b""
        return [(len(payload) + len(noise)).to_bytes(4, "little"), payload, noise]


_TAGS: dict[bytes, type[Framing]] = {
    b"\xef" * 4: Abridged,
    b"\xee" * 4: Intermediate,
    b"\xdd" * 4: PaddedIntermediate,
}


class Transport:
    """One connection's stream, both directions."""

    def __init__(self) -> None:
        self.framing: Framing | None = None
        self.obfuscated = False
        self._buffer = bytearray()
        self._decrypt: CtrStream | None = None
        self._encrypt: CtrStream | None = None

    @property
    def name(self) -> str:
        if self.framing is None:
            return "unknown"
        return ("obfuscated " if self.obfuscated else "") + self.framing.name

    @property
    def incomplete(self) -> int:
        """Bytes of a packet that has not ended yet."""
        return len(self._buffer)

    def first_bytes(self, count: int) -> bytes:
        """The beginning of the incomplete packet, after the framing's prefix."""
        need = self.framing.need(self._buffer[:4]) if self.framing is not None else None
        return bytes(self._buffer[need[0] : need[0] + count]) if need is not None else b""

    def feed(self, data: Buffer) -> list[bytes]:
        """The packets that end within `data`."""
        if self._decrypt is not None:
            data = self._decrypt(data)
        self._buffer += data
        packets: list[bytes] = []
        while True:
            if self.framing is None and not self._detect():
                return packets
            assert self.framing is not None
            need = self.framing.need(self._buffer[:4])
            if need is None:
                return packets
            prefix, total = need
            if total > LARGEST_PACKET:
                raise BadStream(f"{self.framing.name}: a packet of {total} bytes")
            if len(self._buffer) < total:
                return packets
            with memoryview(self._buffer) as view, view[:total] as packet:
                packets.append(self.framing.unwrap(packet, prefix))
            del self._buffer[:total]

    def wrap(self, payload: Buffer) -> bytes:
        """What to write for one packet."""
        assert self.framing is not None, "nobody speaks before the client has"
        data = b"".join(self.framing.wrap(payload))
        return self._encrypt(data) if self._encrypt is not None else data

    def error(self, code: int) -> bytes:
        """A transport error (-404: unknown key), as a packet of four bytes."""
        return self.wrap(code.to_bytes(4, "little", signed=True))

    def _detect(self) -> bool:
        buffer = self._buffer
        if not buffer:
            return False
        if buffer[0] == 0xEF:
            self.framing = Abridged()
            del buffer[:1]
            return True
        if len(buffer) < 4:
            return False
        tag = bytes(buffer[:4])
        if tag in (b"\xee" * 4, b"\xdd" * 4):
            self.framing = _TAGS[tag]()
            del buffer[:4]
            return True
        if len(buffer) < 8:
            return False
        if buffer[4:8] == b"\0\0\0\0":
            # Sequence number 0 of the first full packet; obfuscated headers avoid this on purpose.
            self.framing = Full()
            return True
        if len(buffer) < 64:
            return False
        header = bytes(buffer[:64])
        turned = header[8:56][::-1]
        decrypt = CtrStream(header[8:40], header[40:56])
        tag = decrypt(header)[56:60]
        if tag not in _TAGS:
            raise BadStream("neither a known transport nor an obfuscated one")
        self.framing = _TAGS[tag]()
        self.obfuscated = True
        self._decrypt = decrypt
        self._encrypt = CtrStream(turned[:32], turned[32:48])
        rest = decrypt(bytes(buffer[64:]))
        buffer[:] = rest
        return True
