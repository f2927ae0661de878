"""The Diffie-Hellman exchange that makes an authorisation key, server side. Sans-IO, one per connection.

Takes the plain messages of a client in their order and answers each; ends with the key. Refuses what
Telegram refuses: other nonces, a wrong factorisation, values outside the safe range
(https://core.telegram.org/mtproto/auth_key).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from hashlib import sha1
from typing import Any

from .crypto import handshake_aes, ige_decrypt, ige_encrypt
from .rsakey import ServerKey
from .tl import BadObject, decode, functions, types

#: The prime that Telegram's servers use and that clients know by heart, with its generator.
DH_PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F48198A0AA7C14058229493D22530F4DB"
    "FA336F6E0AC925139543AED44CCE7C3720FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4A4A695811051907E162753B56B0F6B41"
    "0DBA74D8A84B2A14B3144E0EF1284754FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F0D8115F635B105EE2E4E15D04B2454BF"
    "6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
G = 3
_SAFE = 1 << (2048 - 64)

#: Primes just below 2^31: their products have 62 bits, so the top bit is never set.
_PRIMES = (
    2147483647, 2147483629, 2147483587, 2147483579, 2147483563, 2147483549, 2147483543,
    2147483497, 2147483489, 2147483477, 2147483423, 2147483399, 2147483353, 2147483323,
)  # fmt: skip


class ExchangeFailed(Exception):
    """The client's messages do not add up. `code` is the transport error to answer with."""

    code = -404


class NewKey:
    """The result: the shared secret as the number's shortest bytes and as 256 bytes, and what was said."""

    def __init__(self, secret: int, dc_id: int | None, salt: int) -> None:
        self.padded = secret.to_bytes(256, "big")
        self.stripped = self.padded.lstrip(b"\0")
        self.dc_id = dc_id
        self.salt = salt


class KeyExchange:
    """One exchange. `exponent()` makes the server's secret; tests inject their own."""

    def __init__(
        self,
        key: ServerKey,
        *,
        server_time: Callable[[], float],
        exponent: Callable[[], int] = lambda: int.from_bytes(os.urandom(256), "big"),
    ) -> None:
        self._key = key
        self._server_time = server_time
        self._exponent = exponent
        self._nonce = 0
        self._server_nonce = 0
        self._new_nonce = b""
        self._p = self._q = 0
        self._a = 0
        self._dc_id: int | None = None
        self.finished: NewKey | None = None

    def receive(self, body: bytes) -> bytes:
        """The answer to one plain message."""
        try:
            request = decode(body)
        except BadObject as error:
            raise ExchangeFailed(str(error)) from error
        if isinstance(request, functions.ReqPqRequest | functions.ReqPqMultiRequest):
            return bytes(self._req_pq(request))
        if isinstance(request, functions.ReqDHParamsRequest):
            return bytes(self._req_dh(request))
        if isinstance(request, functions.SetClientDHParamsRequest):
            return bytes(self._set_client_dh(request))
        raise ExchangeFailed(f"{type(request).__name__} before there is a key")

    def _req_pq(self, request: Any) -> Any:
        self._nonce = request.nonce
        self._server_nonce = int.from_bytes(os.urandom(16), "little", signed=True)
        self._p, self._q = sorted(random.sample(_PRIMES, 2))
        return types.ResPQ(
            self._nonce,
            self._server_nonce,
            (self._p * self._q).to_bytes(8, "big"),
            [self._key.fingerprint],
        )

    def _req_dh(self, request: Any) -> Any:
        self._same_nonces(request)
        p, q = (int.from_bytes(x, "big") for x in (request.p, request.q))
        if (p, q) != (self._p, self._q) or request.public_key_fingerprint != self._key.fingerprint:
            raise ExchangeFailed("wrong factors or another key")
        plain = self._key.decrypt(request.encrypted_data)
        if plain is None:
            raise ExchangeFailed("the encrypted nonce has neither padding")
        try:
            inner = decode(plain)
        except BadObject as error:
            raise ExchangeFailed(str(error)) from error
        # The two *_temp constructors, for perfect forward secrecy, are not among this server's abilities.
        if not isinstance(inner, types.PQInnerData | types.PQInnerDataDc):
            raise ExchangeFailed(f"{type(inner).__name__} is not supported")
        self._same_nonces(inner)
        if int.from_bytes(inner.pq, "big") != p * q:
            raise ExchangeFailed("another pq")
        self._dc_id = getattr(inner, "dc", None)
        self._new_nonce = inner.new_nonce.to_bytes(32, "little", signed=True)

        while True:
            self._a = self._exponent()
            g_a = pow(G, self._a, DH_PRIME)
            if _SAFE <= g_a <= DH_PRIME - _SAFE:
                break
        answer = bytes(
            types.ServerDHInnerData(
                self._nonce,
                self._server_nonce,
                G,
                DH_PRIME.to_bytes(256, "big"),
                g_a.to_bytes(256, "big"),
                int(self._server_time()),
            )
        )
        plain = sha1(answer).digest() + answer
        plain += os.urandom(-len(plain) % 16)
        return types.ServerDHParamsOk(self._nonce, self._server_nonce, ige_encrypt(plain, *self._aes()))

    def _set_client_dh(self, request: Any) -> Any:
        self._same_nonces(request)
        if not self._new_nonce or len(request.encrypted_data) % 16:
            raise ExchangeFailed("out of order")
        plain = ige_decrypt(request.encrypted_data, *self._aes())
        try:
            inner = decode(plain[20:])
        except BadObject as error:
            raise ExchangeFailed(str(error)) from error
        if not isinstance(inner, types.ClientDHInnerData) or sha1(bytes(inner)).digest() != plain[:20]:
            raise ExchangeFailed("client_DH_inner_data does not have its hash")
        self._same_nonces(inner)
        g_b = int.from_bytes(inner.g_b, "big")
        if not _SAFE <= g_b <= DH_PRIME - _SAFE:
            raise ExchangeFailed("g_b outside the safe range")
        salt = bytes(x ^ y for x, y in zip(self._new_nonce[:8], self._server_nonce_bytes()[:8], strict=True))
        key = NewKey(pow(g_b, self._a, DH_PRIME), self._dc_id, int.from_bytes(salt, "little", signed=True))
        self.finished = key
        # Of the clients known here, those that check this hash are those that strip (see Keyring.add).
        aux = sha1(key.stripped).digest()[:8]
        hash1 = sha1(self._new_nonce + b"\x01" + aux).digest()[4:20]
        return types.DhGenOk(self._nonce, self._server_nonce, int.from_bytes(hash1, "little", signed=True))

    def _same_nonces(self, message: Any) -> None:
        if message.nonce != self._nonce or message.server_nonce != self._server_nonce or not self._p:
            raise ExchangeFailed("another nonce")

    def _server_nonce_bytes(self) -> bytes:
        return self._server_nonce.to_bytes(16, "little", signed=True)

    def _aes(self) -> tuple[bytes, bytes]:
        return handshake_aes(self._new_nonce, self._server_nonce_bytes())
