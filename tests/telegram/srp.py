"""Two-step verification, server side: a verifier instead of the password, and the proof against it.

SRP as https://core.telegram.org/api/srp has it. Owns no account; one Srp object is one attempt.
"""

from __future__ import annotations

import os
from hashlib import pbkdf2_hmac, sha256
from typing import Any

from telethon.tl import types

from .mtproto.keyexchange import DH_PRIME, G

_SIZE = 256


def _bytes(number: int) -> bytes:
    return number.to_bytes(_SIZE, "big")


def _hash(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


class Verifier:
    """What the server keeps of a password: salts and g^x."""

    PRIME = _bytes(DH_PRIME)

    def __init__(self, password: str) -> None:
        self.salt1 = os.urandom(16)
        self.salt2 = os.urandom(16)
        inner = _hash(self.salt1, password.encode(), self.salt1)
        inner = _hash(self.salt2, inner, self.salt2)
        stretched = pbkdf2_hmac("sha512", inner, self.salt1, 100_000)
        x = int.from_bytes(_hash(self.salt2, stretched, self.salt2), "big")
        self.v = pow(G, x, DH_PRIME)

    def algorithm(self) -> Any:
        return types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
            self.salt1, self.salt2, G, _bytes(DH_PRIME)
        )


class Srp:
    """One attempt: made for account.getPassword, used up by auth.checkPassword."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self.id = int.from_bytes(os.urandom(8), "little", signed=True)
        self._b = int.from_bytes(os.urandom(_SIZE), "big")
        k = int.from_bytes(_hash(_bytes(DH_PRIME), _bytes(G)), "big")
        self.b_public = _bytes((k * verifier.v + pow(G, self._b, DH_PRIME)) % DH_PRIME)

    def proves(self, a_public: bytes, m1: bytes) -> bool:
        """Whether the client's proof shows that it knows the password."""
        a = int.from_bytes(a_public, "big")
        if len(a_public) > _SIZE or not 0 < a < DH_PRIME:
            return False
        a_bytes = _bytes(a)
        u = int.from_bytes(_hash(a_bytes, self.b_public), "big")
        secret = pow(a * pow(self._verifier.v, u, DH_PRIME) % DH_PRIME, self._b, DH_PRIME)
        mixed = bytes(x ^ y for x, y in zip(_hash(_bytes(DH_PRIME)), _hash(_bytes(G)), strict=True))
        expected = _hash(
            mixed,
            _hash(self._verifier.salt1),
            _hash(self._verifier.salt2),
            a_bytes,
            self.b_public,
            _hash(_bytes(secret)),
        )
        return expected == m1
