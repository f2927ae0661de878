"""Encrypted messages of MTProto 2.0: opening those of clients and sealing the server's.

Pure functions over one key. Refuses a wrong message key, a length that the padding rules forbid, half blocks.
https://core.telegram.org/mtproto/description
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from .crypto import Buffer, ige_decrypt, ige_encrypt, message_aes, message_key

_HEAD = struct.Struct("<qqqii")


class BadMessage(Exception):
    """A packet that was not made with this key, or not as the protocol says."""


@dataclass(slots=True)
class Message:
    """One decrypted message; `body` is a view into the packet."""

    salt: int
    session_id: int
    msg_id: int
    seqno: int
    body: memoryview


def open_message(auth_key: bytes, packet: bytes) -> Message:
    """Decrypt a client's packet (key id, message key, data)."""
    if len(packet) < 24 + 48 or (len(packet) - 24) % 16:
        raise BadMessage(f"{len(packet)} bytes are no encrypted message")
    msg_key = packet[8:24]
    aes = message_aes(auth_key, msg_key, from_server=False)
    plain = ige_decrypt(memoryview(packet)[24:], *aes)
    if message_key(auth_key, plain, from_server=False) != msg_key:
        raise BadMessage("wrong message key")
    salt, session_id, msg_id, seqno, length = _HEAD.unpack_from(plain)
    padding = len(plain) - _HEAD.size - length
    if length < 4 or length % 4 or not 12 <= padding <= 1024:
        raise BadMessage(f"length {length} with {padding} bytes of padding")
    return Message(salt, session_id, msg_id, seqno, memoryview(plain)[_HEAD.size : _HEAD.size + length])


def seal_message(
    auth_key: bytes, key_id: int, *, salt: int, session_id: int, msg_id: int, seqno: int, body: Buffer
) -> bytes:
    """Encrypt one of the server's messages into a packet."""
    size = _HEAD.size + len(body)
    plain = b"".join(
        (_HEAD.pack(salt, session_id, msg_id, seqno, len(body)), body, os.urandom(-(size + 12) % 16 + 12))
    )
    msg_key = message_key(auth_key, plain, from_server=True)
    aes = message_aes(auth_key, msg_key, from_server=True)
    return b"".join((key_id.to_bytes(8, "little"), msg_key, ige_encrypt(plain, *aes)))
