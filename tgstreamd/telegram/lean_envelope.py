"""MTProto 2.0 envelopes of one session, for file connections: message ids, numbers, keys, encryption.

Sans-IO. Seals what is sent and opens what came, with as few copies of a part as cryptg allows, and does every
check that Telegram asks of clients (https://core.telegram.org/mtproto/security_guidelines): a packet that
fails one raises SecurityError and the connection is worth nothing. Knows no request and no answer.
"""

from __future__ import annotations

import os
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

import cryptg
from telethon.errors import SecurityError

#: What a packet is made of; cryptg itself takes and gives nothing but bytes.
type Piece = bytes | memoryview

#: Salt, session, message id, sequence number, length.
_HEAD: Final = struct.Struct("<qqqii")
#: A message of the server that is older, or newer, is not believed (but for those that tell the time).
TOO_OLD: Final = 300
TOO_NEW: Final = 30
#: Ids kept against repeated messages.
RECENT: Final = 500


class Envelope:
    """One session over one key, from its first message to the connection's end."""

    def __init__(self, key: bytes, key_id: int, *, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._key_id = key_id.to_bytes(8, "little")
        self._session = int.from_bytes(os.urandom(8), "little", signed=True)
        self.salt = 0
        #: Seconds by which the server's clock is ahead of ours.
        self.offset = 0.0
        self._last_id = 0
        self._content = 0
        self._seen: deque[int] = deque(maxlen=RECENT)
        # The halves of the key that each direction uses.
        self._out = (sha256(key[88:120]), key[0:36], key[40:76])
        self._in = (sha256(key[96:128]), key[8:44], key[48:84])

    def seal(self, pieces: Sequence[Piece], *, content: bool) -> tuple[int, bytes, bytes]:
        """One message as its id, the head of its packet and the encrypted rest."""
        msg_id = self._next_id()
        seqno = self._content * 2 + content
        self._content += content
        size = sum(map(len, pieces))
        padding = os.urandom(-(_HEAD.size + size + 12) % 16 + 12)
        plain = b"".join((_HEAD.pack(self.salt, self._session, msg_id, seqno, size), *pieces, padding))
        start, a, b = self._out
        digest = start.copy()
        digest.update(plain)
        msg_key = digest.digest()[8:24]
        return msg_id, self._key_id + msg_key, cryptg.encrypt_ige(plain, *_aes(msg_key, a, b))

    def open(self, packet: memoryview) -> tuple[int, int, memoryview]:
        """The id, sequence number and body of a message that came."""
        if len(packet) < 24 + 48 or (len(packet) - 24) % 16:
            raise SecurityError(f"{len(packet)} bytes are no encrypted message")
        if packet[:8] != self._key_id:
            raise SecurityError("the answer is for another key")
        msg_key = bytes(packet[8:24])
        start, a, b = self._in
        plain = cryptg.decrypt_ige(bytes(packet[24:]), *_aes(msg_key, a, b))
        digest = start.copy()
        digest.update(plain)
        if digest.digest()[8:24] != msg_key:
            raise SecurityError("the message key is not that of the message")
        _salt, session, msg_id, seqno, size = _HEAD.unpack_from(plain)
        padding = len(plain) - _HEAD.size - size
        if session != self._session or not msg_id & 1 or size < 4 or size % 4 or not 12 <= padding <= 1024:
            raise SecurityError("the message is not one of this session")
        return msg_id, seqno, memoryview(plain)[_HEAD.size : _HEAD.size + size]

    def fresh(self, msg_id: int) -> bool:
        """Whether this is the first message of that id; remembers it."""
        if msg_id in self._seen:
            return False
        self._seen.append(msg_id)
        return True

    def timely(self, msg_id: int) -> bool:
        """Whether a message was sent about now, by the server's clock."""
        age = self._wall() + self.offset - msg_id / (1 << 32)
        return -TOO_NEW <= age <= TOO_OLD

    def set_clock(self, msg_id: int) -> None:
        """Take the server's time from the id of one of its messages."""
        self.offset = msg_id / (1 << 32) - self._wall()
        self._last_id = 0

    def _next_id(self) -> int:
        # Growing, and divisible by four: https://core.telegram.org/mtproto/description#message-identifier-msg-id
        msg_id = int((self._wall() + self.offset) * (1 << 32)) & ~3
        self._last_id = max(msg_id, self._last_id + 4)
        return self._last_id


def _aes(msg_key: bytes, a: bytes, b: bytes) -> tuple[bytes, bytes]:
    """AES key and iv (https://core.telegram.org/mtproto/description#defining-aes-key-and-initialization-vector)."""
    x, y = sha256(msg_key + a).digest(), sha256(b + msg_key).digest()
    return x[:8] + y[8:24] + x[24:32], y[:8] + x[8:24] + y[24:32]
