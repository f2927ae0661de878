"""A target where each message costs Stars: nothing is ever paid, parked away or tried without end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.behaviour.test_refused_messages import QUESTION, refuse, runs
from tests.harness import House
from tests.telegram.dispatch import Call
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.media import Media
from tests.telegram.world.messages import SHARED

NAMES = ("ALLOW_PAYMENT_REQUIRED", "ALLOW_PAYMENT_REQUIRED_5", "BALANCE_TOO_LOW")
ALBUM = "messages.sendMultiMedia"
EDIT = "messages.editMessage"


def paid_group(house: House, price: int, **fields: Any) -> Chat:
    """A group of somebody else's, which our account is a member of."""
    target = house.world.chats.add_supergroup("Target", house.other, [house.me], **fields)
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


def stars_offered(house: House) -> list[tuple[str, int]]:
    """What our requests would pay, as they come in: nothing, whatever they are."""
    offered: list[tuple[str, int]] = []

    def look(call: Call, request: Any) -> bool:
        if stars := getattr(request, "allow_paid_stars", None):
            offered.append((type(request).__name__, stars))
        return False

    house.tg.faults.add(Fault(None, when=look, times=None))
    return offered


def photos(house: House, captions: Sequence[str]) -> list[tuple[Media, str]]:
    make = house.world.media
    return [(make.photo(640 + number, 480), words) for number, words in enumerate(captions)]


def albums(house: House, target: Chat) -> list[list[str]]:
    """The texts of what stands there, what is one album together."""
    found: dict[int, list[str]] = {}
    for message in house.messages(target):
        found.setdefault(message.grouped_id or message.ids[SHARED], []).append(message.text)
    return list(found.values())


@pytest.mark.parametrize("transfer", ["stream", "reference"])
@pytest.mark.parametrize("shape", ["bare", "captions", "long caption", "forwarded", "a reply", "in a topic"])
async def test_an_album_is_never_paid(tmp_path: Path, shape: str, transfer: str) -> None:
    """One that was due waits whole; the status names the price, and it goes out once when there is none."""
    async with House(tmp_path) as house:
        forum = shape == "in a topic"
        source = house.supergroup("Source", forum=forum)
        target = paid_group(house, 0, forum=forum)
        fields: dict[str, Any] = {}
        options: dict[str, Any] = {"transfer": transfer}
        if forum:
            fields["topic"] = house.world.chats.add_topic(source, house.other, "Tea")
            options["source_topic"] = fields["topic"]
            options["target_topic"] = house.world.chats.add_topic(target, house.other, "Copies")
        house.mirror(source, target, **options)
        await house.start()
        first = house.post(source, "before", **fields)
        await house.run()
        offered = stars_offered(house)
        target.price = 7  # which no update has told
        captions = {"bare": ["", "", ""], "long caption": ["x" * 1500, "", ""]}.get(shape, ["a", "b", "c"])
        if shape == "forwarded":
            fields["forward"] = types.MessageFwdHeader(date=None, from_name="Cy")
        if shape == "a reply":
            fields["reply_to"] = first
        if shape == "long caption":
            house.other.premium = True
        house.world.chats.post_album(source, house.other, photos(house, captions), **fields)
        house.post(source, "after", **{key: fields[key] for key in ("topic",) if key in fields})
        await house.run(3600)
        assert "costs Stars there (7)" in await paused(house)
        assert albums(house, target) == [["before"]]
        assert house.tg.log.count(ALBUM) <= 2
        target.price = 0
        await house.ask_again()
        await house.run()
        assert await paused(house) == ""
        copies = albums(house, target)
        assert [copies[0], copies[-1]] == [["before"], ["after"]]
        assert [len(album) for album in copies[1:-1] if len(album) > 1] == [3]
        assert "".join("".join(album) for album in copies[1:-1]) == "".join(captions)
        assert offered == []


@pytest.mark.parametrize("transfer", ["stream", "reference"])
async def test_an_edit_costs_nothing_and_offers_nothing(tmp_path: Path, transfer: str) -> None:
    """Of what stands there; one that Telegram wants paid all the same is given up, and pauses nothing."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), paid_group(house, 0)
        house.mirror(source, target, transfer=transfer)
        await house.start()
        items = house.world.chats.post_album(source, house.other, photos(house, ["a", "b"]))
        single = house.post(source, "text")
        await house.run()
        assert albums(house, target) == [["a", "b"], ["text"]]
        offered = stars_offered(house)
        target.price = 7
        house.world.chats.edit(items[1], text="b, edited")
        house.world.chats.edit(single, text="text, edited")
        await house.run(600)
        assert albums(house, target) == [["a", "b, edited"], ["text, edited"]]
        house.tg.faults.add(Fault(EDIT, code=403, message="ALLOW_PAYMENT_REQUIRED_7", times=None))
        house.world.chats.edit(items[0], text="a, edited")
        await house.run(3600)
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["parked"], mirror["changes"]) == ("", 0, 0)
        assert mirror["given_up"]["edit"]["count"] == 1
        assert albums(house, target) == [["a", "b, edited"], ["text, edited"]]
        assert offered == []
