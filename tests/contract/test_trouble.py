"""Lost answers, cut connections, ended logins: what the ports raise, and how they heal."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import functions

from tests.fakes import HANG, FakeClock
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import SHARED
from tests.telegram.world.peers import Account
from tgstreamd.domain.clock import Clock
from tgstreamd.domain.errors import ConfigError, FloodWait, NotAuthorised, Rejected, TgstreamdError, Transient
from tgstreamd.domain.messages import PART_SIZE, Draft, Media, Piece, Upload
from tgstreamd.telegram.client import Client
from tgstreamd.telegram.connect import Connection, connect
from tgstreamd.telegram.keepalive import LOOK
from tgstreamd.telegram.link import Link
from tgstreamd.telegram.pool import Pool
from tgstreamd.telegram.session import StoredSession
from tgstreamd.telegram.settings import Settings

from .conftest import Connect, healed, log_in, settings_for

TEXT = Draft(pieces=(Piece(source_id=1, text="hello"),))


@pytest.mark.parametrize("action", ["apply-cut", "apply-half"])
async def test_a_lost_answer_is_an_unknown_outcome_and_is_not_sent_again(
    tg: TelegramServer, target: Chat, connected: Connect, action: str
) -> None:
    connection = await connected()
    port = connection.target
    before = len(target.box.ids)
    await port.account()
    tg.faults.add(Fault("messages.sendMessage", action))
    with pytest.raises(Transient):
        await port.send(target.marked_id, TEXT, [1], [None])
    assert len(target.box.ids) == before + 1
    tg.log.clear()
    sent = await port.send(target.marked_id, TEXT, [1], [None])
    assert sent.ids[1] == target.box.ids[-1]
    assert len(target.box.ids) == before + 1
    # Telethon would have repeated the first one by itself, on the new connection.
    assert tg.log.count("messages.sendMessage") == 1


async def test_a_request_that_no_packet_can_hold(target: Chat, connected: Connect) -> None:
    port = (await connected()).target
    with pytest.raises(Rejected, match="cannot be written"):
        await port.send(target.marked_id, TEXT, [1 << 70], [None])
    assert (await port.send(target.marked_id, TEXT, [1], [None])).ids


async def test_a_request_given_up_is_forgotten(tg: TelegramServer, target: Chat, connected: Connect) -> None:
    connection = await connected()
    await connection.target.account()
    tg.faults.add(Fault("messages.sendMessage", "ignore"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await connection.target.send(target.marked_id, TEXT, [1], [None])
    before = len(target.box.ids)
    tg.cut()
    await healed(connection)
    assert len(target.box.ids) == before


async def media_of(tg: TelegramServer, connection: Connection, chat: Chat, by: Account, dc: int) -> Media:
    post = tg.world.chats.post(chat, by, media=tg.world.media.document(8 * PART_SIZE, dc_id=dc))
    got = await connection.source.messages(chat.marked_id, [post.ids[SHARED]])
    media = got[post.ids[SHARED]].media
    assert media is not None
    return media


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


class Hurried:
    """A clock on which waits are over at once."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return self._skipped + time.monotonic()

    def uptime(self) -> float:
        return self.monotonic()

    _skipped = 0.0

    async def sleep_until(self, when: float) -> None:
        self._skipped += max(0.0, when - self.monotonic())

    async def wait(self, event: asyncio.Event, until: float) -> bool:
        async with asyncio.timeout(HANG):
            await event.wait()
        return True


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


async def open_client(
    tg: TelegramServer, me: Account, folder: Path, clock: Clock | None = None, kind: type[Client] = Client
) -> Client:
    """The client alone, connected."""
    log_in(tg, me, folder / "session")
    client = kind(settings_for(tg, folder / "session"), StoredSession.load(folder / "session"), clock=clock)
    await client.open(tries=1)
    return client


def fall_silent(tg: TelegramServer, *impatient: Client | Pool) -> None:
    """Bytes are still taken in, and nothing ever comes back: as behind a router that forgot us.

    Who is impatient meanwhile gives up after a moment that a test can wait for.
    """
    tg.network.latency = 1e6
    for one in impatient:
        one.connect_timeout = 0.5
        if isinstance(one, Client):
            one.ping_timeout = 0.2


def speak_again(tg: TelegramServer, *patient: Client | Pool) -> None:
    """The line is well: however long it takes on a busy machine, nobody gives up."""
    tg.network.latency = 0
    for one in patient:
        one.connect_timeout = HANG


async def usable(client: Client, clock: FakeClock) -> None:
    """Wait for a connection; time moves on to each next try."""
    async with asyncio.timeout(HANG):
        waiting = asyncio.ensure_future(client.usable.wait())
        while not waiting.done():
            parked = asyncio.ensure_future(clock.parked(1))
            await asyncio.wait({waiting, parked}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                clock.advance(LOOK)
            parked.cancel()


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


async def test_an_answer_that_never_comes_is_waited_for_so_long_only(
    tg: TelegramServer, me: Account, target: Chat, tmp_path: Path
) -> None:
    client = await open_client(tg, me, tmp_path)
    tg.faults.add(Fault("help.getConfig", "apply-silent"))
    with pytest.raises(Transient, match=r"help\.getConfig: no answer in time"):
        await client.call(functions.help.GetConfigRequest(), timeout=0.2)
    assert client.connected
    assert await client.call(functions.help.GetConfigRequest(), timeout=HANG)
    await client.close()


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


class CountingPool(Pool):
    """Counts its tries to connect, and doubts a connection for a moment that a test can wait for."""

    doubt = 0.5
    tries = 0

    async def _open(self, dc: int) -> Link:
        self.tries += 1
        return await super()._open(dc)


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
