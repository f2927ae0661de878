"""A ledger that is new, old or lost never leads to a second copy of what the target already holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.harness import House
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

UNKNOWN = "this target already holds copies that this ledger does not know"


async def mirrored(house: House, count: int = 5) -> tuple[Chat, Chat]:
    """A source of texts, photos, a file and an album, mirrored to its end."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    make = house.world.media
    for n in range(count):
        house.post(source, f"text number {n}")
    house.post(source, "with a photo", media=make.photo(width=777, height=555))
    house.post(source, "with a file", media=make.document(size=123_456))
    house.world.chats.post_album(source, house.other, [make.photo(seed=1), make.photo(seed=2)])
    house.mirror(source, target)
    await house.start()
    await house.run()
    return source, target


def ledgers(house: House) -> list[Path]:
    """The ledger with its write-ahead log."""
    return sorted(house.folder.glob("ledger.db*"))


async def paused(house: House) -> str:
    return str((await house.status())["mirrors"][0]["paused"])


async def test_a_deleted_ledger_makes_no_second_copy(tmp_path: Path, logs: Logs) -> None:
    """It pauses and says how many it would skip; `resume` goes on after the newest copy."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        house.post(source, "not copied yet")
        await house.start()
        await house.run()
        assert house.texts(target) == before
        assert UNKNOWN in await paused(house)
        assert "skips 9 messages" in await paused(house)
        assert any(e["log_level"] == "error" and UNKNOWN in str(e.get("why")) for e in logs)
        answer = await house.verb("resume", mirror="m1")
        assert UNKNOWN in answer["released"]
        await house.run()
        assert house.texts(target) == [*before, "not copied yet"]
        reasons = {reason for _, state, reason in await house.jobs() if state == "skipped"}
        assert "ledger lost: the target holds it already" in reasons
        # A later start finds nothing to ask about.
        house.post(source, "live")
        await house.restart()
        await house.run()
        assert house.texts(target) == [*before, "not copied yet", "live"]


async def test_the_pause_outlives_a_restart(tmp_path: Path) -> None:
    """Starting it again is no answer: only `resume` is."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        await house.start()
        await house.run()
        await house.restart()
        await house.run()
        assert house.texts(target) == before
        assert UNKNOWN in await paused(house)
        house.post(source, "new")
        await house.verb("resume", mirror="m1")
        await house.restart()
        await house.run()
        assert house.texts(target) == [*before, "new"]


async def test_a_restored_older_ledger_makes_no_second_copy(tmp_path: Path) -> None:
    """A copy from before the last posts: they are recognised, and only what is newer is sent."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        await house.stop()
        backup = tmp_path / "backup"
        backup.mkdir()
        for file in ledgers(house):
            shutil.copy(file, backup)
        await house.start()
        for n in range(6):
            house.post(source, f"later {n}")
        await house.run()
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        for file in backup.iterdir():
            shutil.copy(file, house.folder)
        house.post(source, "newest")
        await house.start()
        await house.run()
        assert house.texts(target) == before
        assert UNKNOWN in await paused(house)
        await house.verb("resume", mirror="m1")
        await house.run()
        assert house.texts(target) == [*before, "newest"]


async def test_unrelated_posts_of_ours_do_not_stop_a_mirror(tmp_path: Path) -> None:
    """We had talked in the target before; the whole history is compared, then everything is copied."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(5):
            house.post(target, f"hello from {n}", sender=house.me)
        house.post(target, "a picture", sender=house.me, media=house.world.media.photo(width=300, height=200))
        for n in range(8):
            house.post(source, f"post number {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert await paused(house) == ""
        assert house.texts(target)[6:] == [f"post number {n}" for n in range(8)]


@pytest.mark.parametrize("count", [1, 2])
async def test_few_copies_are_recognised_too(tmp_path: Path, count: int) -> None:
    """Where there are fewer than three, all of them have to match."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(count):
            house.post(source, f"a sentence with the number {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        await house.start()
        await house.run()
        assert house.texts(target) == before
        assert UNKNOWN in await paused(house)


async def test_an_attempt_under_way_explains_its_own_message(tmp_path: Path) -> None:
    """A crash after a send leaves one unmapped message: that is no copy of another ledger."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(3):
            house.post(source, f"number {n}")
        house.mirror(source, target)
        house.tg.faults.add(Fault("messages.sendMessage", "apply-cut", skip=1))
        await house.start()
        await house.run(until=lambda: house.tg.log.count("messages.sendMessage") >= 2)
        await house.restart()
        await house.run()
        assert await paused(house) == ""
        assert house.texts(target) == [f"number {n}" for n in range(3)]


async def test_two_mirrors_into_one_target_know_each_others_copies(tmp_path: Path) -> None:
    """Only the lost one's are unknown; each start looks again and finds nothing."""
    async with House(tmp_path) as house:
        one, two = house.supergroup("One"), house.supergroup("Two")
        target = house.own_supergroup("Target")
        for n in range(3):
            house.post(one, f"the same words {n}")
            house.post(two, f"the same words {n}")
        house.mirror(one, target)
        house.mirror(two, target)
        await house.start()
        await house.run()
        await house.restart()
        house.post(one, "more of one")
        house.post(two, "more of two")
        await house.run()
        assert len(house.texts(target)) == 8
        assert [mirror["paused"] for mirror in (await house.status())["mirrors"]] == ["", ""]
