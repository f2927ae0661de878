"""A login that Telegram does not know: tried again for 15 minutes from the first refusal, and then over.

The connection and the ledger are real; both live by a clock that the tests move.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import HANG, FakeClock
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import AccountFrozen, LoginUnknown, NotAuthorised, TgstreamdError, Transient
from tgstreamd.domain.messages import PART_SIZE
from tgstreamd.ledger import READER, Store
from tgstreamd.limits.login_grace import StoredLoginPatience
from tgstreamd.limits.wall_clock import WallClock
from tgstreamd.telegram.connect import Connection, connect

from .conftest import log_in, settings_for
from .trouble import media_of

BORNE = 900.0
UNKNOWN: dict[str, tuple[str, int, str]] = {
    "unregistered": ("error", 401, "AUTH_KEY_UNREGISTERED"),
    "invalid": ("error", 401, "AUTH_KEY_INVALID"),
    "new": ("error", 401, "SOMETHING_NEW"),
    "-404": ("refuse", -404, ""),
}
ENDED = [
    (401, "SESSION_REVOKED", "ended from another device"),
    (401, "SESSION_EXPIRED", "expired"),
    (401, "USER_DEACTIVATED", "recover@telegram.org"),
    (401, "USER_DEACTIVATED_BAN", "recover@telegram.org"),
    (406, "AUTH_KEY_DUPLICATED", "two places at once"),
    (401, "SESSION_PASSWORD_NEEDED", "not completed"),
]


class Daemon:
    """What a start of the daemon has of it: the ledger, the clock, the connection. Again and again."""

    def __init__(self, tg: TelegramServer, me: Account, folder: Path) -> None:
        self.tg = tg
        self.me = me
        self.folder = folder
        self.clock = FakeClock()
        self.waits: list[tuple[float, str]] = []
        log_in(tg, me, folder / "session")

    def refuse(self, how: str = "unregistered") -> Fault:
        action, code, name = UNKNOWN[how]
        return self.tg.faults.add(
            Fault(None, action, code=code, message=name, times=None, account=self.me.id)
        )

    async def open(self) -> None:
        self.store = await Store.open(self.folder / "ledger.db")
        self.patience = StoredLoginPatience(self.store, self.clock, WallClock(self.store, self.clock))

    async def connect(self) -> Connection:
        settings = settings_for(self.tg, self.folder / "session")
        return await connect(settings, clock=self.clock, waiting=self._waiting, patience=self.patience)

    def _waiting(self, seconds: float, why: TgstreamdError) -> None:
        self.waits.append((self.clock.monotonic(), why.line()))

    async def until_it_ends(self, work: asyncio.Future[Connection], within: float = 2 * BORNE) -> float:
        """Move the clock from wait to wait; the seconds that it took."""
        began = self.clock.monotonic()
        while not work.done() and self.clock.monotonic() - began < within:
            parked = asyncio.ensure_future(self.clock.parked())
            both: set[asyncio.Future[Any]] = {work, parked}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if parked.done() and not work.done() and self.clock.next_wake is not None:
                self.clock.advance_to(min(self.clock.next_wake, began + within))
            parked.cancel()
            await asyncio.sleep(0)
        return self.clock.monotonic() - began


@pytest.fixture
async def daemon(tg: TelegramServer, me: Account, tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(tg, me, tmp_path)
    await daemon.open()
    yield daemon
    await daemon.store.close()


@pytest.mark.parametrize("how", UNKNOWN)
async def test_at_a_start_it_is_tried_for_a_quarter_of_an_hour(daemon: Daemon, how: str, logs: Logs) -> None:
    daemon.refuse(how)
    starting = asyncio.ensure_future(daemon.connect())
    took = await daemon.until_it_ends(starting)
    with pytest.raises(NotAuthorised, match="has not known this login since 2023-11-14 22:13:20 UTC") as over:
        await starting
    assert took == pytest.approx(BORNE, abs=1)
    assert over.value.line().endswith("(tgstreamd login)")
    # systemd is told at least every thirty seconds, and everybody until when.
    times = [at for at, _ in daemon.waits]
    assert max(after - before for before, after in pairwise(times)) <= 30
    assert "tried until 2023-11-14 22:28:20 UTC" in daemon.waits[0][1]
    assert [log["event"] for log in logs if log["log_level"] == "error"] == [
        "Telegram does not know this login"
    ]
    assert 20 <= len(times) <= 100


async def test_it_counts_from_the_first_refusal_over_restarts(daemon: Daemon) -> None:
    daemon.refuse()
    for _ in range(2):
        starting = asyncio.ensure_future(daemon.connect())
        await daemon.until_it_ends(starting, within=300)
        assert not starting.done()
        starting.cancel()
        await asyncio.wait({starting})
        assert starting.cancelled()
        await daemon.store.close()
        await daemon.open()
    starting = asyncio.ensure_future(daemon.connect())
    took = await daemon.until_it_ends(starting)
    assert took == pytest.approx(BORNE - 600, abs=1)
    with pytest.raises(NotAuthorised):
        await starting
    # Whoever starts it again without a new login hears so at once.
    starting = asyncio.ensure_future(daemon.connect())
    assert await daemon.until_it_ends(starting) == 0
    with pytest.raises(NotAuthorised, match="since 2023-11-14 22:13:20 UTC"):
        await starting


async def test_a_fault_that_passes_is_forgotten(daemon: Daemon, logs: Logs) -> None:
    fault = daemon.refuse()
    starting = asyncio.ensure_future(daemon.connect())
    await daemon.until_it_ends(starting, within=600)
    daemon.tg.faults.remove(fault)
    await daemon.until_it_ends(starting)
    connection = await starting
    assert connection.unknown_login is None
    assert (await connection.account()).id == daemon.me.id
    assert await daemon.store.holds(READER) == {}
    assert [log["event"] for log in logs].count("Telegram knows this login again") == 1
    await connection.close()
    # The next one is another one, with a time of its own.
    daemon.refuse()
    starting = asyncio.ensure_future(daemon.connect())
    assert await daemon.until_it_ends(starting) == pytest.approx(BORNE, abs=1)
    with pytest.raises(NotAuthorised):
        await starting


async def test_a_new_login_has_a_time_of_its_own(daemon: Daemon) -> None:
    daemon.refuse()
    starting = asyncio.ensure_future(daemon.connect())
    await daemon.until_it_ends(starting)
    with pytest.raises(NotAuthorised):
        await starting
    log_in(daemon.tg, daemon.me, daemon.folder / "session")
    starting = asyncio.ensure_future(daemon.connect())
    assert await daemon.until_it_ends(starting) == pytest.approx(BORNE, abs=1)
    with pytest.raises(NotAuthorised):
        await starting


@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["ahead", "back"])
async def test_a_clock_that_is_set_makes_it_neither_longer_nor_shorter(daemon: Daemon, jump: float) -> None:
    daemon.refuse()
    starting = asyncio.ensure_future(daemon.connect())
    before = await daemon.until_it_ends(starting, within=300)
    daemon.clock.step(jump)
    after = await daemon.until_it_ends(starting)
    assert before + after == pytest.approx(BORNE, abs=1)
    with pytest.raises(NotAuthorised):
        await starting


async def test_without_a_network_nothing_is_refused(daemon: Daemon) -> None:
    """It ends with a refusal, and not because nobody could be asked."""
    fault = daemon.refuse()
    starting = asyncio.ensure_future(daemon.connect())
    await daemon.until_it_ends(starting, within=60)
    await daemon.tg.stop()
    await daemon.until_it_ends(starting, within=BORNE)
    assert not starting.done()
    daemon.tg.faults.remove(fault)
    await daemon.tg.start()
    await daemon.until_it_ends(starting)
    connection = await starting
    assert connection.connected
    await connection.close()


@pytest.mark.parametrize(("code", "name", "words"), ENDED)
async def test_what_has_ended_is_over_at_once(daemon: Daemon, code: int, name: str, words: str) -> None:
    daemon.tg.faults.add(Fault(None, code=code, message=name, times=None, account=daemon.me.id))
    starting = asyncio.ensure_future(daemon.connect())
    assert await daemon.until_it_ends(starting) == 0
    with pytest.raises(NotAuthorised) as over:
        await starting
    assert words in over.value.line()
    assert "tgstreamd login" in over.value.line()


# In flight


async def unknown(daemon: Daemon, connection: Connection, known: bool = False) -> None:
    """Wait until the connection has learnt it; time goes on from look to look."""
    async with asyncio.timeout(HANG):
        while (connection.unknown_login is None) is not known or connection.connected is not known:
            await daemon.clock.parked()
            daemon.clock.advance(1)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "idle"])
@pytest.mark.parametrize("how", UNKNOWN)
async def test_in_flight_it_is_held_and_goes_on_by_itself(
    daemon: Daemon, target: Chat, how: str, asked: bool
) -> None:
    connection = await daemon.connect()
    fault = daemon.refuse(how)
    began = daemon.clock.monotonic()
    if asked:
        with pytest.raises(Transient):
            await connection.target.newest(target.marked_id)
    await unknown(daemon, connection)
    assert daemon.clock.monotonic() - began <= 30
    # Whoever asks now hears so at once, and that nothing was sent.
    with pytest.raises(LoginUnknown, match="tried until") as refused:
        await connection.target.newest(target.marked_id)
    assert refused.value.error == "NOT_CONNECTED"
    daemon.tg.faults.remove(fault)
    await unknown(daemon, connection, known=True)
    assert await connection.target.newest(target.marked_id)
    # What was missed meanwhile is asked for.
    assert not (await connection.source.pushed()).chat
    await connection.close()


async def test_in_flight_it_ends_after_a_quarter_of_an_hour(daemon: Daemon) -> None:
    connection = await daemon.connect()
    daemon.refuse()
    await unknown(daemon, connection)
    began = daemon.clock.monotonic()
    waiting = asyncio.ensure_future(pushed_for_ever(connection))
    async with asyncio.timeout(HANG):
        while not waiting.done():
            await asyncio.sleep(0.002)
            if not waiting.done() and daemon.clock.next_wake is not None:
                daemon.clock.advance_to(daemon.clock.next_wake)
    assert daemon.clock.monotonic() - began == pytest.approx(BORNE, abs=30)
    with pytest.raises(NotAuthorised, match="has not known this login since"):
        await waiting
    await connection.close()


async def pushed_for_ever(connection: Connection) -> None:
    while True:
        await connection.source.pushed()


async def test_a_method_that_alone_is_refused_is_no_end(daemon: Daemon, target: Chat) -> None:
    """The next connection asks whether the login is known; it is, and nothing is held."""
    connection = await daemon.connect()
    daemon.tg.faults.add(
        Fault("messages.getHistory", code=401, message="AUTH_KEY_UNREGISTERED", times=3, account=daemon.me.id)
    )
    for _ in range(3):
        with pytest.raises(Transient):
            await connection.target.history(target.marked_id, after=0)
        await unknown(daemon, connection, known=True)
    assert await daemon.store.holds(READER) == {}
    await connection.target.history(target.marked_id, after=0)
    await connection.close()


@pytest.mark.parametrize("forget", [True, False], ids=["-404", "401"])
async def test_the_key_of_another_centre_is_not_the_account(
    daemon: Daemon, source: Chat, other: Account, forget: bool
) -> None:
    connection = await daemon.connect()
    media = await media_of(daemon.tg, connection, source, other, 4)
    assert await connection.source.part(media, 0, PART_SIZE)
    for key in [key for key in daemon.tg.keys if key.dc_id == 4]:
        if forget:
            daemon.tg.keys.remove(key)
        else:
            key.refusal = "AUTH_KEY_UNREGISTERED"
    daemon.tg.cut(dc_id=4)

    async def part() -> bytes:
        for _ in range(4):
            try:
                return await connection.source.part(media, 0, PART_SIZE)
            except Transient:
                continue
        raise AssertionError("it never came")

    assert await part()
    assert connection.connected
    assert await daemon.store.holds(READER) == {}
    await connection.close()


async def test_a_file_connection_alone_does_not_end_the_login(
    daemon: Daemon, source: Chat, other: Account
) -> None:
    """Of the account's own centre too: whether the login is known, the main connection says."""
    connection = await daemon.connect()
    media = await media_of(daemon.tg, connection, source, other, 2)
    daemon.tg.faults.add(Fault("upload.getFile", code=401, message="AUTH_KEY_UNREGISTERED", times=2))
    for _ in range(2):
        with pytest.raises(Transient):
            await connection.source.part(media, 0, PART_SIZE)
    assert await connection.source.part(media, 0, PART_SIZE)
    assert connection.connected
    await connection.close()


