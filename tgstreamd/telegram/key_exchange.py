"""Makes an authorisation key with a server that proves itself by one of the given RSA keys.

For CDNs: Telethon's exchange accepts any key of one table for any server, and a CDN's key must never open a
data centre. The server is not trusted: its factorisation task is given up after a while, and every check of
https://core.telegram.org/mtproto/auth_key is made except one (see `_Exchange._secret`).
"""

from __future__ import annotations

import asyncio
import math
import os
import random
from collections.abc import Mapping
from hashlib import sha1, sha256
from typing import Any, Final, cast

import cryptg
import rsa
from telethon.errors import SecurityError
from telethon.extensions import BinaryReader
from telethon.tl import TLObject, functions, types

from .plain_wire import PlainWire

#: RSA keys by fingerprint.
type Keys = Mapping[int, rsa.PublicKey]

#: Steps after which a number counts as no product of two 31-bit primes: those need about 2^17. This takes
#: half a second, during which the event loop is not blocked.
RIDDLE_STEPS: Final = 1 << 19
#: Attempts at a usable secret: of valid numbers one in 256 is unusable.
SECRETS: Final = 8
_SAFE: Final = 1 << (2048 - 64)


class UnknownKeyError(SecurityError):
    """The server has none of the RSA keys by which it may prove itself."""


def load_keys(pems: list[str]) -> dict[int, rsa.PublicKey]:
    """Return the RSA keys of these PEM texts (PKCS#1) by fingerprint; unreadable ones are left out."""
    found = {}
    for pem in pems:
        try:
            key = rsa.PublicKey.load_pkcs1(pem.encode())
        except (ValueError, TypeError):
            continue
        if key.n.bit_length() == 2048:
            digest = sha1(_number(key.n) + _number(key.e)).digest()
            found[int.from_bytes(digest[-8:], "little", signed=True)] = key
    return found


async def exchange(wire: PlainWire, keys: Keys, dc: int) -> bytes:
    """Return a new authorisation key of data centre `dc`, 256 bytes.

    Raises UnknownKeyError, SecurityError, and what `PlainWire.ask` raises.
    """
    return await _Exchange(wire, keys, dc).run()


