"""The verbs beside the running daemon and beside the stopped one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import stat
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes import HANG
from tests.running import until
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.control import control_socket

from .program import Home, mirror

pytestmark = pytest.mark.thorough

QUICK = "[pace]\ninterval = 0.05\naccount_interval = 0"


async def settled(home: Home, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first mirror of the running daemon's status, as soon as it is `enough`."""

    async def seen() -> dict[str, Any] | None:
        answer = await asyncio.to_thread(control_socket.ask, home.state / "control.sock", {"verb": "status"})
        mirror: dict[str, Any] = answer["mirrors"][0]
        return mirror if enough(mirror) else None

    return await until(seen, within=HANG)


async def test_beside_the_running_and_the_stopped_daemon(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    for number in range(5):
        tg.world.chats.post(source, other, f"post {number}")
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    home.log_in(me)
    before = await home.status()
    assert (before["state"], before["mirrors"]) == ("stopped", [])
    checked = await home.tgstreamd("check")
    assert (checked.status, "6 messages since" in checked.out) == (0, True)
    async with home.daemon() as daemon:
        running = await settled(home, lambda seen: seen["backlog"] == 0)
        assert (running["done"], running["skipped"], running["parked"]) == (5, 1, 0)
        status = await home.status()
        assert status["account"] == {"id": me.id, "name": "Mia Mirror", "premium": False}
        assert status["memory_rss"] > 10_000_000
        assert (await home.tgstreamd("check")).status == 0
        listed = {chat["id"] for chat in (await home.json("chats"))["chats"]}
        assert listed == {source.marked_id, target.marked_id}
        assert await home.json("parked") == {"parked": []}
        for verb in ("login", "logout"):
            refused = await home.tgstreamd(verb)
            assert refused.status == 1
            assert "systemctl stop tgstreamd" in refused.line
        assert (await home.tgstreamd("pause", "main")).out == (
            "main: paused: nothing is sent until `tgstreamd resume main`\n"
        )
        tg.world.chats.post(source, other, "while paused")
        await settled(home, lambda seen: bool(seen["backlog"]))
        assert (await home.tgstreamd("resume", "main")).out == "main: released: paused by the operator\n"
        await settled(home, lambda seen: seen["done"] == 6)
        wrong = await home.tgstreamd("pause", "mian")
        assert (wrong.status, wrong.line) == (1, 'tgstreamd: no mirror is named "mian" (there is main)')
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in home.state.iterdir()}
        assert files.pop("control.sock") == 0o660
        assert set(files.values()) == {0o600}
    assert daemon.returncode == 0
    assert not (home.state / "control.sock").exists()
    stopped = await home.status()
    assert (stopped["state"], stopped["mirrors"][0]["done"]) == ("stopped", 6)
    assert (await home.tgstreamd("pause", "main")).status == 0
    assert (await home.status())["mirrors"][0]["paused"] == "paused by the operator"
    assert (await home.tgstreamd("resume", "main")).status == 0
    assert (await home.tgstreamd("parked")).out == "nothing is parked\n"
    assert (await home.tgstreamd("chats")).status == 0
    assert (await home.tgstreamd("check")).status == 0


async def test_a_start_without_network_says_so_and_ends_at_once(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat
) -> None:
    home.write(mirror(source.marked_id, target.marked_id))
    home.log_in(me)
    await tg.stop()
    process = await home.start("run")
    async with asyncio.timeout(HANG):
        while (status := await home.status())["state"] != "starting" or not status["note"]:
            assert process.returncode is None
    refused = await home.tgstreamd("check")
    assert refused.status == 1
    assert "the daemon is still starting (" in refused.line
    assert (await home.tgstreamd("parked")).out == "nothing is parked\n"
    process.terminate()
    async with asyncio.timeout(HANG):
        await process.communicate()
    assert process.returncode == 0


async def test_status_needs_no_whole_configuration(home: Home) -> None:
    home.file.write_text(f'[state]\ndirectory = "{home.state}"\n')
    assert (await home.status())["state"] == "stopped"


async def test_watch_for_pipes(home: Home) -> None:
    home.write("")
    process = await home.start("status", "--watch", "--json")
    assert process.stdout
    async with asyncio.timeout(HANG):
        seen = [json.loads(await process.stdout.readline()) for _ in range(2)]
    assert [status["state"] for status in seen] == ["stopped", "stopped"]
    process.send_signal(2)
    async with asyncio.timeout(HANG):
        _, err = await process.communicate()
    assert (process.returncode, err.strip()) == (130, b"")


async def test_watch_on_a_terminal_draws_in_place(home: Home) -> None:
    """On a screen of its own, in colour; what it said last stays in the terminal when it ends."""
    home.write("")
    home.environ["TERM"] = "xterm-256color"
    terminal, theirs = pty.openpty()
    process = await home.start("status", "--watch", stdout=theirs)
    os.close(theirs)
    heard = await hear(terminal, until=lambda text: text.count("nothing was mirrored") == 2)
    assert "\x1b[?1049h" in heard  # the other screen (https://invisible-island.net/xterm/ctlseqs)
    assert "\x1b[1;31mstopped" in heard
    process.send_signal(2)
    heard = await hear(terminal, until=lambda text: "nothing was mirrored" in text)
    async with asyncio.timeout(HANG):
        await process.wait()
    os.close(terminal)
    assert heard.rpartition("\x1b[?1049l")[2].split("\r\n")[0].endswith("tgstreamd 0.1.0 stopped")


async def test_no_colour_where_none_is_wanted(home: Home) -> None:
    """One look has bars and no colour; NO_COLOR takes it from `--watch`; a dumb terminal gets plain lines."""
    home.write("")
    for more, verbs in (
        ({"TERM": "xterm", "NO_COLOR": "1"}, ("status", "--watch")),
        ({"TERM": "xterm", "NO_COLOR": ""}, ("status",)),
        ({"TERM": "dumb", "NO_COLOR": ""}, ("status", "--watch")),
    ):
        home.environ |= more
        terminal, theirs = pty.openpty()
        process = await home.start(*verbs, stdout=theirs)
        os.close(theirs)
        heard = await hear(terminal, until=lambda text: "nothing was mirrored" in text)
        assert "\x1b[3" not in heard
        assert ("\x1b" in heard) is (more["TERM"] == "xterm" and "--watch" in verbs)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(2)
        os.close(terminal)
        async with asyncio.timeout(HANG):
            await process.wait()


async def hear(terminal: int, *, until: Callable[[str], bool]) -> str:
    """What a program says on the terminal, up to what is waited for."""
    heard = ""
    async with asyncio.timeout(HANG):
        while not until(heard):
            heard += (await asyncio.to_thread(os.read, terminal, 4096)).decode()
    return heard


async def test_a_reader_that_goes_away(home: Home) -> None:
    home.write("")
    process = await asyncio.create_subprocess_shell(
        f"{home.python} -m tgstreamd status --watch --config {home.file} | head -1",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=home.environ,
        cwd=home.folder,
    )
    async with asyncio.timeout(HANG):
        out, err = await process.communicate()
    assert (out, err) == (b"tgstreamd 0.1.0 stopped\n", b"")


async def test_a_ledger_that_is_only_being_made_is_none_yet(home: Home) -> None:
    home.write("")
    (home.state / "ledger.db").touch(0o600)
    assert (await home.status())["mirrors"] == []
