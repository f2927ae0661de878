"""AES-IGE, AES-CTR and MTProto 2.0's key derivation, by tgcrypto.

The clients under test encrypt with other code (cryptg), so a mistake of one side cannot hide in the other.
For benchmarks, which compare nothing, the process mode may choose cryptg, which is twice as fast. Pure
functions but for that choice, and one counter-mode stream. Knows no message format.
"""

from __future__ import annotations

from hashlib import sha1, sha256

import tgcrypto

Buffer = bytes | bytearray | memoryview


_encrypt, _decrypt = tgcrypto.ige256_encrypt, tgcrypto.ige256_decrypt


def use_fast_aes() -> None:
    """Encrypt with cryptg from now on, for the whole process."""
    import cryptg

    global _encrypt, _decrypt
    # cryptg takes nothing but bytes.
    _encrypt = lambda data, key, iv: cryptg.encrypt_ige(bytes(data), key, iv)  # noqa: E731  # as above
    _decrypt = lambda data, key, iv: cryptg.decrypt_ige(bytes(data), key, iv)  # noqa: E731  # as above


def ige_encrypt(data: Buffer, key: bytes, iv: bytes) -> bytes:
    return _encrypt(data, key, iv)


def ige_decrypt(data: Buffer, key: bytes, iv: bytes) -> bytes:
    return _decrypt(data, key, iv)


class CtrStream:
    """AES-256 in counter mode, going on where the last call stopped."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._key = key
        # tgcrypto moves the counter and the offset within the block on in these two buffers.
        self._iv = bytearray(iv)
        self._state = bytearray(1)

    def __call__(self, data: Buffer) -> bytes:
        if not data:
            return b""
        return tgcrypto.ctr256_encrypt(data, self._key, self._iv, self._state)


def message_key(auth_key: bytes, plain: Buffer, *, from_server: bool) -> bytes:
    """msg_key of a padded plaintext (https://core.telegram.org/mtproto/description)."""
    x = 8 if from_server else 0
    digest = sha256(auth_key[88 + x : 120 + x])
    digest.update(plain)
    return digest.digest()[8:24]


def message_aes(auth_key: bytes, msg_key: bytes, *, from_server: bool) -> tuple[bytes, bytes]:
    """AES key and iv of one message."""
    x = 8 if from_server else 0
    a = sha256(msg_key + auth_key[x : x + 36]).digest()
    b = sha256(auth_key[x + 40 : x + 76] + msg_key).digest()
    return a[:8] + b[8:24] + a[24:32], b[:8] + a[8:24] + b[24:32]


def handshake_aes(new_nonce: bytes, server_nonce: bytes) -> tuple[bytes, bytes]:
    """The temporary key that protects the Diffie-Hellman values."""
    ns = sha1(new_nonce + server_nonce).digest()
    sn = sha1(server_nonce + new_nonce).digest()
    nn = sha1(new_nonce + new_nonce).digest()
    return ns + sn[:12], sn[12:20] + nn + new_nonce[:4]


def key_id(auth_key: bytes) -> int:
    """The 64 bits by which both sides name a key."""
    return int.from_bytes(sha1(auth_key).digest()[12:20], "little")
