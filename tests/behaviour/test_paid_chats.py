"""A target where each message costs Stars: nothing is ever paid, parked away or tried without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.behaviour.test_refused_messages import QUESTION, refuse, runs
from tests.harness import House
from tests.telegram.world.chats import Chat

NAMES = ("ALLOW_PAYMENT_REQUIRED", "ALLOW_PAYMENT_REQUIRED_5", "BALANCE_TOO_LOW")


def paid_group(house: House, price: int) -> Chat:
    """A group of somebody else's, which our account is a member of."""
    target = house.world.chats.add_supergroup("Target", house.other, [house.me])
    house.world.chats.set_price(target, price)
    return target


async def paused(house: House) -> str:
    [mirror] = (await house.status())["mirrors"]
    assert mirror["parked"] == 0
    return str(mirror["paused"])


async def test_it_is_found_at_the_start(tmp_path: Path) -> None:
    """`check` and the status name the price and the way out; nothing is sent until there is none."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), paid_group(house, 5)
        house.mirror(source, target)
        await house.start()
        house.post(source, "one")
        await house.run()
        assert "costs Stars there (5)" in await paused(house)
        found = [line for line in (await house.verb("check"))["lines"] if line["level"] == "fail"]
        assert [("costs Stars" in line["text"], "administrator" in line["remedy"]) for line in found] == [
            (True, True)
        ]
        assert house.tg.log.count("messages.sendMessage") == 0
        house.world.chats.set_price(target, 0)
        await house.ask_again()
        await house.run()
        assert (await paused(house), house.texts(target)) == ("", ["one"])


async def test_a_price_that_comes_later(tmp_path: Path) -> None:
    """Texts, files and albums that were due go out when it is gone; so they do for an administrator."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), paid_group(house, 0)
        house.mirror(source, target)
        await house.start()
        house.post(source, "one")
        await house.run()
        target.price = 7  # which no update has told
        house.post(source, "two")
        house.post(source, "three", media=house.world.media.photo(100, 100))
        await house.run(3600)
        assert "costs Stars there (7)" in await paused(house)
        assert house.tg.log.count("messages.sendMessage") <= 3
        house.world.chats.promote(target, house.me, pin_messages=True)
        await house.ask_again()
        await house.run()
        assert (await paused(house), house.texts(target)) == ("", ["one", "two", "three"])


@pytest.mark.parametrize("name", NAMES)
async def test_a_price_that_the_chat_does_not_name(tmp_path: Path, name: str) -> None:
    """It can be no message's own: one is parked, the others wait, and the chat is asked as seldom as ever."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), paid_group(house, 0)
        house.mirror(source, target)
        await house.start()
        refuse(house, name, lambda request: True, code=403)
        for number in range(4):
            house.post(source, f"m{number}")
        asked = house.tg.log.count(QUESTION)
        await house.run(6 * 3600)
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["parked"], mirror["backlog"]) == ("", 1, 3)
        assert name in mirror["hold_reason"]
        assert "administrators" in mirror["hold_reason"]
        assert house.tg.log.count(QUESTION) - asked <= 1 + 6 * 6
        assert house.tg.log.count("messages.sendMessage") <= 2 + 6 * 6
        house.tg.faults.clear()
        await house.run()
        await runs(house, parked=1)
        assert house.texts(target) == ["m1", "m2", "m3"]
