"""The server's RSA keys: their fingerprints, and the two paddings with which clients encrypt their nonce.

The private keys, that of the data centres and that of the CDN, lie beside this file: they protect a server
that listens on loopback only, and exist to be known to everybody.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1, sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from .crypto import ige_decrypt
from .tl import serialize_bytes

DEFAULT_KEY_FILE = Path(__file__).with_name("test_server_key.pem")
CDN_KEY_FILE = Path(__file__).with_name("test_cdn_key.pem")


class ServerKey:
    """A 2048-bit RSA key as MTProto uses it: raw exponentiation of 256 bytes."""

    def __init__(self, pem: bytes) -> None:
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, RSAPrivateKey) or key.key_size != 2048:
            raise ValueError("the server key must be RSA with 2048 bits")
        numbers = key.private_numbers()
        public = key.public_key()
        self.n = numbers.public_numbers.n
        self.e = numbers.public_numbers.e
        self._d = numbers.d
        self.public_key_pem = public.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
        digest = sha1(_tl_number(self.n) + _tl_number(self.e)).digest()
        self.fingerprint = int.from_bytes(digest[-8:], "little", signed=True)

    @classmethod
    def load(cls, path: Path = DEFAULT_KEY_FILE) -> ServerKey:
        """The key in a file; read once, for checking it takes longer than most tests."""
        return _load(path)

    def decrypt(self, cipher: bytes) -> bytes | None:
        """The p_q_inner_data (with what follows it), or None if neither padding fits."""
        number = int.from_bytes(cipher, "big")
        if len(cipher) != 256 or number >= self.n:
            return None
        block = pow(number, self._d, self.n).to_bytes(256, "big")
        return _unpad_old(block) or _unpad_rsa_pad(block)


@lru_cache
def _load(path: Path) -> ServerKey:
    return ServerKey(path.read_bytes())


def _unpad_old(block: bytes) -> bytes | None:
    """SHA1(data) + data + noise, 255 bytes. The data's own length is in its constructor, so try them all.

    Clients of the old scheme send p_q_inner_data of 96 bytes or, with a data centre, a few more; the noise
    is at least nothing. The hash says where the data ends.
    """
    if block[0] != 0:
        return None
    digest, rest = block[1:21], block[21:]
    for length in range(64, len(rest) + 1, 4):
        if sha1(rest[:length]).digest() == digest:
            return rest[:length]
    return None


def _unpad_rsa_pad(block: bytes) -> bytes | None:
    """RSA_PAD of https://core.telegram.org/mtproto/auth_key, step 4.1, undone."""
    masked, cipher = block[:32], block[32:]
    key = bytes(a ^ b for a, b in zip(masked, sha256(cipher).digest(), strict=True))
    plain = ige_decrypt(cipher, key, bytes(32))
    turned, digest = plain[:192], plain[192:]
    padded = turned[::-1]
    return padded if sha256(key + padded).digest() == digest else None


def _tl_number(value: int) -> bytes:
    return serialize_bytes(value.to_bytes((value.bit_length() + 7) // 8, "big"))
