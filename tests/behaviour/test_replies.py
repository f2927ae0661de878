"""Replies find what they answer; what cannot be answered becomes a quoted line; parents go before them."""

from __future__ import annotations

from pathlib import Path

import pytest
from telethon.tl import types

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message

SEND = "messages.sendMessage"


def answered(message: Message) -> Message | None:
    return message.reply.to if message.reply is not None else None


async def running(house: House, **options: object) -> tuple[Chat, Chat]:
    """A mirror whose history is empty."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target


@pytest.mark.parametrize("live", [False, True])
async def test_a_reply_answers_the_copy(tmp_path: Path, live: bool) -> None:
    """In the backlog as in live posts, with its quote, across a restart."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        if live:
            await house.start()
            await house.run()
        parent = house.post(source, "a question with words to quote")
        if live:
            await house.run()
            await house.restart()
        house.post(source, "plain", reply_to=parent)
        house.post(source, "quoting", reply_to=parent, quote="words to quote")
        if not live:
            await house.start()
        await house.run()
        first, plain, quoting = house.messages(target)
        assert answered(plain) is first
        assert answered(quoting) is first
        assert quoting.reply is not None
        assert quoting.reply.quote == "words to quote"
        assert [first.text, plain.text, quoting.text] == [
            "a question with words to quote",
            "plain",
            "quoting",
        ]


async def test_a_reply_to_an_item_of_an_album(tmp_path: Path) -> None:
    """It answers that item's copy, or at least its album."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        make = house.world.media
        album = house.world.chats.post_album(
            source, house.other, [(make.photo(seed=n), f"item {n}") for n in range(3)]
        )
        house.post(source, "about the second", reply_to=album[1])
        await house.run(60)
        copies = house.messages(target)
        assert [copy.text for copy in copies] == ["item 0", "item 1", "item 2", "about the second"]
        assert answered(copies[3]) is copies[1]


async def test_a_reply_to_what_was_never_mirrored_becomes_a_quoted_line(tmp_path: Path) -> None:
    """With `history = "none"` the parent lies before the beginning: its words, its link, no reply."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        parent = house.post(source, "long ago")
        house.mirror(source, target, history="none")
        await house.start()
        await house.run()
        house.post(source, "about that", reply_to=parent, quote="long")
        await house.run()
        [copy] = house.messages(target)
        assert answered(copy) is None
        assert copy.text.endswith("about that")
        assert "long" in copy.text
        links = [entity.url for entity in copy.entities if hasattr(entity, "url")]
        assert links == [f"https://t.me/c/{source.id}/{parent.id}"]


@pytest.mark.parametrize("fate", ["skipped", "parked"])
async def test_a_reply_to_a_skipped_or_parked_one_degrades(tmp_path: Path, fate: str) -> None:
    """The answer is not lost with its parent, and the queue does not wait for it."""
    async with House(tmp_path) as house:
        source, target = await running(house, unsupported="skip")
        if fate == "skipped":
            dice = house.world.media.plain("dice", types.MessageMediaDice(3, "🎲"))
            parent = house.post(source, "", media=dice)
        else:
            house.tg.faults.add(
                Fault(SEND, code=400, message="STRANGE", times=None, when=lambda _, r: r.message == "parent")
            )
            parent = house.post(source, "parent")
        house.post(source, "the answer", reply_to=parent)
        house.post(source, "after")
        await house.run()
        first, second = house.messages(target)
        assert first.text.startswith("↪ ")
        assert first.text.endswith("the answer")
        assert answered(first) is None
        assert second.text == "after"
        assert [e for e in first.entities if str(parent.id) in str(getattr(e, "url", ""))]


async def long_backlog(house: House, count: int = 40, **options: object) -> tuple[Chat, Chat, list[Message]]:
    """A mirror whose backlog takes longer than fifteen minutes, three posts of it already copied."""
    house.options["pace"] = {"interval": 60}
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    make = house.world.media
    old = [house.post(source, f"old {n}") for n in range(count - 4)]
    old += house.world.chats.post_album(
        source, house.other, [(make.photo(seed=n), f"album {n}") for n in range(3)]
    )
    old.append(house.post(source, "the newest of the old", reply_to=old[-1]))
    house.mirror(source, target, **options)
    await house.start()
    await house.run(until=lambda: len(house.texts(target)) == 3)
    return source, target, old


