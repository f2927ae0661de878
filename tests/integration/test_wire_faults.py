"""Scripted trouble as a client meets it: floods, lost answers, cut connections, restarts, old salts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import telethon.errors
from telethon.tl import functions, types

from tests.fakes import HANG
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.peers import Account

from .conftest import Make

ME = functions.users.GetUsersRequest([types.InputUserSelf()])
KIB, MIB = 1024, 1024 * 1024


def part(file_id: int = 1, number: int = 0, size: int = 512 * KIB, total: int = 4) -> Any:
    return functions.upload.SaveBigFilePartRequest(file_id, number, total, bytes(range(256)) * (size // 256))


def begin(call: Any) -> asyncio.Task[Any]:
    """Start a call at once, so that it is sent before the next one."""
    return asyncio.Task(call, loop=asyncio.get_running_loop(), eager_start=True)


class Hands:
    """A clock for the world that only moves by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def slow_tg(hands: Hands) -> AsyncIterator[TelegramServer]:
    async with TelegramServer(World(now=hands)) as server:
        yield server


async def test_a_flood_lasts_as_long_as_it_said(
    slow_tg: TelegramServer, hands: Hands, telethon_client: Make
) -> None:
    alice = slow_tg.world.peers.add_account("Alice")
    client = await telethon_client(slow_tg, alice)

    async def ask() -> Any:
        # Telethon remembers floods by itself; the server is to be heard, not Telethon's memory.
        client._flood_waited_requests.clear()
        return await client(ME)

    slow_tg.faults.add(Fault("users.getUsers", "flood", seconds=30))
    with pytest.raises(telethon.errors.FloodWaitError) as caught:
        await ask()
    assert caught.value.seconds == 30
    hands.now += 29.5
    with pytest.raises(telethon.errors.FloodWaitError) as caught:
        await ask()
    assert caught.value.seconds == 1
    assert slow_tg.faults.violations == [(alice.id, "users.getUsers", 0.5)]
    assert await client(functions.help.GetConfigRequest())
    hands.now += 0.5
    assert (await ask())[0].id == alice.id
    assert len(slow_tg.faults.violations) == 1


