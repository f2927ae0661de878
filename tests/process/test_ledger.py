"""A ledger that is damaged or somebody else's: the real program refuses it in one line.

The line says the way out, and the way is walked: moved away, the mirror waits; `rebuild`; nothing twice.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.process.program import Home, mirror
from tests.process.test_verbs import QUICK, settled
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import StoreError
from tgstreamd.ledger import READER, Store

POSTS = 100
BROKEN = "put a backup in its place; or move ledger.db* away and start"


def header(ledger: Path) -> None:
    content = ledger.read_bytes()
    ledger.write_bytes(bytes(random.Random(1).randbytes(100)) + content[100:])


def page(ledger: Path) -> None:
    """Some in the middle: the daemon meets them as it starts, or later."""
    content = bytearray(ledger.read_bytes())
    middle = len(content) // 4096 // 2 * 4096
    content[middle : middle + 5 * 4096] = bytes([0x5A]) * (5 * 4096)
    ledger.write_bytes(content)


def truncated(ledger: Path) -> None:
    os.truncate(ledger, ledger.stat().st_size // 2 + 100)


def a_text(ledger: Path) -> None:
    ledger.write_bytes(b"these are notes\n" * 500)


def newer(ledger: Path) -> None:
    with sqlite3.connect(ledger) as db:
        db.execute("PRAGMA user_version = 99")


def of_another_program(ledger: Path) -> None:
    ledger.unlink()
    with sqlite3.connect(ledger) as db:
        db.execute("CREATE TABLE job (text)")


def a_directory(ledger: Path) -> None:
    ledger.unlink()
    ledger.mkdir()


def empty(ledger: Path) -> None:
    os.truncate(ledger, 0)


def empty_log(ledger: Path) -> None:
    """What a write-ahead log of noise is to SQLite."""
    (ledger.parent / "ledger.db-wal").write_bytes(random.Random(1).randbytes(100_000))


class Lived:
    """An installation whose mirror has copied a history, and was stopped."""

    def __init__(self, home: Home, tg: TelegramServer, other: Account, source: Chat, target: Chat) -> None:
        self.home = home
        self.tg = tg
        self.other = other
        self.source = source
        self.target = target
        self.ledger = home.state / "ledger.db"

    async def live(self, me: Account) -> None:
        for n in range(POSTS):
            self.post(f"post {n}")
        self.home.write(mirror(self.source.marked_id, self.target.marked_id), more=QUICK.replace("0.05", "0"))
        self.home.log_in(me)
        async with self.home.daemon():
            await settled(self.home, lambda seen: seen["done"] == POSTS)

    def post(self, text: str) -> None:
        self.tg.world.chats.post(self.source, self.other, text)

    def texts(self, chat: Chat) -> list[str]:
        return [m.text for i in chat.box.ids if (m := chat.box.messages[i]).action is None]

    async def out(self) -> None:
        """The way out: begin anew, let the target be read, go on."""
        for file in self.home.state.glob("ledger.db*"):
            file.rename(self.home.folder / f"broken-{file.name}")
        async with self.home.daemon():
            await self.rebuilt()

    async def rebuilt(self) -> None:
        self.post("one more")
        await settled(self.home, lambda seen: "already holds copies" in seen["paused"])
        rebuilt = await self.home.tgstreamd("rebuild", "main", "--yes")
        assert rebuilt.status == 0, rebuilt
        await settled(self.home, lambda seen: seen["backlog"] == 0 and not seen["paused"])
        assert self.texts(self.target) == self.texts(self.source)


@pytest.fixture
async def lived(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> Lived:
    lived = Lived(home, tg, other, source, target)
    await lived.live(me)
    return lived


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(page, BROKEN, marks=pytest.mark.slow),
        pytest.param(header, BROKEN, marks=pytest.mark.slow),
        pytest.param(truncated, BROKEN, marks=pytest.mark.slow),
        pytest.param(a_text, BROKEN, marks=pytest.mark.slow),
        pytest.param(of_another_program, f"is a database, but no ledger ({BROKEN}", marks=pytest.mark.slow),
        pytest.param(newer, "written by a newer tgstreamd (schema 99", marks=pytest.mark.slow),
        pytest.param(a_directory, "Is a directory (a directory is in its place", marks=pytest.mark.slow),
    ],
)
async def test_a_damaged_ledger_is_refused_and_the_way_out_leads_out(
    lived: Lived, damage: Callable[[Path], None], says: str
) -> None:
    damage(lived.ledger)
    ended = await lived.home.tgstreamd("run")
    assert ended.status == 1
    assert says in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert lived.texts(lived.target) == lived.texts(lived.source)
    await lived.out()


@pytest.mark.slow
async def test_an_empty_ledger_is_a_lost_one(lived: Lived) -> None:
    """SQLite takes it for new, and so do we: the target tells."""
    empty(lived.ledger)
    async with lived.home.daemon():
        await lived.rebuilt()


@pytest.mark.slow
async def test_a_write_ahead_log_of_noise_is_ignored(lived: Lived) -> None:
    empty_log(lived.ledger)
    async with lived.home.daemon():
        lived.post("one more")
        await settled(lived.home, lambda seen: seen["done"] == POSTS + 1)
    assert lived.texts(lived.target) == lived.texts(lived.source)


@pytest.mark.parametrize("opens", [Store.open, Store.open_read_only])
@pytest.mark.parametrize("damage", [header, page, truncated, a_text, newer, of_another_program])
async def test_what_opening_a_damaged_ledger_says(
    tmp_path: Path, damage: Callable[[Path], None], opens: Callable[[Path], Awaitable[Store]]
) -> None:
    """The same without a process, and for the verbs that only read."""
    ledger = tmp_path / "ledger.db"
    await (await Store.open(ledger)).close()
    damage(ledger)

    async def looked() -> None:
        store = await opens(ledger)
        try:
            await store.standings()
            await store.holds(READER)
        finally:
            await store.close()

    with pytest.raises(StoreError) as refused:
        await looked()
    assert refused.value.hint
