"""The exchange with keys that are handed in, against the local Telegram's half, message by message."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from telethon.errors import SecurityError
from telethon.tl import types

from tests.telegram.mtproto.keyexchange import DH_PRIME, KeyExchange
from tests.telegram.mtproto.rsakey import CDN_KEY_FILE, ServerKey
from tests.telegram.mtproto.tl import decode
from tgstreamd.telegram.key_exchange import Keys, UnknownKeyError, exchange, factorise, load_keys

CDN, OTHER = ServerKey.load(CDN_KEY_FILE), ServerKey.load()
TRUSTED = load_keys([CDN.public_key_pem])


class Line:
    """A wire to a server in this process; `spoil` sees each answer before we do."""

    def __init__(self, key: ServerKey = CDN, spoil: Callable[[Any], Any] = lambda answer: answer) -> None:
        self.server = KeyExchange(key, server_time=time.time)
        self._spoil = spoil

    async def ask(self, request: Any) -> Any:
        return self._spoil(decode(self.server.receive(bytes(request))))


async def made(line: Line, keys: Keys = TRUSTED) -> bytes:
    return await exchange(line, keys, 203)  # type: ignore[arg-type]  # it asks, and that is all


async def test_both_sides_have_the_same_key() -> None:
    line = Line()
    secret = await made(line)
    assert line.server.finished is not None
    assert secret == line.server.finished.padded
    assert line.server.finished.dc_id == 203


async def test_a_secret_is_never_one_that_is_spelt_in_two_ways() -> None:
    """About one in 256 would begin with a zero byte, which some ends drop."""
    for _ in range(3):
        assert (await made(Line()))[0] != 0


async def test_a_server_with_another_key_is_refused() -> None:
    with pytest.raises(UnknownKeyError):
        await made(Line(OTHER))
    with pytest.raises(UnknownKeyError):
        await made(Line(), {})


def changed(kind: type, **fields: Any) -> Callable[[Any], Any]:
    def spoil(answer: Any) -> Any:
        if isinstance(answer, kind):
            for name, value in fields.items():
                setattr(answer, name, value)
        return answer

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        changed(types.ResPQ, nonce=5),
        changed(types.ResPQ, pq=(2**61 - 1).to_bytes(8, "big")),
        changed(types.ResPQ, pq=b""),
        changed(types.ResPQ, pq=b"\xff" * 200),
        changed(types.ServerDHParamsOk, nonce=5),
        changed(types.ServerDHParamsOk, server_nonce=5),
        changed(types.ServerDHParamsOk, encrypted_answer=bytes(592)),
        changed(types.ServerDHParamsOk, encrypted_answer=bytes(7)),
        changed(types.DhGenOk, new_nonce_hash1=5),
        changed(types.DhGenOk, server_nonce=5),
        lambda answer: types.DhGenFail(1, 2, 3) if isinstance(answer, types.DhGenOk) else answer,
        lambda answer: types.Pong(1, 2),
    ],
)
async def test_what_does_not_add_up_is_refused(spoil: Callable[[Any], Any]) -> None:
    with pytest.raises((SecurityError, ValueError, RuntimeError)):
        await made(Line(spoil=spoil))


def test_keys_that_cannot_be_read_are_left_out() -> None:
    found = load_keys(["nonsense", "", CDN.public_key_pem, CDN.public_key_pem[:200]])
    assert set(found) == {CDN.fingerprint}
    assert found[CDN.fingerprint].n == CDN.n


@pytest.mark.parametrize(("p", "q"), [(2147483489, 2147483647), (0x494C553B, 0x53911073), (3, 1000003)])
def test_two_primes_are_found(p: int, q: int) -> None:
    assert factorise(p * q) == (p, q)


@pytest.mark.parametrize("number", [0, 1, 2, 2147483647, 2**61 - 1, DH_PRIME])
def test_a_riddle_without_an_answer_is_given_up(number: int) -> None:
    """A server may not keep us: cryptg's function never comes back from a prime."""
    with pytest.raises(SecurityError):
        factorise(number)
