"""A reload changes mirrors and pace while the daemon runs: what stays is not disturbed, nothing is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.harness import House
from tests.logged import Logs


async def test_a_mirror_added_by_a_reload_begins(tmp_path: Path) -> None:
    """With its backlog and its live posts, beside one that goes on."""
    async with House(tmp_path) as house:
        one, two = house.supergroup("One"), house.supergroup("Two")
        first, second = house.own_supergroup("First"), house.own_supergroup("Second")
        house.post(one, "a")
        house.post(two, "b")
        house.mirror(one, first)
        await house.start()
        await house.run()
        house.mirror(two, second)
        await house.reload()
        house.post(one, "c")
        house.post(two, "d")
        await house.run()
        assert (house.texts(first), house.texts(second)) == (["a", "c"], ["b", "d"])


async def test_a_long_backlog_that_a_reload_brings_waits_for_resume(tmp_path: Path, logs: Logs) -> None:
    """More than a thousand messages: paused with the count and the hours, live posts captured meanwhile."""
    async with House(tmp_path) as house:
        small, large = house.supergroup("Small"), house.supergroup("Large")
        first, second = house.own_supergroup("First"), house.own_supergroup("Second")
        for n in range(1001):
            house.post(large, str(n))
        house.mirror(small, first)
        await house.start()
        house.mirror(large, second, name="large")
        await house.reload()
        house.post(large, "live")
        await house.run()
        assert house.texts(second) == []
        [mirror] = [m for m in (await house.status())["mirrors"] if m["name"] == "large"]
        assert "1,002 messages" in mirror["paused"]
        assert any("resume" in str(entry) and entry["log_level"] == "warning" for entry in logs)
        await house.restart()
        await house.run()
        assert house.texts(second) == []
        answer = await house.verb("resume", mirror="large")
        assert "1,002 messages" in answer["released"]
        await house.run(until=lambda: len(house.texts(second)) >= 3)
        assert house.texts(second)[:3] == ["live", "0", "1"]


async def test_a_mirror_removed_by_a_reload_and_put_back(tmp_path: Path) -> None:
    """It sends nothing while it is away, and then all that came meanwhile."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        stays, goes = house.own_supergroup("Stays"), house.own_supergroup("Goes")
        house.mirror(source, stays, name="stays")
        house.mirror(source, goes, name="goes")
        house.post(source, "before")
        await house.start()
        await house.run()
        removed = house.mirrors.pop()
        await house.reload()
        for n in range(3):
            house.post(source, f"between {n}")
        await house.run()
        assert house.texts(goes) == ["before"]
        house.mirrors.append(removed)
        await house.reload()
        house.post(source, "after")
        await house.run()
        everything = ["before", *(f"between {n}" for n in range(3)), "after"]
        assert house.texts(stays) == everything
        assert house.texts(goes) == everything


async def test_a_wrong_file_changes_nothing(tmp_path: Path, logs: Logs) -> None:
    """It is refused with its reason, and what ran goes on."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        house.mirrors[0]["histroy"] = "all"
        await house.reload()
        assert any(e["log_level"] == "error" and "histroy" in str(e) for e in logs)
        house.post(source, "goes on")
        await house.run()
        assert house.texts(target) == ["goes on"]


async def test_the_pace_changes_with_a_reload(tmp_path: Path) -> None:
    """The next send already keeps it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.options["pace"] = {"interval": 20.0}
        await house.reload()
        for n in range(4):
            house.post(source, str(n))
        await house.run()
        dates = [message.date for message in house.messages(target)]
        assert all(later - earlier >= 19 for earlier, later in pairwise(dates))
