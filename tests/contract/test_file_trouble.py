"""File connections that are cut, rest, fall silent or lead elsewhere: how they heal."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from telethon.tl import functions

from tests.fakes import HANG, FakeClock
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Transient
from tgstreamd.domain.messages import PART_SIZE, Media, Upload
from tgstreamd.telegram.connect import Connection, connect
from tgstreamd.telegram.keepalive import LOOK

from .conftest import Connect, log_in, settings_for
from .trouble import CountingPool, fall_silent, media_of, open_client, speak_again, usable


@pytest.mark.parametrize("dc", [2, 4])
async def test_cut_file_connections_heal(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect, dc: int
) -> None:
    connection = await connected()
    media = await media_of(tg, connection, source, other, dc)
    tg.faults.add(Fault("upload.getFile", "cut", skip=2, times=3))

    async def until_it_comes(index: int) -> bytes:
        for _ in range(10):
            try:
                return await connection.source.part(media, index * PART_SIZE, PART_SIZE)
            except Transient:
                continue
        raise AssertionError("it never came")

    parts = await asyncio.gather(*(until_it_comes(n) for n in range(8)))
    assert [len(part) for part in parts] == [PART_SIZE] * 8
    assert connection.connected


async def test_a_part_that_telegram_refuses_to_keep(
    tg: TelegramServer, target: Chat, connected: Connect
) -> None:
    connection = await connected()
    upload = Upload(file_id=5, size=3 * PART_SIZE)
    tg.faults.add(Fault("upload.saveFilePart", "cut-part"))
    with pytest.raises(Transient):
        await connection.target.save_part(upload, 0, bytes(PART_SIZE))
    for index in range(3):
        await connection.target.save_part(upload, index, bytes(PART_SIZE))


async def test_parts_go_over_several_connections(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected(connections=3)
    media = await media_of(tg, connection, source, other, 4)
    await asyncio.gather(*(connection.source.part(media, n * PART_SIZE, PART_SIZE) for n in range(8)))
    assert sum(c.dc_id == 4 for c in tg.connections) == 3
    assert tg.log.count("auth.exportAuthorization") == 1


async def test_a_connection_that_rested_is_not_trusted(
    tg: TelegramServer, me: Account, source: Chat, other: Account, tmp_path: Path
) -> None:
    log_in(tg, me, tmp_path / "session")
    clock = FakeClock()
    connection = await connect(settings_for(tg, tmp_path / "session"), clock=clock, tries=1)
    media = await media_of(tg, connection, source, other, 4)
    assert await connection.source.part(media, 0, PART_SIZE)
    (first,) = [c for c in tg.connections if c.dc_id == 4]
    assert await connection.source.part(media, 0, PART_SIZE)
    assert [c for c in tg.connections if c.dc_id == 4] == [first]
    clock.advance(60)
    assert await connection.source.part(media, 0, PART_SIZE)
    async with asyncio.timeout(HANG):
        while first in tg.connections:  # noqa: ASYNC110  # the set has no event
            await asyncio.sleep(0)
    assert len([c for c in tg.connections if c.dc_id == 4]) == 1
    await connection.close()


async def test_a_file_that_lies_elsewhere_is_followed(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    media = await media_of(tg, connection, source, other, 4)
    wrong = Media(**{f: getattr(media, f) for f in media.__struct_fields__} | {"dc": 2})
    assert len(await connection.source.part(wrong, 0, PART_SIZE)) == PART_SIZE
    assert len(await connection.source.part(wrong, PART_SIZE, PART_SIZE)) == PART_SIZE


async def test_the_keys_of_other_centres_are_kept(
    tg: TelegramServer, me: Account, source: Chat, other: Account, tmp_path: Path
) -> None:
    path = tmp_path / "session"
    log_in(tg, me, path)
    for expected in (1, 1):
        connection = await connect(settings_for(tg, path), tries=1)
        media = await media_of(tg, connection, source, other, 4)
        assert await connection.source.part(media, 0, PART_SIZE)
        await connection.close()
        assert tg.log.count("auth.exportAuthorization") == expected
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_centre_that_forgot_its_key_is_asked_anew(
    tg: TelegramServer, me: Account, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    media = await media_of(tg, connection, source, other, 4)
    assert await connection.source.part(media, 0, PART_SIZE)
    for key in list(tg.keys):
        if key.dc_id == 4:
            tg.keys.remove(key)
    tg.cut(dc_id=4)
    for _ in range(4):
        try:
            assert await connection.source.part(media, 0, PART_SIZE)
            break
        except Transient:
            continue
    else:
        pytest.fail("it never came")


async def test_closing_in_the_middle_of_a_transfer_is_quick(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    media = await media_of(tg, connection, source, other, 4)
    await connection.source.part(media, 0, PART_SIZE)
    silent = [
        tg.faults.add(Fault(method, "ignore", times=None))
        for method in ("upload.getFile", "upload.saveFilePart")
    ]
    upload = Upload(file_id=5, size=8 * PART_SIZE)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(transferred(connection, media, upload, index)) for index in range(8)]
        # While nobody knows how fast the line is, one part goes up, and the others wait behind it.
        while not all(fault.hits for fault in silent):  # noqa: ASYNC110  # a fault has no event
            await asyncio.sleep(0)
        # Each call would wait for its answer for a minute.
        async with asyncio.timeout(30):
            await connection.close()
        for task in tasks:
            task.cancel()


async def transferred(connection: Connection, media: Media, upload: Upload, index: int) -> None:
    with pytest.raises(Transient):
        await asyncio.gather(
            connection.source.part(media, index * PART_SIZE, PART_SIZE),
            connection.target.save_part(upload, index, bytes(PART_SIZE)),
        )


async def test_a_line_that_went_silent_takes_the_file_connections_along(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    """What the main connection notices holds for them too, so that transfers go on with the line."""
    clock = FakeClock()
    client = await open_client(tg, me, tmp_path, clock)
    pool = CountingPool(client, 2)
    request = functions.help.GetConfigRequest()
    await pool.call(2, "down", request)
    fall_silent(tg, client, pool)
    async with asyncio.timeout(HANG):
        waiting = asyncio.ensure_future(pool.call(2, "down", request))
        for _ in range(2):
            await clock.parked(1)
            clock.advance(LOOK)
        with pytest.raises(Transient):
            await waiting
    # The attempt that had begun in the silence ends, and the next one waits for its turn.
    speak_again(tg, client, pool)
    await usable(client, clock)
    assert await pool.call(2, "down", request)
    await pool.close()
    await client.close()


class Parts:
    """Connections over the same line, on which parts move or do not."""

    def __init__(self) -> None:
        self.move = True
        self.doubted = asyncio.Event()

    def busy(self) -> Callable[[], bool]:
        return lambda: self.move

    def doubt_all(self) -> None:
        self.doubted.set()


async def test_a_line_full_of_our_own_parts_is_not_taken_for_dead(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    """As long as those move that were there before the question; then it is noticed as ever."""
    clock = FakeClock()
    client = await open_client(tg, me, tmp_path, clock)
    parts = Parts()
    client.pools.append(parts)
    fall_silent(tg, client)
    async with asyncio.timeout(HANG):
        for _ in range(5):
            await clock.parked(1)
            assert client.connected
            clock.advance(LOOK)
        parts.move = False
        for _ in range(2):
            await clock.parked(1)
            clock.advance(LOOK)
            if parts.doubted.is_set():
                break
        await parts.doubted.wait()
    speak_again(tg, client)
    await usable(client, clock)
    await client.close()


async def test_a_file_connection_on_which_something_moves_outlives_the_main_one(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    client = await open_client(tg, me, tmp_path)
    pool = CountingPool(client, 1)
    request = functions.help.GetConfigRequest()
    await pool.call(2, "down", request)
    before = set(tg.connections)
    waiting = asyncio.ensure_future(pool.call(2, "down", request))
    await asyncio.sleep(0)
    for neighbour in client.pools:
        neighbour.doubt_all()
    confirmed = asyncio.Event()
    asyncio.get_running_loop().call_later(pool.doubt, confirmed.set)
    assert await pool.call(2, "down", request)
    await confirmed.wait()
    assert await pool.call(2, "down", request)
    assert await waiting
    assert set(tg.connections) == before
    await pool.close()
    await client.close()


async def test_many_parts_wait_together_for_a_centre_that_does_not_answer(
    tg: TelegramServer, me: Account, source: Chat, other: Account, tmp_path: Path
) -> None:
    client = await open_client(tg, me, tmp_path)
    await client.config()
    pool = CountingPool(client, 4)
    fall_silent(tg, client, pool)
    request = functions.help.GetConfigRequest()
    results = await asyncio.gather(
        *(pool.call(4, "down", request) for _ in range(20)), return_exceptions=True
    )
    assert {str(result) for result in results} == {"connection: no answer in time"}
    assert pool.tries == 1
    await pool.close()
    await client.close()


async def test_failures_to_connect_do_not_pile_up(
    tg: TelegramServer, me: Account, source: Chat, tmp_path: Path
) -> None:
    """Each kept the one before it, by the frames of its traceback: 200 MB in an hour without network."""
    client = await open_client(tg, me, tmp_path)
    await client.config()
    await tg.stop()
    pool = CountingPool(client, 4)

    def kept() -> int:
        gc.collect()
        return sum(type(thing) is Transient for thing in gc.get_objects())

    before = kept()
    for _ in range(30):
        with pytest.raises(Transient):
            await pool.call(client.stored.dc_id, "down", functions.help.GetConfigRequest())
    assert kept() < before + 5
    await pool.close()
    await client.close()
