"""Logging in and out against the local Telegram, as the verbs do it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import NotAuthorised, Rejected
from tgstreamd.telegram.connect import connect
from tgstreamd.telegram.login import begin, logout
from tgstreamd.telegram.session import StoredSession, to_string

from .conftest import log_in, settings_for

Ask = Callable[[str, str], Awaitable[str]]


def says(*answers: str) -> tuple[Ask, list[str]]:
    """A person who gives these answers in turn, and the reasons for which they were asked."""
    reasons: list[str] = []

    async def ask(why: str, told: str) -> str:
        reasons.append(why)
        return answers[len(reasons) - 1]

    return ask, reasons


def somebody(tg: TelegramServer, **fields: Any) -> Account:
    return tg.world.peers.add_account("Bob", **({"phone": "+10000000009", "code": "12345"} | fields))


@pytest.mark.parametrize("home_dc", [2, 4])
async def test_by_code(tg: TelegramServer, tmp_path: Path, home_dc: int) -> None:
    bob = somebody(tg, home_dc=home_dc)
    path = tmp_path / "session"
    phone, _ = says("+1 000 000 0009")
    code, reasons = says("00000", " 12 345 ")
    async with begin(settings_for(tg, path)) as login:
        account = await login.by_code(phone, code, says()[0])
    assert (account.id, account.name) == (bob.id, "Bob")
    assert reasons == ["", "that is not the code"]
    assert path.stat().st_mode & 0o777 == 0o600
    stored = StoredSession.load(path)
    assert stored.dc_id == home_dc
    assert [key.dc_id for key in tg.keys.of_account(bob.id)] == [home_dc]
    # The configured server is data centre 2; the account's own is where it sent us.
    connection = await connect(settings_for(tg, path), tries=1)
    assert (await connection.account()).id == bob.id
    await connection.close()


async def test_with_a_password(tg: TelegramServer, tmp_path: Path) -> None:
    somebody(tg, password="correct horse", password_hint="a battery")
    path = tmp_path / "session"
    told: list[str] = []
    answers, reasons = says("battery staple", "correct horse")

    async def password(why: str, hint: str) -> str:
        told.append(hint)
        return await answers(why, hint)

    async with begin(settings_for(tg, path)) as login:
        await login.by_code(says("10000000009")[0], says("12345")[0], password)
    assert reasons == ["", "that is not the password"]
    assert told == ["a battery", "a battery"]
    connection = await connect(settings_for(tg, path), tries=1)
    assert (await connection.account()).name == "Bob"
    await connection.close()


async def test_three_wrong_codes_end_it_and_keep_the_old_login(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    somebody(tg)
    path = tmp_path / "session"
    log_in(tg, me, path)
    before = path.read_bytes()
    async with begin(settings_for(tg, path)) as login:
        with pytest.raises(NotAuthorised, match="not the code, 3 times"):
            await login.by_code(says("10000000009")[0], says("1", "2", "3")[0], says()[0])
    assert path.read_bytes() == before


async def test_a_number_without_an_account(tg: TelegramServer, tmp_path: Path) -> None:
    async with begin(settings_for(tg, tmp_path / "session")) as login:
        with pytest.raises(Rejected, match="no Telegram account"):
            await login.by_code(says("19999999999")[0], says("00000")[0], says()[0])


@pytest.mark.parametrize(("home_dc", "password"), [(2, None), (2, "secret"), (4, None), (4, "secret")])
async def test_by_qr(tg: TelegramServer, tmp_path: Path, home_dc: int, password: str | None) -> None:
    bob = somebody(tg, home_dc=home_dc, password=password)
    shown: list[str] = []
    drawn = asyncio.Event()

    def show(url: str) -> None:
        shown.append(url)
        drawn.set()

    async def scan() -> None:
        await drawn.wait()
        token = shown[-1].removeprefix("tg://login?token=")
        tg.logins.accept(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), bob)

    path = tmp_path / "session"
    async with asyncio.timeout(HANG), begin(settings_for(tg, path)) as login:
        scanning = asyncio.create_task(scan())
        account = await login.by_qr(show, says("secret")[0])
        await scanning
    assert account.id == bob.id
    assert StoredSession.load(path).dc_id == home_dc


async def test_a_qr_code_that_expires_is_drawn_again(tg: TelegramServer, tmp_path: Path) -> None:
    bob = somebody(tg)
    tg.logins.token_lifetime = 0.5
    shown: list[str] = []
    again = asyncio.Event()

    def show(url: str) -> None:
        shown.append(url)
        if len(shown) == 2:
            tg.logins.token_lifetime = 30
        if len(shown) == 3:
            again.set()

    async def scan() -> None:
        await again.wait()
        token = shown[-1].removeprefix("tg://login?token=")
        tg.logins.accept(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), bob)

    async with asyncio.timeout(HANG), begin(settings_for(tg, tmp_path / "session")) as login:
        tg.logins.token_lifetime = 0.1
        scanning = asyncio.create_task(scan())
        assert (await login.by_qr(show, says()[0])).id == bob.id
        await scanning
    assert len(set(shown)) == 3


async def test_logging_out(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    path = tmp_path / "session"
    log_in(tg, me, path)
    assert await logout(settings_for(tg, path))
    assert not path.exists()
    assert list(tg.keys.of_account(me.id)) == []
    assert not await logout(settings_for(tg, path))


async def test_a_string_session_is_a_login(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    log_in(tg, me, tmp_path / "elsewhere")
    string = to_string(StoredSession.load(tmp_path / "elsewhere"))
    path = tmp_path / "session"
    connection = await connect(settings_for(tg, path, session_string=string), tries=1)
    assert (await connection.account()).id == me.id
    await connection.close()
    assert StoredSession.load(path).has_key
