"""The real daemon as systemd sees it: what it is told, what the journal gets, what children inherit."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .program import Home, mirror
from .test_verbs import QUICK


class Ear:
    """systemd's notification socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.heard: list[str] = []

    async def until(self, words: str) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(HANG):
            while not any(words in line for line in self.heard):
                self.heard.append((await loop.sock_recv(self.socket, 4096)).decode())


async def test_what_systemd_and_the_journal_are_told(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    tg.world.chats.post(source, other, "hello")
    home.write(
        mirror(source.marked_id, target.marked_id) + mirror("@nobody_here", target.marked_id, name="lost"),
        more=QUICK,
    )
    home.log_in(me)
    ear = Ear(home.folder / "notify")
    journal = home.folder / "journal"
    with journal.open("wb") as out:
        seen = os.fstat(out.fileno())
        process = await asyncio.create_subprocess_exec(
            home.python, "-m", "tgstreamd", "run", "--config", str(home.file), cwd=home.folder,
            stderr=out, stdout=out,
            env=home.environ | {
                "NOTIFY_SOCKET": str(home.folder / "notify"),
                "WATCHDOG_USEC": "1000000",
                "JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}",
            },
        )  # fmt: skip
    try:
        await ear.until("READY=1")
        await ear.until("WATCHDOG=1")
        await ear.until("STATUS=")
        ear.heard.clear()
        process.send_signal(signal.SIGHUP)
        await ear.until("RELOADING=1\nMONOTONIC_USEC=")
        await ear.until("READY=1")
        process.terminate()
        await ear.until("STOPPING=1")
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(HANG):
            assert await process.wait() == 0
        ear.socket.close()
    lines = journal.read_text().splitlines()
    assert all(line[:3] in ("<6>", "<4>", "<3>") for line in lines), lines
    assert [line for line in lines if line.startswith("<3>") and "@nobody_here" in line]
    assert [line for line in lines if line.startswith("<6>tgstreamd started")]


async def test_an_error_at_the_start_has_its_priority_too(home: Home) -> None:
    home.write("")
    journal = home.folder / "journal"
    with journal.open("wb") as out:
        seen = os.fstat(out.fileno())
        process = await asyncio.create_subprocess_exec(
            home.python, "-m", "tgstreamd", "run", "--config", str(home.file),
            cwd=home.folder, stderr=out, stdout=out,
            env=home.environ | {"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"},
        )  # fmt: skip
        async with asyncio.timeout(HANG):
            assert await process.wait() == 78
    (line,) = journal.read_text().splitlines()
    assert line.startswith("<3>tgstreamd: ")
    assert "no mirror is configured" in line
