"""Fixtures of the contract tests: the adapter's own ports, connected to the local Telegram.

`tg` is the server, `me` the account that mirrors, `other` somebody who writes. The test fails if the server
had a bug of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from telethon.crypto import AuthKey

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Transient
from tgstreamd.telegram.connect import Connection, connect
from tgstreamd.telegram.session import StoredSession
from tgstreamd.telegram.settings import Server, Settings

API_ID, API_HASH = 12345, "0123456789abcdef0123456789abcdef"

Connect = Callable[..., Awaitable[Connection]]


def settings_for(tg: TelegramServer, session: Path, **options: Any) -> Settings:
    """Settings that lead to the local Telegram; `session` is a session file that may not exist yet."""
    host, port = tg.address(2)
    server = Server(dc_id=2, address=host, port=port, public_key=tg.public_key_pem)
    return Settings(api_id=API_ID, api_hash=API_HASH, session=session, server=server, **options)


def log_in(tg: TelegramServer, account: Account, session: Path) -> None:
    """Write a session file as a login would have left it."""
    key = tg.authorise(account, 2)
    stored = StoredSession(session)
    stored.set_dc(2, *tg.address(2))
    stored.auth_key = AuthKey(key.key)
    stored.save()


async def healed(connection: Connection) -> None:
    """Wait until calls go through again."""
    async with asyncio.timeout(HANG):
        while True:
            with contextlib.suppress(Transient):
                await connection.source.account()
                return


@pytest.fixture
async def tg() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(World()) as server:
        yield server
    if server.bugs:
        raise server.bugs[0]


@pytest.fixture
def me(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Mia", last_name="Mirror", phone="+10000000001", username="mia")


@pytest.fixture
def other(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Otto", last_name="Other", phone="+10000000002", username="otto")


@pytest.fixture
def source(tg: TelegramServer, me: Account, other: Account) -> Chat:
    """A supergroup of the other's, which the mirroring account is in."""
    return tg.world.chats.add_supergroup("Source", other, [me])


@pytest.fixture
def target(tg: TelegramServer, me: Account) -> Chat:
    """The mirroring account's own supergroup."""
    return tg.world.chats.add_supergroup("Target", me)


@pytest.fixture
async def connected(tg: TelegramServer, me: Account, tmp_path: Path) -> AsyncIterator[Connect]:
    """`await connected()`: the account, connected. Options go into the settings."""
    made: list[Connection] = []

    async def make(account: Account | None = None, *, tries: int = 3, **options: Any) -> Connection:
        session = tmp_path / f"session-{len(made)}"
        log_in(tg, account or me, session)
        connection = await connect(settings_for(tg, session, **options), tries=tries)
        made.append(connection)
        return connection

    yield make
    for connection in made:
        await connection.close()