async def test_an_error_on_the_second_call_only(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    tg.faults.add(Fault("users.getUsers", code=400, message="TEST_ERROR", skip=1))
    await client(ME)
    with pytest.raises(telethon.errors.BadRequestError, match="TEST_ERROR"):
        await client(ME)
    await client(ME)
    assert tg.log.errors["TEST_ERROR"] == 1


@pytest.mark.parametrize("action", ["apply-cut", "apply-half"])
async def test_an_applied_request_whose_answer_is_lost(
    tg: TelegramServer, account: Account, telethon_client: Make, action: str
) -> None:
    client = await telethon_client(tg, account)
    fault = tg.faults.add(Fault("upload.saveBigFilePart", action))
    # Telethon connects anew and sends the same request again, under another message id.
    assert await client(part())
    assert fault.hits == 1
    assert tg.log.count("upload.saveBigFilePart") == 2
    assert tg.log.uploads[1].seen[0] == 2


async def test_a_request_cut_before_it_was_executed(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    tg.faults.add(Fault("upload.saveBigFilePart", "cut"))
    assert await client(part())
    assert tg.log.count("upload.saveBigFilePart") == 1


async def test_a_part_cut_on_its_way(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    client = await telethon_client(tg, account)
    fault = tg.faults.add(Fault("upload.saveBigFilePart", "cut-part"))
    # Random bytes: what compresses well would not fill a packet.
    content = tg.world.files.generated(512 * KIB, 3).read(0, 512 * KIB)
    tg.network.upload = 10 * MIB
    assert await client(functions.upload.SaveBigFilePartRequest(1, 0, 4, content))
    assert fault.hits == 1
    assert tg.log.count("upload.saveBigFilePart") == 1


async def test_transport_errors(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    client = await telethon_client(tg, account)
    flooded = tg.faults.add(Fault("users.getUsers", "refuse", code=-429))
    # Telethon gives up at once only if the transport's own length is the error; this one it survives.
    assert (await client(ME))[0].id == account.id
    assert flooded.hits == 1
    tg.faults.add(Fault("users.getUsers", "refuse", code=-404))
    with pytest.raises(telethon.errors.AuthKeyNotFound):
        await client(ME)


async def test_silence_and_a_second_answer(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    tg.faults.add(Fault("users.getUsers", "apply-silent"))
    tg.faults.add(Fault("users.getUsers", "twice"))
    unanswered = begin(client(ME))
    assert (await client(ME))[0].id == account.id
    assert (await client(ME))[0].id == account.id
    assert not unanswered.done()
    unanswered.cancel()


async def test_a_slow_answer_does_not_hold_up_the_others(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    tg.faults.add(Fault("users.getUsers", "delay", seconds=HANG))
    slow = begin(client(ME))
    await client(functions.help.GetConfigRequest())
    assert not slow.done()
    slow.cancel()
    tg.faults.add(Fault("users.getUsers", "delay", seconds=0.01))
    assert (await client(ME))[0].id == account.id


async def test_bandwidth_and_latency(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    client = await telethon_client(tg, account)
    loop = asyncio.get_running_loop()

    async def seconds(request: Any) -> float:
        began = loop.time()
        await client(request)
        return loop.time() - began

    tg.network.latency = 0.1
    assert await seconds(functions.help.GetConfigRequest()) >= 0.1
    tg.network.latency = 0
    stored = tg.world.files.add_document(tg.world.files.generated(512 * KIB, 1))
    shown = tg.world.files.document(stored, account.id)
    where = types.InputDocumentFileLocation(shown.id, shown.access_hash, shown.file_reference, "")
    tg.network.download = 2 * MIB
    assert await seconds(functions.upload.GetFileRequest(where, 0, 512 * KIB)) >= 0.2
    tg.network.download = 0
    tg.network.upload = 2 * MIB
    content = tg.world.files.generated(512 * KIB, 3).read(0, 512 * KIB)
    upload = functions.upload.SaveBigFilePartRequest
    both = await seconds(upload(1, 0, 4, content)) + await seconds(upload(1, 1, 4, content))
    assert both >= 0.2


async def test_all_connections_are_cut_and_come_back(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    assert tg.cut(account) == 1
    assert (await client(ME))[0].id == account.id


async def test_a_restart_keeps_ports_keys_and_logins(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    before = tg.address(2)
    await tg.stop()
    await tg.start()
    assert tg.address(2) == before
    assert (await client(ME))[0].id == account.id


async def test_a_restart_that_loses_the_keys(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    key = tg.authorise(account)
    await tg.stop(keep_keys=False)
    await tg.start()
    with pytest.raises(telethon.errors.AuthKeyNotFound):
        await telethon_client(tg, account, key=key)


async def test_keys_in_a_file_outlive_the_server(tmp_path: Path, telethon_client: Make) -> None:
    file = tmp_path / "keys.json"
    async with TelegramServer(World(), keys_file=file) as first:
        key = first.authorise(first.world.peers.add_account("Alice", id=5))
    world = World()
    world.peers.add_account("Alice", id=5)
    async with TelegramServer(world, keys_file=file) as second:
        client = await telethon_client(second, key=key)
        assert (await client(ME))[0].id == 5
        await client.disconnect()


async def test_old_salts_are_replaced(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    client = await telethon_client(tg, account)
    tg.rotate_salts()
    assert (await client(ME))[0].id == account.id


@pytest.mark.parametrize(
    ("fields", "request_", "error"),
    [
        ({"frozen": True}, "send", "FROZEN_METHOD_INVALID"),
        ({"spam_limited": True}, "send", "PEER_FLOOD"),
        ({"frozen": True}, "read", None),
        ({"spam_limited": True}, "read", None),
    ],
)
async def test_limited_accounts(
    tg: TelegramServer, telethon_client: Make, fields: dict[str, bool], request_: str, error: str | None
) -> None:
    client = await telethon_client(tg, tg.world.peers.add_account("Eve", **fields))
    message = functions.messages.SendMessageRequest(types.InputPeerSelf(), "hello", random_id=1)
    if error is None:
        await client(ME if request_ == "read" else message)
        return
    with pytest.raises(telethon.errors.RPCError):
        await client(message)
    assert tg.log.errors[error] >= 1


async def test_pushes_go_to_the_other_sessions(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    first = await telethon_client(tg, account)
    second = await telethon_client(tg, account)
    silent = await telethon_client(tg, account, receive_updates=False)
    heard: dict[str, list[Any]] = {"first": [], "second": [], "silent": []}
    arrived = asyncio.Event()

    def listener(name: str) -> Any:
        async def listen(update: Any) -> None:
            heard[name].append(update)
            arrived.set()

        return listen

    for name, client in (("first", first), ("second", second), ("silent", silent)):
        client.add_event_handler(listener(name), telethon.events.Raw(types.UpdateUserTyping))
    (session_id,) = {
        s.id for k in tg.keys for s in k.sessions.values() if k.key == first.session.auth_key.key
    }
    update = types.UpdateShort(
        types.UpdateUserTyping(account.id, types.SendMessageTypingAction()),
        datetime.fromtimestamp(int(tg.world.now()), UTC),
    )
    tg.push(account.id, update, except_session=session_id)
    await asyncio.wait_for(arrived.wait(), HANG)
    for client in (first, second, silent):
        await client(ME)
    assert {name: len(updates) for name, updates in heard.items()} == {"first": 0, "second": 1, "silent": 0}
