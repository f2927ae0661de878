"""A server that lies: sizes, bounds, names, kinds, ids. Copied, noted or parked; never the end.

Each lie stands in the history between two texts, which must both arrive, and once more as a live post.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.harness import House
from tests.telegram.world.blobs import GeneratedBlob
from tests.telegram.world.chats import Chat
from tests.telegram.world.media import Media, Page
from tests.telegram.world.messages import Message, Reply

pytestmark = pytest.mark.thorough


class Unknown:
    """An object of a newer layer."""

    CONSTRUCTOR_ID = 0x0BADF00D

    def _bytes(self) -> bytes:
        return struct.pack("<Iq", self.CONSTRUCTOR_ID, 1)

    def to_dict(self) -> dict[str, Any]:
        return {"_": "Unknown"}


class Lied(GeneratedBlob):
    """Has 100,000 bytes, whatever it `says`."""

    def __init__(self, says: int) -> None:
        super().__init__(100_000, 3)
        self.size = says

    def read(self, offset: int, limit: int) -> bytes:
        return super().read(offset, limit)[: max(0, 100_000 - offset)]


def words(text: str) -> Any:
    return types.TextWithEntities(text, [])


def poll(question: str, answers: int) -> Any:
    options = [types.PollAnswer(words(f"a{n}"), b"%d" % n) for n in range(answers)]
    return types.MessageMediaPoll(types.Poll(7, words(question), options, 5), types.PollResults())


def say(house: House, chat: Chat, text: str = "lie", plain: Any = None, **fields: Any) -> Message:
    """A message that no request could have made: what is given replaces what the server would keep."""
    media = Media("plain", plain=plain) if plain is not None else fields.pop("media", None)
    message = house.world.chats.draft(chat, house.other, text=text, media=media, **fields)
    house.world.chats.deliver([message])
    return message


def document(house: House, **changes: Any) -> Media:
    media = house.world.media.document(size=200_000)
    for name, value in changes.items():
        setattr(media.document, name, value)
    return media


def deep(levels: int) -> Page:
    text: Any = types.TextPlain("deep")
    for _ in range(levels):
        text = types.TextBold(text)
    return Page([types.PageBlockParagraph(text)])


def geo(lat: float, long: float) -> Any:
    return types.MessageMediaGeo(types.GeoPoint(long=long, lat=lat, access_hash=1))


Bold = types.MessageEntityBold
FAMILY = "👨‍👩‍👧‍👦"
PHOTO = types.Photo(5, 6, b"r", None, [], 2)
Lie = Callable[[House, Chat], object]
LIES: dict[str, Lie] = {
    "entities out of bounds": lambda h, c: say(
        h, c, "lie 😀", entities=[Bold(-3, 5), Bold(2, 900), Bold(50, 1), Bold(1, 0), Bold(5, 1), Bold(0, -1)]
    ),
    "4,096 families": lambda h, c: say(h, c, FAMILY * 4096),
    "control characters": lambda h, c: say(h, c, "a\x00b\x07\x1b[31mred\x9b\u202e"),
    "nothing at all": lambda h, c: say(h, c, ""),
    "only spaces": lambda h, c: say(h, c, " \u2003\u200b "),
    "a file that is shorter": lambda h, c: say(h, c, media=document(h, blob=Lied(700_000))),
    "a file of no size": lambda h, c: say(h, c, media=document(h, blob=Lied(0))),
    "a file of a negative size": lambda h, c: say(h, c, media=document(h, blob=Lied(-5))),
    "a file without end": lambda h, c: say(h, c, media=document(h, blob=Lied(2**62))),
    "a file of no kind": lambda h, c: say(h, c, media=document(h, mime_type="", attributes=[])),
    "a video of no time": lambda h, c: say(
        h,
        c,
        media=document(
            h, mime_type="video/mp4", attributes=[types.DocumentAttributeVideo(float("nan"), -1, 2**31 - 1)]
        ),
    ),
    "a name to harm": lambda h, c: say(
        h, c, media=document(h, attributes=[types.DocumentAttributeFilename("../\x00\u202e/" + "x" * 5000)])
    ),
    "a photo without sizes": lambda h, c: say(h, c, plain=types.MessageMediaPhoto(photo=PHOTO)),
    "a document that is none": lambda h, c: say(
        h, c, plain=types.MessageMediaDocument(document=types.DocumentEmpty(4))
    ),
    "a poll of nothing": lambda h, c: say(h, c, "", poll("", 0)),
    "a poll of everything": lambda h, c: say(h, c, "", poll("all?", 90)),
    "a place off the earth": lambda h, c: say(h, c, "", geo(float("nan"), 1e300)),
    "a contact of nobody": lambda h, c: say(h, c, "", types.MessageMediaContact("", "", "", "", 0)),
    "a checklist of nothing": lambda h, c: say(
        h, c, "", types.MessageMediaToDo(types.TodoList(words(""), []))
    ),
    "a page of nothing": lambda h, c: say(h, c, "", page=Page([])),
    "a deep page": lambda h, c: say(h, c, "", page=deep(150)),
    "an answer to itself": lambda h, c: _answer_itself(h, c),
    "an album of thirty": lambda h, c: [
        say(h, c, "", media=h.world.media.photo(100, 100, seed=n), grouped_id=77) for n in range(30)
    ],
    "an album of words": lambda h, c: [say(h, c, f"lie {n}", grouped_id=78) for n in range(3)],
    "an object of a newer layer": lambda h, c: say(h, c, "", Unknown()),
}


def _answer_itself(house: House, chat: Chat) -> None:
    message = say(house, chat)
    message.reply = Reply(to=message, quote="never said", quote_offset=9999)


async def ended(house: House, target: Chat, good: list[str]) -> None:
    """All good texts stand there in their order, every job has ended, and the mirror runs."""
    texts = [text for text in house.texts(target) if text.startswith("good ")]
    assert texts == good
    assert {state for _, state, _ in await house.jobs()} <= {"done", "skipped", "parked"}
    assert [mirror["paused"] for mirror in (await house.status())["mirrors"]] == [""]
    assert not house.tg.bugs


@pytest.mark.parametrize("transfer", ["stream", "reference"])
async def test_the_daemon_goes_on(tmp_path: Path, transfer: str) -> None:
    """With all lies in the history; what cannot be sent in any form is parked with a reason."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        good = []
        for name, lie in LIES.items():
            lie(house, source)
            good.append(f"good after {name}")
            house.post(source, good[-1])
        house.mirror(source, target, transfer=transfer)
        await house.start()
        await house.run()
        await ended(house, target, good)
        parked = (await house.verb("parked"))["parked"]
        assert all(one["reason"] for one in parked)
        assert len(parked) <= 3, [one["reason"] for one in parked]


async def test_lies_told_live(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        good = []
        for name, lie in LIES.items():
            lie(house, source)
            good.append(f"good after {name}")
            house.post(source, good[-1])
            await house.run(60.0)
        await house.run()
        await ended(house, target, good)


async def test_families_are_not_torn(tmp_path: Path) -> None:
    """A message of 4,096 of them becomes several, with every family whole."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        say(house, source, FAMILY * 4096)
        house.mirror(source, target)
        await house.start()
        await house.run()
        texts = house.texts(target)
        assert "".join(texts) == FAMILY * 4096
        assert all(text == FAMILY * (len(text) // len(FAMILY)) for text in texts)
