"""Encrypted messages of MTProto 2.0: opening those of clients, containers too, and sealing the server's.

Pure functions over one key. Refuses a wrong message key, a length that the padding rules forbid, half blocks.
https://core.telegram.org/mtproto/description
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from .crypto import Buffer, ige_decrypt, ige_encrypt, message_aes, message_key

_HEAD = struct.Struct("<qqqii")
_INNER_HEAD = struct.Struct("<qii")
#: A container holds at most so many messages (more gets bad_msg_notification 64).
CONTAINER_LENGTH = 1020


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


def open_container(message: Message) -> list[tuple[int, int, memoryview]]:
    """The messages (id, sequence number, body) of one that is a container."""
    body = message.body
    count = int.from_bytes(body[4:8], "little")
    if count > CONTAINER_LENGTH:
        raise BadMessage(f"a container of {count} messages")
    at = 8
    inner: list[tuple[int, int, memoryview]] = []
    for _ in range(count):
        if at + _INNER_HEAD.size > len(body):
            raise BadMessage("a container breaks off")
        msg_id, seqno, length = _INNER_HEAD.unpack_from(body, at)
        at += _INNER_HEAD.size
        if msg_id >= message.msg_id or length < 0 or length % 4 or at + length > len(body):
            raise BadMessage("a container's message is newer than it, or has a wrong length")
        inner.append((msg_id, seqno, body[at : at + length]))
        at += length
    return inner


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
