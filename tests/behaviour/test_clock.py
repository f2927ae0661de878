"""A wall clock that is set, and a machine that is suspended: in the middle of everything that waits.

Set by an hour either way while something waits, nothing is earlier or later for it by more than a minute or
two; suspended for an hour, the time has really passed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

HOUR = 3600.0
SEND = "messages.sendMessage"
BOTH = pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead", "back"])


async def living(house: House, **options: Any) -> tuple[Chat, Chat]:
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target


def said(house: House, target: Chat, count: int) -> Callable[[], bool]:
    return lambda: len(house.texts(target)) >= count


@BOTH
async def test_in_the_middle_of_the_pace(tmp_path: Path, jump: float) -> None:
    """The next message goes an interval after the last one, by the clock that does not jump."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        for n in range(4):
            house.post(source, f"{n}")
        await house.run(until=said(house, target, 2))
        began = house.clock.monotonic()
        house.clock.step(jump)
        await house.run(until=said(house, target, 3))
        assert 3.4 <= house.clock.monotonic() - began <= 7.0
        await house.run(until=said(house, target, 4))
        assert house.clock.monotonic() - began <= 12.0
        assert house.texts(target) == ["0", "1", "2", "3"]


@BOTH
async def test_in_the_middle_of_a_flood(tmp_path: Path, jump: float) -> None:
    """It is obeyed to the second, and no second longer than need be; Telegram's own clock is right."""
    async with House(tmp_path) as house:
        right = house.clock.uptime
        house.world.now = right
        source, target = await living(house)
        house.tg.faults.add(Fault(SEND, "flood", seconds=300))
        house.post(source, "late")
        began = house.clock.monotonic()
        await house.run(20, until=lambda: bool(house.tg.log.errors))
        house.clock.step(jump)
        await house.run(400, until=said(house, target, 1))
        assert house.texts(target) == ["late"]
        assert 300 <= house.clock.monotonic() - began <= 360
        assert house.tg.faults.violations == []


@BOTH
async def test_in_the_middle_of_a_flood_of_the_history(tmp_path: Path, jump: float) -> None:
    """The same while a backlog is read."""
    async with House(tmp_path) as house:
        house.world.now = house.clock.uptime
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        await house.start()
        house.tg.faults.add(Fault("messages.getHistory", "flood", seconds=300))
        began = house.clock.monotonic()
        await house.run(20, until=lambda: bool(house.tg.log.errors))
        house.clock.step(jump)
        await house.run(400, until=said(house, target, 1))
        assert house.texts(target) == ["old"]
        assert 300 <= house.clock.monotonic() - began <= 400
        assert house.tg.faults.violations == []


@BOTH
async def test_in_the_middle_of_an_album(tmp_path: Path, jump: float) -> None:
    """It waits for its last items, and not for an hour."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        make = house.world.media
        house.world.chats.post_album(source, house.other, [(make.photo(), "one"), make.photo()])
        house.post(source, "after it")
        await house.read()
        began = house.clock.monotonic()
        house.clock.step(jump)
        await house.run(300, until=said(house, target, 3))
        assert house.texts(target) == ["one", "", "after it"]
        assert house.clock.monotonic() - began <= 120
        album = house.messages(target)[:2]
        assert album[0].grouped_id == album[1].grouped_id is not None


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("away", [30.0, 1200.0])
async def test_with_an_outcome_unknown(tmp_path: Path, jump: float, away: float) -> None:
    """After ten minutes the target is searched, whatever the wall clock makes of them: never twice."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        house.tg.faults.add(Fault(SEND, "apply-cut"))
        house.post(source, "once")
        await house.run(20, until=lambda: house.tg.log.count(SEND) >= 1)
        house.clock.step(jump)
        house.clock.advance(away)
        if away > 600:
            house.world.chats.forget_random_ids()
        await house.run(300)
        assert house.texts(target) == ["once"]


@BOTH
async def test_with_an_edit_that_waits(tmp_path: Path, jump: float) -> None:
    """It is carried out once its original was quiet."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        message = house.post(source, "first")
        await house.run()
        house.world.chats.edit(message, "second")
        await house.read()
        house.clock.step(jump)
        await house.run(120)
        assert house.texts(target) == ["second"]


@pytest.mark.slow
@BOTH
async def test_with_deletions_counted(tmp_path: Path, jump: float) -> None:
    """Few deletions are no mass deletion for a jump, and many are one."""
    async with House(tmp_path) as house:
        source, target = await living(house, deletes="mirror")
        messages = [house.post(source, f"{n}") for n in range(70)]
        await house.run()
        for message in messages[:30]:
            house.world.chats.delete(message)
        await house.run(60)
        assert len(house.texts(target)) == 40
        house.clock.step(jump)
        await house.run(10)
        for message in messages[30:35]:
            house.world.chats.delete(message)
        await house.run(60)
        assert len(house.texts(target)) == 35
        for message in messages[35:]:
            house.world.chats.delete(message)
        await house.run(60)
        assert (await house.status())["mirrors"][0]["held_deletions"]


@pytest.mark.slow
@BOTH
async def test_with_a_delay(tmp_path: Path, jump: float) -> None:
    """A post is delayed after its date, which is Telegram's: by a clock that goes wrong by as much."""
    async with House(tmp_path) as house:
        house.world.now = house.clock.uptime
        source, target = await living(house, delay=600)
        house.post(source, "later")
        await house.run(60)
        assert house.texts(target) == []
        house.clock.step(jump)
        began = house.clock.monotonic()
        await house.run(2 * HOUR, until=said(house, target, 1))
        assert house.texts(target) == ["later"]
        assert house.clock.monotonic() - began <= 10 if jump > 0 else HOUR + 600


async def test_suspended_for_an_hour(tmp_path: Path) -> None:
    """On waking the line is dead, holds and pauses are over, and what was missed is read."""
    async with House(tmp_path) as house:
        source, target = await living(house)
        house.tg.faults.add(Fault(SEND, "flood", seconds=300))
        house.post(source, "before")
        await house.run(20, until=lambda: bool(house.tg.log.errors))
        house.clock.suspend(HOUR)
        house.tg.cut(house.me)
        for n in range(3):
            house.post(source, f"meanwhile {n}")
        began = house.clock.monotonic()
        await house.run(60)
        assert house.texts(target) == ["before", *(f"meanwhile {n}" for n in range(3))]
        assert house.clock.monotonic() - began <= 60
        assert house.tg.faults.violations == []