async def test_a_verb_does_not_wait(tg: TelegramServer, me: Account, tmp_path: Path) -> None:
    """It says that it may be either, at once and in the middle of its work."""
    log_in(tg, me, tmp_path / "session")
    settings = settings_for(tg, tmp_path / "session")
    connection = await connect(settings, clock=FakeClock(), tries=2)
    tg.revoke(me, error="AUTH_KEY_UNREGISTERED")
    with pytest.raises(NotAuthorised, match="it has ended, or Telegram has a fault that passes"):
        await connection.dialogs()
    await connection.close()
    with pytest.raises(NotAuthorised, match="it has ended, or Telegram has a fault that passes") as over:
        await connect(settings, clock=FakeClock(), tries=2)
    assert over.value.hint.endswith("if it stays so: tgstreamd login")


async def test_an_account_that_is_frozen_from_the_first_question_on_is_waited_for(daemon: Daemon) -> None:
    """It never ends the process, which systemd would start again for nothing."""
    fault = daemon.tg.faults.add(
        Fault("users.getUsers", code=420, message="FROZEN_METHOD_INVALID", times=None)
    )
    starting = asyncio.ensure_future(daemon.connect())
    await daemon.until_it_ends(starting, within=7200)
    assert not starting.done()
    assert fault.hits <= 13
    assert "appeal in the app" in daemon.waits[-1][1]
    daemon.tg.faults.remove(fault)
    await daemon.until_it_ends(starting)
    await (await starting).close()
    daemon.tg.faults.add(fault)
    with pytest.raises(AccountFrozen):
        await connect(settings_for(daemon.tg, daemon.folder / "session"), clock=daemon.clock, tries=1)
