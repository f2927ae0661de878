"""A machine whose clock is not Telegram's: texts and files arrive all the same, nothing lost on the way.

Telegram takes message ids that are up to 300 s old or 30 s in the future and corrects a client beyond that;
its own messages carry its own clock
(https://core.telegram.org/mtproto/description#message-identifier-msg-id).
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.behaviour.test_media import shape
from tests.harness import House
from tests.telegram.world.chats import Chat

pytestmark = pytest.mark.thorough

#: Seconds by which Telegram is ahead of us.
SKEWS = [-400.0, -280.0, -120.0, -45.0, 45.0, 120.0, 280.0, 400.0]
HOUR = 3600.0


def post(house: House, source: Chat, name: str) -> None:
    """A text, and a file of some parts in each data centre."""
    house.post(source, f"{name}: a text")
    for dc in (2, 4):
        media = house.world.media.document(1_300_000 + dc, dc_id=dc)
        house.post(source, f"{name}: a file of {dc}", media=media)


def assert_copied(house: House, source: Chat, target: Chat) -> None:
    wanted, there = house.messages(source), house.messages(target)
    assert [copy.text for copy in there] == [original.text for original in wanted]
    for copy, original in zip(there, wanted, strict=True):
        if original.media is not None:
            assert shape(copy) == shape(original)


@pytest.mark.parametrize("skew", SKEWS)
async def test_texts_and_files_arrive_whatever_our_clock_says(tmp_path: Path, skew: float) -> None:
    async with House(tmp_path) as house:
        house.tg.wall = lambda: time.time() + skew
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post(house, source, "history")
        house.mirror(source, target)
        await house.start()
        await house.run()
        post(house, source, "live")
        await house.run()
        assert_copied(house, source, target)
        # Nothing was given up and sent again.
        assert all(set(upload.seen.values()) == {1} for upload in house.tg.log.uploads.values())


@pytest.mark.parametrize("step", [-HOUR, -100.0, 100.0, HOUR])
async def test_a_clock_that_is_set_in_the_middle_breaks_no_connection(tmp_path: Path, step: float) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post(house, source, "before")
        house.mirror(source, target)
        await house.start()
        await house.run()
        before = set(house.tg.connections)
        house.wire_clock.ahead += step
        post(house, source, "after")
        await house.run()
        house.wire_clock.ahead -= step
        post(house, source, "set back")
        await house.run()
        assert_copied(house, source, target)
        assert before <= house.tg.connections