class _Exchange:
    """One exchange: three requests."""

    def __init__(self, wire: PlainWire, keys: Keys, dc: int) -> None:
        self._wire = wire
        self._keys = keys
        self._dc = dc
        self._nonce = int.from_bytes(os.urandom(16), "little", signed=True)
        self._new_nonce = os.urandom(32)
        self._server_nonce = 0

    async def run(self) -> bytes:
        offer = await self._asked(types.ResPQ, functions.ReqPqMultiRequest(self._nonce))
        self._server_nonce = offer.server_nonce
        fingerprint = next((f for f in offer.server_public_key_fingerprints if f in self._keys), None)
        if fingerprint is None:
            raise UnknownKeyError("the server has none of the keys that Telegram names for it")
        factors = await asyncio.to_thread(factorise, int.from_bytes(offer.pq, "big"))
        p, q = (_big(factor) for factor in factors)
        inner = types.PQInnerDataDc(
            offer.pq, p, q, self._nonce, self._server_nonce,
            int.from_bytes(self._new_nonce, "little", signed=True), self._dc,
        )  # fmt: skip
        sealed = rsa_pad(bytes(inner), self._keys[fingerprint])
        request = functions.ReqDHParamsRequest(self._nonce, self._server_nonce, p, q, fingerprint, sealed)
        params = await self._asked(types.ServerDHParamsOk, request)
        secret, g_b = self._secret(params.encrypted_answer)
        inner = types.ClientDHInnerData(self._nonce, self._server_nonce, 0, _big(g_b))
        answer = await self._asked(
            types.DhGenOk,
            functions.SetClientDHParamsRequest(self._nonce, self._server_nonce, self._sealed(bytes(inner))),
        )
        aux = sha1(secret).digest()[:8]
        proof = sha1(self._new_nonce + b"\x01" + aux).digest()[4:20]
        if answer.new_nonce_hash1 != int.from_bytes(proof, "little", signed=True):
            raise SecurityError("key exchange: the server has made another key")
        return secret

    async def _asked(self, kind: Any, request: Any) -> Any:
        answer = await self._wire.ask(request)
        if not isinstance(answer, kind):
            raise SecurityError(f"key exchange: {type(answer).__name__} where {kind.__name__} must come")
        if answer.nonce != self._nonce or self._server_nonce not in (0, answer.server_nonce):
            raise SecurityError("key exchange: the answer belongs to another one")
        return answer

    def _secret(self, encrypted: bytes) -> tuple[bytes, int]:
        """Return the shared secret and our half of it.

        Does not prove that the prime is a safe one: only the server could choose a bad one, and it sees
        everything sent over this key anyway.
        """
        if len(encrypted) % 16:
            raise SecurityError("key exchange: an answer that is no multiple of 16 bytes")
        plain = cryptg.decrypt_ige(encrypted, *self._aes())
        said = next(
            (s for n in range(16) if sha1(s := plain[20 : len(plain) - n]).digest() == plain[:20]), b""
        )
        with BinaryReader(said or bytes(4)) as reader:
            inner = reader.tgread_object() if said else None
        if not isinstance(inner, types.ServerDHInnerData):
            raise SecurityError("key exchange: the answer is not what the server said")
        if (inner.nonce, inner.server_nonce) != (self._nonce, self._server_nonce):
            raise SecurityError("key exchange: the answer belongs to another one")
        prime, g_a = (int.from_bytes(number, "big") for number in (inner.dh_prime, inner.g_a))
        if prime.bit_length() != 2048 or not 1 < inner.g < prime - 1:
            raise SecurityError("key exchange: the server's numbers are none")
        if not _SAFE <= g_a <= prime - _SAFE:
            raise SecurityError("key exchange: the server's half is outside the safe range")
        for _ in range(SECRETS):
            b = int.from_bytes(os.urandom(256), "big")
            g_b, secret = pow(inner.g, b, prime), pow(g_a, b, prime)
            # Clients and servers encode a secret with a leading zero byte differently: choose another one.
            if _SAFE <= g_b <= prime - _SAFE and secret >> (2048 - 8):
                return secret.to_bytes(256, "big"), g_b
        raise SecurityError("key exchange: no secret can be made of the server's numbers")

    def _sealed(self, inner: bytes) -> bytes:
        plain = sha1(inner).digest() + inner
        return cryptg.encrypt_ige(plain + os.urandom(-len(plain) % 16), *self._aes())

    def _aes(self) -> tuple[bytes, bytes]:
        """Derive the temporary key and iv from both nonces."""
        new, server = self._new_nonce, self._server_nonce.to_bytes(16, "little", signed=True)
        ns, sn, nn = (sha1(pair).digest() for pair in (new + server, server + new, new + new))
        return ns + sn[:12], sn[12:20] + nn + new[:4]


def rsa_pad(data: bytes, key: rsa.PublicKey) -> bytes:
    """Pad `data` (144 bytes at most) by RSA_PAD and encrypt it for `key`."""
    padded = data + os.urandom(192 - len(data))
    while True:
        temporary = os.urandom(32)
        plain = padded[::-1] + sha256(temporary + padded).digest()
        encrypted = cryptg.encrypt_ige(plain, temporary, bytes(32))
        mask = sha256(encrypted).digest()
        number = int.from_bytes(bytes(a ^ b for a, b in zip(temporary, mask, strict=True)) + encrypted, "big")
        if number < key.n:
            return pow(number, key.e, key.n).to_bytes(256, "big")


def factorise(product: int) -> tuple[int, int]:
    """Return the two primes of a product of less than 64 bits, the smaller first, by Pollard's method.

    Raises SecurityError if they are not found soon: cryptg's function never returns for some numbers.
    """
    if 4 < product < 1 << 63:
        step, at, done = random.randrange(1, product), random.randrange(product), 0
        seen, look = at, 1
        while done < RIDDLE_STEPS:
            together = 1
            for _ in range(128):
                at = (at * at + step) % product
                together = together * (at - seen) % product
                done += 1
                if done == look:
                    seen, look = at, 2 * look
                    break
            factor = math.gcd(together, product)
            if factor == product:
                step, at = random.randrange(1, product), random.randrange(product)
            elif factor > 1:
                return min(factor, product // factor), max(factor, product // factor)
    raise SecurityError("key exchange: the server's number is not the product of two primes")


def _big(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _number(number: int) -> bytes:
    return cast(bytes, TLObject.serialize_bytes(_big(number)))
