"""The verbs of a running mirror, in the real program: beside a daemon, a stopped one, and at a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import HANG
from tests.running import until
from tests.schema import violations
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tests.telegram.world.peers import Account
from tgstreamd.control import control_socket

from .program import Home, mirror

pytestmark = pytest.mark.thorough

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "status.schema.json").read_text())
QUICK = "[pace]\ninterval = 0.05\naccount_interval = 0"


def posts(chat: Chat, me: Account) -> list[Message]:
    box = chat.box_for(me.id)
    return [m for n in sorted(chat.visible(me.id)) if (m := box.messages[n]).action is None]


async def until_settled(home: Home, done: int) -> None:
    """Until so many are copied and nothing waits, not even for the second clock."""

    async def settled() -> bool | None:
        seen = await asyncio.to_thread(control_socket.ask, home.state / "control.sock", {"verb": "status"})
        (mirror,) = seen["mirrors"]
        return (mirror["done"] == done and not mirror["backlog"] and not mirror["changes"]) or None

    await until(settled, within=HANG)


async def test_a_hole_is_found_and_mended(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    """`verify`, `--repair`, `resend` and their words, beside the running daemon and beside a stopped one."""
    originals = [tg.world.chats.post(source, other, f"post {n}") for n in range(3)]
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    home.log_in(me)
    nothing = await home.tgstreamd("verify", "main")
    assert (nothing.status, "there is no ledger" in nothing.line) == (1, True)
    async with home.daemon():
        await until_settled(home, 3)
        equal = await home.tgstreamd("verify", "main")
        assert (equal.status, equal.out.splitlines()[-1], equal.err) == (0, "main: equal", "")
        tg.world.chats.delete(posts(target, me)[1])
        differs = await home.tgstreamd("verify", "main")
        assert differs.status == 1
        assert differs.out.splitlines()[0] == (
            f"missing in the target: message {originals[1].id}: its copy is gone from the target"
        )
        assert re.match(r"    https://t.me/c/\d+/\d+ → https://t.me/c/\d+/\d+$", differs.out.splitlines()[1])
        assert f"`tgstreamd verify main --repair --config {home.file}`" in differs.out.splitlines()[-1]
        mended = await home.tgstreamd("verify", "main", "--repair")
        assert (mended.status, "main: queued: 1, done in about" in mended.out) == (1, True)
        await until_settled(home, 3)
        assert [m.text for m in posts(target, me)] == ["post 0", "post 2", "post 1"]
        refused = await home.tgstreamd("resend", "main", str(originals[0].id))
        assert refused.status == 2
        assert refused.line == (
            f"tgstreamd: resend: copies of {originals[0].id} stand in the target "
            "(--yes deletes the copies and makes new ones; nothing was done)"
        )
        link = f"https://t.me/c/{str(source.marked_id)[4:]}/{originals[0].id}"
        again = await home.tgstreamd("resend", "main", link, "999", "--yes")
        assert again.status == 1  # one of them could not be
        assert again.out.splitlines()[1] == (
            "main: message 999: nothing is done: the source has no such message any more"
        )
        await until_settled(home, 3)
        assert [m.text for m in posts(target, me)] == ["post 2", "post 1", "post 0"]
        tg.world.chats.delete(posts(target, me)[0])
    stopped = await home.tgstreamd("verify", "main", "--json")
    found = json.loads(stopped.out)
    assert (stopped.status, found["equal"], found["counts"]["copied"]) == (1, False, 3)
    assert [one["source_id"] for one in found["differences"]] == [originals[2].id]
    assert (await home.tgstreamd("verify", "main", "--repair")).status == 1
    async with home.daemon():
        await until_settled(home, 3)
        assert [m.text for m in posts(target, me)] == ["post 1", "post 0", "post 2"]


async def test_resend_asks_at_a_terminal(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    original = tg.world.chats.post(source, other, "post")
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    home.log_in(me)
    async with home.daemon():
        await until_settled(home, 1)
        first = posts(target, me)[0].id
        no = await typed(home, "resend", "main", str(original.id), answers=["n"])
        assert (no[0], "resend: nothing was done" in no[1]) == (2, True)
        assert posts(target, me)[0].id == first
        yes = await typed(home, "resend", "main", str(original.id), answers=["y"])
        assert (yes[0], "queued; its copy is deleted first" in yes[1]) == (0, True)
        await until_settled(home, 1)
        (copy,) = posts(target, me)
        assert copy.id > first


async def test_a_mirror_that_cannot_begin_is_paused_and_named(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat
) -> None:
    home.write(
        mirror(source.marked_id, target.marked_id)
        + mirror("@nobody_is_called_so", target.marked_id, name="later"),
        more=QUICK,
    )
    home.log_in(me)
    async with home.daemon():
        paused = await home.tgstreamd("pause", "later")
        assert paused.out == (
            "later: has not begun yet, and will begin paused; `tgstreamd resume later` takes that back\n"
        )
        for verb in (["verify", "later"], ["resend", "later", "1"]):
            refused = await home.tgstreamd(*verb)
            assert (refused.status, refused.line) == (
                1,
                "tgstreamd: later: this mirror has not begun yet "
                "(`tgstreamd status` says why; `tgstreamd check` asks Telegram)",
            )
        shown = await home.tgstreamd("status")
        assert "  paused: paused by the operator; " in shown.out
        running = await home.status()
        assert [one["state"] for one in running["mirrors"]] == ["running", "paused"]
        assert list(violations(running, SCHEMA)) == []
    resumed = await home.tgstreamd("resume", "later")
    assert resumed.out.splitlines() == [
        "later: released: paused by the operator",
        "later: has not begun yet: `tgstreamd status` says why",
    ]
    assert list(violations(await home.status(), SCHEMA)) == []
    shown = await home.tgstreamd("status")
    assert f"main: {source.title} ({source.marked_id}) → {target.title}" in shown.out


async def test_rebuild_asks_at_a_terminal_where_its_words_are(home: Home) -> None:
    """Not on standard error: whoever sees what would be written sees the question."""
    home.write(mirror(-1001, -1002))
    asked: list[bool] = []

    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["write"])
        return {"looked_through": 3, "mapped": 2, "skipped": 1, "left": 0, "newest": 3}

    daemon = asyncio.create_task(control_socket.serve(home.state / "control.sock", answer))
    try:
        for says, status, last in (
            ("n", 1, "nothing was written"),
            ("y", 0, "main: goes on after message 3"),
        ):
            ended, seen = await typed(home, "rebuild", "main", answers=[says])
            assert (ended, seen.splitlines()[-1]) == (status, last)
    finally:
        daemon.cancel()
        await asyncio.wait([daemon])
    assert asked == [False, False, True]


async def typed(home: Home, *arguments: str, answers: list[str]) -> tuple[int, str]:
    """Run a verb in a terminal, answering its questions; its exit status and all that was to be seen."""
    terminal, theirs = pty.openpty()
    process = await home.start(*arguments, stdin=theirs, stdout=theirs)
    os.close(theirs)
    seen = ""
    try:
        async with asyncio.timeout(HANG):
            for answer in answers:
                while "[y/N] " not in seen:
                    seen += (await asyncio.to_thread(os.read, terminal, 4096)).decode()
                os.write(terminal, f"{answer}\n".encode())
            with contextlib.suppress(OSError):  # it has closed its side
                while part := await asyncio.to_thread(os.read, terminal, 4096):
                    seen += part.decode()
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
        os.close(terminal)
    assert process.returncode is not None
    return process.returncode, seen + err.decode()
