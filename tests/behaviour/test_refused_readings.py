"""A question that Telegram refuses rests for a while; no mirror whose source is fine is paused for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import House
from tests.telegram.faults import Fault

pytestmark = pytest.mark.thorough

NAMES = (
    (400, "MSG_ID_INVALID"),
    (400, "CHAT_NOT_MODIFIED"),
    (406, "CHANNEL_PRIVATE"),
    (400, "USER_BANNED_IN_CHANNEL"),
    (403, "CHAT_WRITE_FORBIDDEN"),
    (406, "NEVER_HEARD_OF"),
)


@pytest.mark.parametrize(
    ("code", "name"),
    [pytest.param(*each, marks=() if n % 2 == 0 else pytest.mark.slow) for n, each in enumerate(NAMES)],
)
@pytest.mark.parametrize("method", ["updates.getChannelDifference", "messages.getHistory"])
async def test_it_is_asked_again_ten_minutes_later(tmp_path: Path, method: str, code: int, name: str) -> None:
    """For an hour, and a few times only; what was posted meanwhile comes, nothing was paused."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(3):
            house.post(source, f"old {n}")
        house.mirror(source, target)
        await house.start()
        if method == "updates.getChannelDifference":
            await house.run()
        fault = house.tg.faults.add(Fault(method, code=code, message=name, peer=source.id, times=None))
        house.post(source, "new")
        await house.run(3600)
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["parked"]) == ("", 0)
        assert 1 <= fault.hits <= 12
        house.tg.faults.remove(fault)
        house.clock.advance(700)
        await house.run()
        assert house.texts(target) == ["old 0", "old 1", "old 2", "new"]


async def test_a_source_that_says_so_itself_is_lost(tmp_path: Path) -> None:
    """It was not told by any update; the mirror goes on when the source is well again."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        lost = [
            house.tg.faults.add(
                Fault(method, code=406, message="CHANNEL_PRIVATE", peer=source.id, times=None)
            )
            for method in ("updates.getChannelDifference", "channels.getFullChannel")
        ]
        house.post(source, "one")
        await house.run(300)
        await house.run(300)
        assert "CHANNEL_PRIVATE" in (await house.status())["mirrors"][0]["paused"]
        for fault in lost:
            house.tg.faults.remove(fault)
        await house.ask_again()
        await house.run()
        assert house.texts(target) == ["one"]


@pytest.mark.parametrize("name", ["CHAT_ADMIN_REQUIRED", "INPUT_FILTER_INVALID"])
async def test_pins_that_are_not_told_keep_no_mirror_from_beginning(tmp_path: Path, name: str) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "one")
        house.mirror(source, target)
        house.tg.faults.add(Fault("messages.search", code=400, message=name, times=None))
        await house.start()
        await house.run()
        assert house.texts(target) == ["one"]
        assert (await house.status())["mirrors"][0]["paused"] == ""


async def test_who_may_not_see_what_is_scheduled_has_nothing_there(tmp_path: Path) -> None:
    """Asked for after a lost answer, it is no reason to wait."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        refused = Fault("messages.getScheduledHistory", message="CHAT_ADMIN_REQUIRED", times=None)
        house.tg.faults.add(refused)
        cut = house.tg.faults.add(Fault("messages.sendMessage", "cut"))
        house.post(source, "one")
        await house.run(until=lambda: cut.hits > 0)
        await house.restart()
        await house.run()
        assert house.texts(target) == ["one"]
        assert refused.hits > 0


async def test_a_chat_that_cannot_be_asked_about_stops_no_other_at_the_start(tmp_path: Path) -> None:
    """A refusal of the question is no answer: that mirror begins when there is one."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        other, there = house.supergroup("Other"), house.own_supergroup("There")
        house.mirror(source, target)
        house.mirror(other, there)
        house.tg.faults.add(
            Fault("channels.getFullChannel", message="CHAT_NOT_MODIFIED", peer=source.id, times=1)
        )
        house.post(source, "one")
        house.post(other, "two")
        await house.start()
        await house.run()
        assert house.texts(there) == ["two"]
        await house.ask_again()
        await house.run()
        assert house.texts(target) == ["one"]
