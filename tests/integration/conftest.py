"""Fixtures of the conversation tests: a server for each test, and clients that are closed at its end."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.peers import Account

from . import clients
from .mtcute import Line, MtcuteClient, MtcuteSpeaker, Program
from .speakers import Speaker

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
async def tg() -> AsyncIterator[TelegramServer]:
    """A running server with an empty world; the test fails if the server had a bug of its own."""
    async with TelegramServer(World()) as server:
        yield server
    if server.bugs:
        raise server.bugs[0]


@pytest.fixture
def account(tg: TelegramServer) -> Account:
    """Somebody to log in as."""
    return tg.world.peers.add_account("Alice", last_name="Adams", phone="+10000000001", username="alice")


@pytest.fixture
async def telethon_client() -> AsyncIterator[Make]:
    """`await telethon_client(tg, account)`: a connected Telethon client (see clients.py for the options)."""
    made: list[Any] = []

    async def make(tg: TelegramServer, account: Account | None = None, **options: Any) -> Any:
        client = clients.telethon_client(tg, account, **options)
        made.append(client)
        await client.connect()
        return client

    yield make
    for client in made:
        await client.disconnect()


@pytest.fixture
async def kurigram_client() -> AsyncIterator[Make]:
    """`await kurigram_client(tg, account)`: a started kurigram client; without an account only connected."""
    made: list[Any] = []

    async def make(tg: TelegramServer, account: Account | None = None, **options: Any) -> Any:
        client = clients.kurigram_client(tg, account, **options)
        made.append(client)
        if account is None and options.get("key") is None:
            await client.connect()
        else:
            await client.start()
        return client

    yield make
    for client in made:
        # What a test has stopped or never got going is no business of the clean-up.
        with contextlib.suppress(ConnectionError):
            if client.is_initialized:
                await client.stop()
            elif client.is_connected:
                await client.disconnect()


@pytest.fixture(scope="session")
def node() -> Iterator[Program]:
    """The process that mtcute runs in, one for all tests."""
    program = Program()
    yield program
    program.close()


@pytest.fixture
async def mtcute_client(node: Program) -> AsyncIterator[Make]:
    """`await mtcute_client(tg, account)`: a connected mtcute client; without an account only connected."""
    line = await Line.open(node)
    made = itertools.count(1)

    async def make(tg: TelegramServer, account: Account | None = None, **options: Any) -> MtcuteClient:
        client = MtcuteClient(line, f"client {next(made)}")
        await client.connect(tg, account, **options)
        return client

    yield make
    await line.close()


@pytest.fixture(params=["telethon", "kurigram", pytest.param("mtcute", marks=pytest.mark.third_client)])
def speak(request: pytest.FixtureRequest, tg: TelegramServer) -> Callable[[Account], Awaitable[Speaker]]:
    """`await speak(account)`: the account's voice (speakers.py), through one library after the other."""
    make: Make = request.getfixturevalue(f"{request.param}_client")

    async def begin(account: Account) -> Speaker:
        if request.param == "mtcute":
            # By itself it would wait for floods, and repeat what the server failed in.
            return await MtcuteSpeaker.begin(tg, account, await make(tg, account, patient=False))
        options = {"request_retries": 0} if request.param == "telethon" else {}
        speaker = Speaker(tg, account, await make(tg, account, **options))
        speaker.listen()
        return speaker

    return begin
