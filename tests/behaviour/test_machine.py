"""The machine's own trouble: a full disk, a ledger that is read-only or broken, a clock that jumps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.telegram.world.chats import Chat
from tgstreamd.domain.errors import StoreError

pytestmark = pytest.mark.thorough

#: Every transaction that a message passes on its way.
WRITES = (
    "bear", "ingest_push", "take_difference", "take_page", "plan_sends", "begin_upload", "acknowledge",
    "commit_upload", "attempt", "settle", "checked", "note_change", "change_done",
)  # fmt: skip


async def living(house: House) -> tuple[Chat, Chat]:
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.mirror(source, target)
    await house.start()
    await house.run()
    return source, target


def full(db: Any) -> None:
    """The file may not grow any more: SQLite says what it says on a full disk."""
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_ends_the_daemon_with_what_to_do(tmp_path: Path) -> None:
    """It writes nothing in part; with room again, everything arrives, once."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        await house.store.run(full)
        expected = []
        for n in range(200):
            expected.append(f"{n} {'x' * 3000}")
            house.post(source, expected[-1])
        with pytest.raises(StoreError, match="full") as stopped:
            await house.run()
        assert stopped.value.exit_status == 1
        assert "make room" in stopped.value.hint
        await house.stop()
        await house.start()
        await house.run()
        assert house.texts(target) == expected


@pytest.mark.parametrize("step", WRITES)
async def test_a_write_that_fails_loses_nothing(tmp_path: Path, step: str) -> None:
    """Whichever transaction the disk refuses: the daemon ends, and the next start makes it good."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        failed: list[str] = []

        def fails(*args: Any, **options: Any) -> None:
            if not failed:
                failed.append(step)
                raise StoreError("the ledger failed: database or disk is full", hint="make room")

        house.interpose("store", before={step: fails})

        async def life() -> None:
            try:
                await house.start() if house._daemon is None else None
                await house.run()
            except* StoreError:
                await house.stop()
                await house.start()
                await house.run()

        await life()
        message = house.post(source, "text")
        house.post(source, "file", media=house.world.media.document(size=600_000))
        await life()
        house.world.chats.edit(message, "text, edited")
        await life()
        assert house.texts(target) == ["old", "text, edited", "file"]


async def test_a_broken_ledger_is_refused_with_a_way_out(tmp_path: Path) -> None:
    """And the way works: moved away, the mirror waits, and `rebuild` derives the map anew."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        for n in range(5):
            house.post(source, f"text number {n}")
        await house.run()
        before = house.texts(target)
        await house.stop()
        ledger = tmp_path / "ledger.db"
        ledger.write_bytes(b"not a ledger" * 1000)
        with pytest.raises(StoreError) as refused:
            await house.start()
        assert "rebuild" in refused.value.hint
        for file in tmp_path.glob("ledger.db*"):
            file.rename(tmp_path / f"broken-{file.name}")
        await house.start()
        house.post(source, "one more")
        await house.run()
        # Its birth is the new start: what came before is history, and the target holds it.
        assert house.texts(target) == before
        await house.verb("rebuild", mirror="m1", write=False)
        await house.verb("rebuild", mirror="m1", write=True)
        await house.run()
        assert house.texts(target) == [*before, "one more"]


async def test_a_damaged_page_is_told_with_the_same_way_out(tmp_path: Path) -> None:
    """Where SQLite meets it: nothing is guessed around it."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        for n in range(50):
            house.post(source, f"text number {n}")
        await house.run()
        await house.stop()
        ledger = tmp_path / "ledger.db"
        whole = ledger.read_bytes()
        ledger.write_bytes(whole[:8192] + bytes([0x5A]) * (len(whole) - 8192))

        async def life() -> None:
            await house.start()
            await house.run()

        with pytest.raises(StoreError) as refused:
            await life()
        assert "rebuild" in refused.value.hint
        assert len(house.texts(target)) == 50


@pytest.mark.parametrize("seconds", [3600, -3600])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_clock_that_jumps_an_hour_costs_nothing(tmp_path: Path, seconds: int, restart: bool) -> None:
    """Each message once, in order, at the pace by the clock that does not jump."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        for n in range(3):
            house.post(source, f"before {n}")
        await house.run(until=lambda: len(house.texts(target)) == 2)
        house.clock.step(seconds)
        if restart:
            await house.restart()
        for n in range(3):
            house.post(source, f"after {n}")
        began = house.clock.monotonic()
        await house.run(60)
        expected = [*(f"before {n}" for n in range(3)), *(f"after {n}" for n in range(3))]
        assert house.texts(target) == expected
        assert house.clock.monotonic() - began <= 60
