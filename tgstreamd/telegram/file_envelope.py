"""Seals and opens the MTProto 2.0 messages of one session, for file connections.

Sans-IO. Copies a part as rarely as cryptg allows, and makes every check that Telegram asks of clients
(https://core.telegram.org/mtproto/security_guidelines): a packet that fails one raises SecurityError and the
connection must be closed. Knows nothing of requests and answers.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import cryptg
from telethon.errors import SecurityError

from .message_ids import MessageIds

#: Pieces of a packet; cryptg itself accepts and returns only bytes.
type Piece = bytes | memoryview
#: Half of an authorisation key: the digest begun with it, and the inputs of the AES keys.
type Half = tuple[Any, bytes, bytes]

#: Salt, session, message id, sequence number, length.
_HEAD: Final = struct.Struct("<qqqii")


class Envelope:
    """One session over one key, from its first message to the end of the connection."""

    def __init__(self, key: bytes, key_id: int, ids: MessageIds | None = None) -> None:
        self.ids = ids or MessageIds()
        self._key_id = key_id.to_bytes(8, "little")
        self._session = int.from_bytes(os.urandom(8), "little", signed=True)
        self.salt = 0
        self._content = 0
        # The half of the key for outgoing messages.
        self._out = (sha256(key[88:120]), key[0:36], key[40:76])
        self._in = incoming(key)

    def seal(self, pieces: Sequence[Piece], *, content: bool) -> tuple[int, bytes, bytes]:
        """Encrypt one message; return its id, the head of its packet and the encrypted rest."""
        msg_id = self.ids.next()
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
        """Decrypt and check a message; return its id, sequence number and body."""
        return open_packet(packet, self._key_id, self._in, self._session)


def incoming(key: bytes) -> Half:
    """Return the half of a key for messages from the server."""
    return sha256(key[96:128]), key[8:44], key[48:84]


def open_packet(packet: memoryview, key_id: bytes, half: Half, session: int) -> tuple[int, int, memoryview]:
    """Decrypt and check a server message of that session; return its id, sequence number and body."""
    if len(packet) < 24 + 48 or (len(packet) - 24) % 16:
        raise SecurityError(f"{len(packet)} bytes are no encrypted message")
    if packet[:8] != key_id:
        raise SecurityError("the answer is for another key")
    msg_key = bytes(packet[8:24])
    start, a, b = half
    plain = cryptg.decrypt_ige(bytes(packet[24:]), *_aes(msg_key, a, b))
    digest = start.copy()
    digest.update(plain)
    if digest.digest()[8:24] != msg_key:
        raise SecurityError("the message key is not that of the message")
    _salt, to, msg_id, seqno, size = _HEAD.unpack_from(plain)
    padding = len(plain) - _HEAD.size - size
    if to != session or not msg_id & 1 or size < 4 or size % 4 or not 12 <= padding <= 1024:
        raise SecurityError("the message is not one of this session")
    return msg_id, seqno, memoryview(plain)[_HEAD.size : _HEAD.size + size]


def _aes(msg_key: bytes, a: bytes, b: bytes) -> tuple[bytes, bytes]:
    """Derive AES key and iv
    (https://core.telegram.org/mtproto/description#defining-aes-key-and-initialization-vector)."""
    x, y = sha256(msg_key + a).digest(), sha256(b + msg_key).digest()
    return x[:8] + y[8:24] + x[24:32], y[:8] + x[8:24] + y[24:32]
