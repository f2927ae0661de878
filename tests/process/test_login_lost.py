"""The login of the running daemon ends from outside, or Telegram does not know it for a while.

The first ends it at once with 77 and the reason; the second is borne for a quarter of an hour. In real time,
since the daemon is idle: it is the keep-alive that learns of it. `tests/contract` has the same by a clock
that tests move.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes import HANG
from tests.network.place import Daemon, Place, Relay
from tests.running import until
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .program import Home, mirror
from .test_notify import Ear
from .test_verbs import QUICK

pytestmark = pytest.mark.thorough

#: Seconds in which an idle daemon notices.
NOTICED = 30


async def ended(daemon: Daemon, since: float) -> float:
    async def over() -> bool | None:
        return None if daemon.running else True

    await until(over, within=NOTICED + 10)
    assert daemon.exit_status == 77
    return time.monotonic() - since


@pytest.mark.slow
@pytest.mark.parametrize("error", ["SESSION_REVOKED", "SESSION_EXPIRED", "USER_DEACTIVATED"])
async def test_a_session_ended_from_another_device(tmp_path: Path, error: str) -> None:
    async with Place(tmp_path, count=3) as place:
        await place.equal(30)
        await place.pause(time.monotonic() + 3)
        began = time.monotonic()
        await place.tg.control("revoke", account=place.tg.found["account"], error=error)
        took = await ended(place.daemon, began)
        print(f"{error}: noticed after {took:.1f} s: {place.daemon.log[-1]}")
        assert took <= NOTICED
        assert "tgstreamd login" in place.daemon.log[-1]


@pytest.mark.slow
async def test_a_login_that_is_unknown_for_a_while(tmp_path: Path) -> None:
    """An idle daemon notices, stays up, and goes on when Telegram knows the login again."""
    async with Place(tmp_path, count=3) as place:
        await place.equal(30)
        await place.pause(time.monotonic() + 3)
        began = time.monotonic()
        account = place.tg.found["account"]
        await place.tg.control(
            "fault", code=401, message="AUTH_KEY_UNREGISTERED", times=None, account=account
        )
        took = await place.heard("Telegram does not know this login", began, NOTICED)
        await place.say()
        await place.tg.control("clear_faults")
        await place.heard("Telegram knows this login again", began, NOTICED + 40)
        await place.equal(30)
        print(f"noticed after {took:.1f} s")


@pytest.mark.slow
async def test_a_second_instance_with_the_same_session(tmp_path: Path) -> None:
    """A copy of the session on another machine: Telegram ends the login, and both say why."""
    async with Place(tmp_path, count=3) as place, Relay(place.ports, host="127.0.0.5") as other_way:
        await place.equal(30)
        await place.tg.control("one_address")
        place.tg.address = tuple(other_way.addresses[0])
        second = Daemon(tmp_path / "second", place.tg, pace={"interval": 0.1})
        await second.prepare()
        shutil.copy(place.daemon.state / "session", second.state / "session")
        began = time.monotonic()
        await second.start()
        try:
            took = [await ended(daemon, began) for daemon in (place.daemon, second)]
        finally:
            if second.running:
                await second.stop()
        print(f"both ended after {max(took):.1f} s: {second.log[-1]}")
        for daemon in (place.daemon, second):
            assert "used from two places at once" in daemon.log[-1]
            assert "stop the other program" in daemon.log[-1]


# A start with a login that Telegram does not know.


async def started(home: Home) -> asyncio.subprocess.Process:
    home.environ["NOTIFY_SOCKET"] = str(home.folder / "notify")
    return await home.start("run")


async def its_end(process: asyncio.subprocess.Process) -> tuple[int | None, list[str]]:
    async with asyncio.timeout(HANG):
        _, err = await process.communicate()
    return process.returncode, err.decode().splitlines()


def seconds_left(home: Home, seconds: float) -> None:
    """As if the first refusal had been so long ago that so much of the quarter of an hour is left."""
    with sqlite3.connect(home.state / "ledger.db") as ledger:
        found = ledger.execute(
            "UPDATE hold SET until = ? WHERE scope GLOB 'login:*'", (time.time() + seconds,)
        )
        assert found.rowcount == 1


def heard(told: Path) -> bool | None:
    """Whether the operator was told of the login."""
    return "login unknown" in told.read_text() or None if told.exists() else None


async def test_a_start_waits_says_so_and_ends_with_77(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat
) -> None:
    """systemd hears until when, a verb too; a stop is quick and clean; a restart begins nothing anew."""
    told = home.folder / "told"
    alerts = f'[alerts]\ncommand = ["/bin/sh", "-c", "cat >> {told}"]'
    home.write(mirror(source.marked_id, target.marked_id), more=f"{QUICK}\n{alerts}")
    home.log_in(me)
    tg.faults.add(Fault(None, code=401, message="AUTH_KEY_UNREGISTERED", times=None, account=me.id))
    ear = Ear(home.folder / "notify")
    process = await started(home)
    try:
        await ear.until("STATUS=starting: Telegram does not know this login, tried until ")
        assert "EXTEND_TIMEOUT_USEC=60000000" in ear.heard
        assert "READY=1" not in ear.heard
        status = await home.status()
        assert status["state"] == "starting"
        assert "tgstreamd login" in status["note"]
        await until(lambda: asyncio.to_thread(heard, told), within=HANG)
        # A verb is told the same, and waits for nothing.
        assert (await home.tgstreamd("check")).status != 0
        # It does not wait for the rest of the quarter of an hour.
        process.send_signal(signal.SIGTERM)
        code, _ = await its_end(process)
        assert code == 0

        seconds_left(home, 3)
        code, err = await its_end(await started(home))
        assert code == 77
        assert "Telegram has not known this login since" in err[-1]
        assert err[-1].endswith(f"(tgstreamd login --config {home.file})")
        # Once more without a new login: at once.
        code, err = await its_end(await started(home))
        assert (code, "has not known this login since" in err[-1]) == (77, True)
    finally:
        ear.socket.close()
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert told.read_text().count('"event": "alert", "kind": "login unknown"') == 2  # in both forms of one
    # Where it was a fault of Telegram's, all is well.
    tg.faults.clear()
    async with home.daemon():
        assert (await home.status())["holds"] == []


@pytest.mark.parametrize(
    ("how", "verbs"), [("401", (["check"], ["plan"])), ("-404", (["chats"], ["verify", "main"]))]
)
async def test_verbs_say_the_same_and_a_login_goes_on(
    home: Home,
    tg: TelegramServer,
    me: Account,
    source: Chat,
    target: Chat,
    how: str,
    verbs: Sequence[list[str]],
) -> None:
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    home.log_in(me)
    async with home.daemon():
        pass
    if how == "401":
        tg.revoke(me, error="AUTH_KEY_UNREGISTERED")
    else:
        tg.forget_keys(me)
    for verb in verbs:
        result = await home.tgstreamd(*verb)
        assert result.status == 77, (verb, result)
        assert "does not know this login: it has ended, or Telegram has a fault that passes" in result.line
        assert f"tgstreamd login --config {home.file}" in result.line
    result = await home.tgstreamd("login", "--phone", "+10000000001", typed=f"{me.code}\n")
    assert (result.status, result.err) == (0, ""), result
    assert result.out.startswith("note: Telegram does not know this login: it has ended, or ")
    assert "logged in as Mia Mirror" in result.out
    assert (await home.tgstreamd("check")).status == 0
    async with home.daemon():
        assert (await home.status())["holds"] == []
