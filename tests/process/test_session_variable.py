"""Where `TG_SESSION` gives the login and that is over, every remedy is one that works: both ways are gone."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.conftest import API_HASH, API_ID
from tests.fakes import HANG
from tests.running import until
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.telegram.session import StoredSession, to_string

from .program import Home, mirror
from .test_login_lost import heard, its_end, seconds_left, started
from .test_notify import Ear
from .test_verbs import QUICK

pytestmark = pytest.mark.thorough

REMEDY = "put the string of a new session into TG_SESSION, or take TG_SESSION away and: tgstreamd login"

API = ("--api-id", str(API_ID), "--api-hash", API_HASH)
CHOICES = (
    "--source", "-1001", "--target", "-1002", "--history", "none", "--order", "source", "--deletes", "keep",
    "--transfer", "stream", "--attribution", "none",
)  # fmt: skip


def given(home: Home, me: Account) -> None:
    """A new login, in the variable alone."""
    home.log_in(me)
    file = home.state / "session"
    home.environ["TG_SESSION"] = to_string(StoredSession.load(file))
    file.unlink()


async def test_a_login_that_was_ended(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat
) -> None:
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    given(home, me)
    async with home.daemon():
        pass
    for error in ("SESSION_REVOKED", "AUTH_KEY_DUPLICATED", "AUTH_KEY_UNREGISTERED"):
        tg.revoke(me, error=error)
        verbs = ["check", "plan"] if error == "AUTH_KEY_UNREGISTERED" else ["run", "chats"]
        for verb in verbs:
            result = await home.tgstreamd(verb)
            assert result.status == 77, (verb, result)
            assert f"{REMEDY} --config {home.file}" in result.line
        # The one way. The other alone is refused, since it would change nothing.
        refused = await home.tgstreamd("login")
        assert (refused.status, "TG_SESSION is set" in refused.line) == (1, True)
        given(home, me)
        assert (await home.tgstreamd("check")).status == 0
    # The other.
    tg.revoke(me, error="SESSION_REVOKED")
    assert (await home.tgstreamd("check")).status == 77
    # `init` offers no login that would change nothing, and goes on without Telegram.
    done = await home.tgstreamd("init", "--force", *API, *CHOICES)
    assert (done.status, REMEDY in done.out) == (0, True), done
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    del home.environ["TG_SESSION"]
    result = await home.tgstreamd("login", "--phone", "+10000000001", typed=f"{me.code}\n")
    assert "logged in as Mia Mirror" in result.out, result
    assert (await home.tgstreamd("check")).status == 0


async def test_a_login_that_telegram_does_not_know(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat
) -> None:
    """Status, alert and the last line of the daemon name the variable too."""
    told = home.folder / "told"
    alerts = f'[alerts]\ncommand = ["/bin/sh", "-c", "cat >> {told}"]'
    home.write(mirror(source.marked_id, target.marked_id), more=f"{QUICK}\n{alerts}")
    given(home, me)
    tg.faults.add(Fault(None, code=401, message="AUTH_KEY_UNREGISTERED", times=None, account=me.id))
    ear = Ear(home.folder / "notify")
    process = await started(home)
    try:
        await ear.until("STATUS=starting: Telegram does not know this login, tried until ")
        note = (await home.status())["note"]
        assert f"for a new login stop tgstreamd, then: {REMEDY} --config {home.file}" in note
        await until(lambda: asyncio.to_thread(heard, told), within=HANG)
        assert REMEDY in told.read_text()
        process.terminate()
        await its_end(process)
        seconds_left(home, 0)
        code, err = await its_end(await started(home))
        assert code == 77
        assert err[-1].endswith(f"({REMEDY} --config {home.file})")
    finally:
        ear.socket.close()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_file_that_is_no_session_is_in_nobodys_way(
    home: Home, me: Account, source: Chat, target: Chat
) -> None:
    """Beside the variable it is not needed, and no new string would help against it."""
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    given(home, me)
    (home.state / "session").write_bytes(b"torn")
    (home.state / "session").chmod(0o600)
    assert (await home.tgstreamd("check")).status == 0
    del home.environ["TG_SESSION"]
    # It is put right by what the variable said.
    assert (await home.tgstreamd("check")).status == 0
