"""A disk that is full or read-only, for the real program: what it says, how it ends; nothing is lost.

The state directory lies on a small file system of its own, so that the kernel itself refuses.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.process.disk import CAN, SmallDisk
from tests.running import ROOT, LocalTelegram, RunningDaemon, until

pytestmark = pytest.mark.skipif(not CAN, reason="only root may mount a small file system")

FULL = "tgstreamd: the ledger failed: database or disk is full (the disk is full: make room and start again)"


class Small:
    """A busy group, and its daemon on a small disk."""

    def __init__(self, tg: LocalTelegram, daemon: RunningDaemon, disk: SmallDisk) -> None:
        self.tg = tg
        self.daemon = daemon
        self.disk = disk

    async def start(self) -> None:
        await self.daemon.start(*self.disk.inside)

    async def happens(self, deeds: int) -> None:
        await self.tg.scenario("busy_on", deeds=deeds)

    async def refused(self, within: float = 60.0) -> str:
        """It ends by itself with 1 and one line, which this is."""
        assert await self.daemon.ended(within=within) == 1
        said = [line for line in self.daemon.log if line.startswith(("tgstreamd:", "Traceback", "  File"))]
        assert said[-1:] == said, said
        return said[0]

    async def backup(self, file: Path) -> str:
        """What `tgstreamd backup` says as it fails."""
        verb = ("-m", "tgstreamd", "backup", str(file), "--config", str(self.daemon.folder / "config.toml"))
        done = await asyncio.create_subprocess_exec(
            *self.disk.inside, sys.executable, *verb, stderr=asyncio.subprocess.PIPE, cwd=ROOT
        )
        said = (await done.communicate())[1].decode()
        assert done.returncode == 1
        assert said.count("\n") == 1, said
        return said

    async def equal(self) -> None:
        """In the end the target is what the source is."""

        async def alike() -> bool | None:
            return True if not (await self.tg.scenario("alike"))["unlike"] else None

        try:
            await until(self.daemon.settled)
            await until(alike, every=0.5)
        except TimeoutError:
            raise AssertionError((await self.tg.scenario("alike"))["unlike"]) from None


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Small]:
    async with LocalTelegram("busy") as tg:
        daemon = RunningDaemon(tmp_path / "d", tg, pace={"interval": 0.02}, mirror={"deletes": "mirror"})
        await daemon.prepare()
        async with SmallDisk(daemon.state, "12m") as disk:
            daemon.state = disk.seen
            yield Small(tg, daemon, disk)
            await daemon.stop()


async def test_a_full_disk_ends_it_and_with_room_nothing_is_lost(small: Small) -> None:
    """The start on the disk that is still full says the same."""
    await small.start()
    await until(small.daemon.settled)
    small.disk.fill()
    await small.happens(40)
    assert await small.refused() == FULL
    small.daemon.log.clear()
    await small.start()
    assert await small.refused() == FULL
    small.disk.make_room()
    await small.start()
    await small.equal()
    assert await small.daemon.stop() == 0


@pytest.mark.slow
async def test_a_disk_that_is_full_at_any_write(small: Small) -> None:
    """Again and again, with another rest of room each time: ledger, write-ahead log, session, lock."""
    chance = random.Random(5)
    ended = 0
    for _ in range(16):
        small.daemon.log.clear()
        await small.start()
        await until(small.daemon.settled)
        small.disk.fill(leave=chance.choice([0, 4096, 8192, 20_000, 60_000, 150_000]))
        await small.happens(60)
        try:
            assert await small.refused(within=15) == FULL
            ended += 1
        except TimeoutError:
            # What was left was enough: it is killed where it stands.
            await small.daemon.kill()
        small.disk.make_room()
    print(f"{ended} of 16 lives ended by a full disk")
    assert ended >= 8
    await small.start()
    await small.equal()


@pytest.mark.slow
async def test_a_disk_that_is_read_only(small: Small) -> None:
    """As after an error of the device. With it writable again all goes on."""
    await small.start()
    await until(small.daemon.settled)
    assert await small.daemon.stop() == 0
    await small.disk.remount("ro")
    await small.happens(20)
    small.daemon.log.clear()
    await small.start()
    said = await small.refused()
    assert said.endswith(
        "cannot be used: Read-only file system (mount it for writing (`findmnt -T` and dmesg say more), "
        "or another state.directory)"
    )
    await small.disk.remount("rw")
    await small.start()
    await small.equal()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("ledger.db", "(the state directory must be writable for the user of the daemon)"),
        ("lock", "(sudo, or another state.directory)"),
    ],
)
async def test_a_file_that_the_user_may_not_write(small: Small, file: str, hint: str) -> None:
    """Root obeys no modes, hence without the power to override them."""
    bound = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
    await small.daemon.start(*small.disk.inside, *bound)
    await until(small.daemon.settled)
    assert await small.daemon.stop() == 0
    (small.disk.seen / file).chmod(0o400)
    await small.happens(20)
    small.daemon.log.clear()
    await small.daemon.start(*small.disk.inside, *bound)
    said = await small.refused()
    assert "Permission denied" in said
    assert said.endswith(hint)
    (small.disk.seen / file).chmod(0o600)
    await small.daemon.start(*small.disk.inside, *bound)
    await small.equal()


@pytest.mark.slow
async def test_a_backup_onto_a_full_disk_leaves_nothing(small: Small) -> None:
    """On the ledger's disk or on another one: one line, no half a file, and all goes on."""
    await small.start()
    await until(small.daemon.settled)
    await small.happens(60)
    await small.equal()
    assert await small.daemon.stop() == 0
    other = small.daemon.folder / "tmp"
    await small.disk.mount(other, "size=64k")
    said = await small.backup(other / "copy.db")
    assert said.endswith("copy.db: No space left on device (nothing is left of it)\n")
    small.disk.fill(leave=40_000)
    before = {path.name for path in small.disk.seen.iterdir()}
    said = await small.backup(small.daemon.folder / "state" / "copy.db")
    assert said.startswith(FULL)
    assert {path.name for path in small.disk.seen.iterdir()} - before <= {"ledger.db-wal", "ledger.db-shm"}
    small.disk.make_room()
    await small.happens(5)
    await small.start()
    await small.equal()
