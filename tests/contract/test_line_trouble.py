"""The main connection without a network, silent, flooded or held still: how it heals, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import functions

from tests.fakes import HANG, FakeClock
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import FloodWait, TgstreamdError, Transient
from tgstreamd.telegram.client import Client
from tgstreamd.telegram.connect import connect
from tgstreamd.telegram.keepalive import LOOK
from tgstreamd.telegram.session import StoredSession

from .conftest import healed, log_in, settings_for
from .trouble import Hurried, fall_silent, open_client, speak_again, usable


async def test_no_network_at_start(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    path = tmp_path / "session"
    log_in(tg, me, path)
    settings = settings_for(tg, path)
    await tg.stop()
    waits: list[tuple[float, str]] = []

    def waiting(seconds: float, why: TgstreamdError) -> None:
        waits.append((seconds, str(why)))

    with pytest.raises(Transient, match="refused"):
        await connect(settings, clock=Hurried(), waiting=waiting, tries=4)
    assert len(waits) == 3
    assert "refused" in waits[0][1]
    await tg.start()
    connection = await connect(settings, tries=1)
    assert connection.connected
    await connection.close()


async def test_a_server_that_takes_the_connection_and_says_nothing(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    log_in(tg, me, tmp_path / "session")
    client = Client(
        settings_for(tg, tmp_path / "session"), StoredSession.load(tmp_path / "session"), clock=Hurried()
    )
    fall_silent(tg, client)
    reasons: list[str] = []

    def waiting(_seconds: float, why: TgstreamdError) -> None:
        reasons.append(str(why))
        speak_again(tg, client)

    await client.open(waiting=waiting, tries=2)
    assert reasons == ["connection: no answer in time"]
    await client.close()


async def test_a_flood_at_start_is_waited_out(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    log_in(tg, me, tmp_path / "session")
    tg.faults.add(Fault("users.getUsers", "error", code=420, message="FLOOD_WAIT_4000"))
    waits: list[float] = []

    def waiting(seconds: float, why: TgstreamdError) -> None:
        assert isinstance(why, FloodWait)
        waits.append(seconds)

    connection = await connect(
        settings_for(tg, tmp_path / "session"), clock=Hurried(), waiting=waiting, tries=2
    )
    # Told anew at least every 25 s, so that systemd can be.
    assert len(waits) == 160
    assert waits[0] == pytest.approx(4000, abs=1)
    await connection.close()


async def test_a_wire_that_went_silent_is_replaced(
    tg: TelegramServer, me: Account, source: Chat, tmp_path: Path
) -> None:
    clock = FakeClock()
    client = await open_client(tg, me, tmp_path, clock)
    (before,) = tg.connections
    fall_silent(tg, client)
    for _ in range(2):
        await clock.parked(1)
        assert client.connected
        clock.advance(LOOK)
    while before.key is not None and before in tg.connections:  # noqa: ASYNC110  # the set has no event
        await asyncio.sleep(0)
    speak_again(tg, client)
    await usable(client, clock)
    assert before not in tg.connections
    assert await client.call(functions.help.GetConfigRequest())
    await client.close()


async def test_a_ping_waits_for_a_connection(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    """Whoever goes by it has nothing to send meanwhile; the end of the login ends it too."""
    clock = FakeClock()
    client = await open_client(tg, me, tmp_path, clock)
    assert await client.ping() == 0
    client._wire.dead.set()
    waiting = asyncio.ensure_future(client.ping())
    async with asyncio.timeout(HANG):
        while not waiting.done():
            # It and the keeper of the connection.
            parked = asyncio.ensure_future(clock.parked(2))
            await asyncio.wait({waiting, parked}, return_when=asyncio.FIRST_COMPLETED)
            parked.cancel()
            clock.advance(1.0)
    assert await waiting > 0
    await client.close()
    with pytest.raises(Transient):
        await client.ping()


class Deaf(Client):
    """Its farewell swallows one cancellation, as Telethon's does at the wrong moment."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.leaving = asyncio.Event()

    async def _disconnect(self) -> None:
        if not self.leaving.is_set():
            self.leaving.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()
        await super()._disconnect()


async def test_closing_in_the_middle_of_a_farewell_ends(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    """A stop that meets a reconnect ends as any does (found by make chaos: it hung)."""
    client = await open_client(tg, me, tmp_path, kind=Deaf)
    assert isinstance(client, Deaf)
    # The connection is cut and cannot be made again: the keeper would try for ever.
    await tg.stop()
    await client.leaving.wait()
    async with asyncio.timeout(HANG):
        await client.close()


@pytest.mark.parametrize("step", [-3600.0, -120.0, 120.0, 3600.0])
async def test_a_wall_clock_that_is_set_breaks_neither_calls_nor_pushes(
    tg: TelegramServer, me: Account, source: Chat, other: Account, tmp_path: Path, step: float
) -> None:
    clock = FakeClock()
    client = await open_client(tg, me, tmp_path, clock)
    (before,) = tg.connections
    clock.step(step)
    assert await client.call(functions.help.GetConfigRequest(), timeout=HANG)
    while client.pushes.take() is not None:
        pass
    tg.world.chats.post(source, other, "a push")
    async with asyncio.timeout(HANG):
        assert "a push" in str(await client.next_update())
    assert {before} == tg.connections
    await client.close()


@pytest.mark.parametrize("held", [45.0, 280.0, 3600.0])
async def test_a_machine_whose_clocks_stood_still_connects_anew(
    tg: TelegramServer, me: Account, source: Chat, other: Account, tmp_path: Path, held: float, logs: Logs
) -> None:
    """As a virtual machine that was paused. Telegram does not say so; its messages do."""
    shift = [0.0]
    tg.wall = lambda: time.time() + shift[0]
    log_in(tg, me, tmp_path / "session")
    connection = await connect(settings_for(tg, tmp_path / "session"), tries=1)
    (before,) = tg.connections
    shift[0] = held
    async with asyncio.timeout(HANG):
        while before in tg.connections:
            tg.world.chats.post(source, other, "a push")
            await asyncio.sleep(0.01)
    await healed(connection)
    (lost,) = logs.of("connection to Telegram lost")
    assert "come from another time" in lost["why"]
    await connection.close()
