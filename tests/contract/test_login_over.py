"""Logins that ended or never were, and settings that cannot connect: what the ports raise."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes import HANG, FakeClock
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import ConfigError, NotAuthorised
from tgstreamd.telegram.client import Client
from tgstreamd.telegram.connect import Connection, connect
from tgstreamd.telegram.keepalive import LOOK
from tgstreamd.telegram.settings import Settings

from .conftest import Connect, log_in, settings_for
from .trouble import Hurried, open_client


async def test_an_ended_login(tg: TelegramServer, me: Account, source: Chat, connected: Connect) -> None:
    connection = await connected()
    await connection.source.chat(source.marked_id)
    tg.revoke(me)
    with pytest.raises(NotAuthorised, match="ended from another device"):
        await connection.source.chat(source.marked_id)
    # Whoever waits for a push learns of it too.
    with pytest.raises(NotAuthorised):
        await pushes_for_ever(connection)
    assert not connection.connected


async def test_a_login_that_ended_while_nobody_asked(
    tg: TelegramServer, me: Account, source: Chat, connected: Connect
) -> None:
    connection = await connected()
    tg.revoke(me)
    tg.cut()
    with pytest.raises(NotAuthorised):
        await pushes_for_ever(connection)


async def pushes_for_ever(connection: Connection) -> None:
    async with asyncio.timeout(HANG):
        while True:
            await connection.source.pushed()


async def test_nobody_is_logged_in(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    with pytest.raises(NotAuthorised, match="logged in"):
        await connect(settings_for(tg, tmp_path / "none"), tries=1)
    path = tmp_path / "session"
    log_in(tg, me, path)
    tg.revoke(me)
    with pytest.raises(NotAuthorised):
        await connect(settings_for(tg, path), tries=1)


async def test_a_key_that_telegram_forgot(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    path = tmp_path / "session"
    log_in(tg, me, path)
    tg.forget_keys()
    with pytest.raises(NotAuthorised, match="does not know the key"):
        await connect(settings_for(tg, path), clock=Hurried(), tries=9)


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        (401, "SESSION_REVOKED", "ended from another device"),
        (401, "AUTH_KEY_UNREGISTERED", "not logged in"),
        (406, "AUTH_KEY_DUPLICATED", "used from two places at once"),
        (401, "USER_DEACTIVATED_BAN", "banned"),
    ],
)
async def test_a_login_that_ended_is_noticed_though_nobody_asks(
    tg: TelegramServer, me: Account, tmp_path: Path, code: int, name: str, words: str
) -> None:
    """Within 30 s, by the keep-alive's own answer: no push tells it, and a pong comes all the same."""
    clock = FakeClock()
    client = await open_client(tg, me, tmp_path, clock)
    tg.faults.add(Fault(None, code=code, message=name, times=None, account=me.id))
    waiting = asyncio.ensure_future(updates_for_ever(client))
    began = clock.monotonic()
    while not waiting.done():
        await clock.parked(1)
        clock.advance(LOOK)
        # Until what it asked is answered: it looks again later, or has ended.
        parked = asyncio.ensure_future(clock.parked(1))
        await asyncio.wait({waiting, parked}, return_when=asyncio.FIRST_COMPLETED)
        parked.cancel()
    with pytest.raises(NotAuthorised, match=words):
        await waiting
    assert clock.monotonic() - began <= 30
    await client.close()


async def updates_for_ever(client: Client) -> None:
    while True:
        await client.next_update()


@pytest.mark.parametrize("name", ["FLOOD_WAIT_45", "FROZEN_METHOD_INVALID"])
async def test_what_may_not_be_asked_is_not_asked_again(
    tg: TelegramServer, me: Account, tmp_path: Path, name: str
) -> None:
    """A sign of life does until the wait is over; for a frozen account for ever. Nothing is replaced."""
    clock = FakeClock()
    # Telegram's time passes with ours: message ids from its future would be refused again and again.
    tg.wall = clock.now
    client = await open_client(tg, me, tmp_path, clock)
    tg.faults.add(Fault("updates.getState", code=420, message=name))
    asked = []
    for _ in range(12):
        await clock.parked(1)
        clock.advance(LOOK)
        await clock.parked(1)
        asked.append(tg.log.count("updates.getState"))
    assert client.connected
    assert len(tg.connections) == 1
    assert asked[5] == 1
    assert (asked[-1] > 1) is name.startswith("FLOOD")
    await client.close()


@pytest.mark.parametrize(
    ("proxy", "what"),
    [
        ("socks5//host", "kind"),
        ("mtproxy://h:1", "kind"),
        ("socks5://", "host"),
        ("socks5://h:99999", "parsed"),
    ],
)
async def test_a_proxy_that_cannot_be_parsed(
    tg: TelegramServer, me: Account, tmp_path: Path, proxy: str, what: str
) -> None:
    log_in(tg, me, tmp_path / "session")
    with pytest.raises(ConfigError, match=what):
        await connect(settings_for(tg, tmp_path / "session", proxy=proxy), tries=1)


async def test_a_key_that_is_none(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    log_in(tg, me, tmp_path / "session")
    good = settings_for(tg, tmp_path / "session")
    assert good.server is not None
    server = type(good.server)(dc_id=2, address="127.0.0.1", port=1, public_key="not a key")
    with pytest.raises(ConfigError, match="public key"):
        await connect(Settings(api_id=1, api_hash="x", session=tmp_path / "session", server=server), tries=1)