async def test_a_live_post_overtakes_a_long_backlog(tmp_path: Path) -> None:
    """Only while more than fifteen minutes of it are left; then the order is the source's."""
    async with House(tmp_path) as house:
        source, target, _ = await long_backlog(house)
        house.post(source, "news")
        await house.run(until=lambda: "news" in house.texts(target))
        assert len(house.texts(target)) <= 6
        await house.run(until=lambda: len(house.texts(target)) >= 41 - 12)
        house.post(source, "late news")
        await house.run()
        texts = house.texts(target)
        assert texts[-1] == "late news"
        assert [text for text in texts if text.startswith("old")] == [f"old {n}" for n in range(36)]
        assert len(texts) == len(set(texts)) == 42


async def test_order_source_overtakes_nothing(tmp_path: Path) -> None:
    """`order = "source"`: history first, to its end."""
    async with House(tmp_path) as house:
        source, target, _ = await long_backlog(house, order="source")
        house.post(source, "news")
        await house.run()
        texts = house.texts(target)
        assert texts[-1] == "news"
        assert texts[:36] == [f"old {n}" for n in range(36)]


async def test_a_live_reply_lifts_its_parent(tmp_path: Path) -> None:
    """The parent goes directly before it, at the live pace, and the history later finds it done."""
    async with House(tmp_path) as house:
        source, target, old = await long_backlog(house)
        house.post(source, "an answer", reply_to=old[30])
        await house.run(until=lambda: "an answer" in house.texts(target))
        copies = house.messages(target)
        place = [copy.text for copy in copies].index("an answer")
        assert copies[place - 1].text == "old 30"
        assert answered(copies[place]) is copies[place - 1]
        await house.run()
        texts = house.texts(target)
        assert len(texts) == len(set(texts)) == 41
        rest = [text for text in texts if text not in ("an answer", "old 30")]
        assert rest[:35] == [f"old {n}" for n in range(36) if n != 30]


async def test_a_parent_that_is_an_album_is_lifted_whole(tmp_path: Path) -> None:
    """All of it, in order, as one album, and the reply answers the item that was meant."""
    async with House(tmp_path) as house:
        source, target, old = await long_backlog(house)
        house.post(source, "nice", reply_to=old[-3])
        await house.run(until=lambda: "nice" in house.texts(target))
        copies = house.messages(target)
        place = [copy.text for copy in copies].index("nice")
        album = copies[place - 3 : place]
        assert [copy.text for copy in album] == ["album 0", "album 1", "album 2"]
        assert len({copy.grouped_id for copy in album}) == 1
        assert answered(copies[place]) is album[1]
        await house.run()
        texts = house.texts(target)
        assert len(texts) == len(set(texts)) == 41


async def test_only_one_level_is_lifted(tmp_path: Path) -> None:
    """The parent's own parent is not: a quoted line with its link stands in its place."""
    async with House(tmp_path) as house:
        source, target, old = await long_backlog(house)
        house.post(source, "chain", reply_to=old[-1])
        await house.run(until=lambda: "chain" in house.texts(target))
        copies = house.messages(target)
        place = [copy.text for copy in copies].index("chain")
        parent = copies[place - 1]
        assert parent.text.endswith("the newest of the old")
        assert parent.text.startswith("↪ ")
        assert answered(parent) is None
        assert answered(copies[place]) is parent
        assert "album 0" not in [copy.text for copy in copies]
        await house.run()
        assert len(house.texts(target)) == 41


async def test_a_lifted_parent_survives_a_restart(tmp_path: Path) -> None:
    """Lifted, then killed before anything was sent: parent, reply, and nothing twice."""
    async with House(tmp_path) as house:
        source, target, old = await long_backlog(house)
        house.tg.faults.add(Fault(SEND, "flood", seconds=30))
        house.post(source, "an answer", reply_to=old[32])
        await house.run(20)
        await house.restart()
        await house.run()
        texts = house.texts(target)
        assert texts.index("an answer") == texts.index("old 32") + 1
        assert len(texts) == len(set(texts)) == 41
