"""What the operator wants changed is changed in every copy, in its edits, and known again later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from telethon.tl import types

from tests.behaviour.test_ledger import UNKNOWN, ledgers, paused
from tests.harness import House


async def test_words_links_and_lines(tmp_path: Path) -> None:
    """History, live posts and edits alike; formatting stays on its words."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("News"), house.own_supergroup("Target")
        post = house.post(
            source,
            "😀 the Old name, https://old.example/x",
            entities=[
                types.MessageEntityBold(7, 8),
                types.MessageEntityTextUrl(3, 3, "https://old.example/y"),
            ],
        )
        house.mirror(
            source,
            target,
            replace={"old": "🎉 new", "old.example": "new.example"},
            header="{source}",
            footer="by {author}",
        )
        await house.start()
        await house.run()
        [copy] = house.messages(target)
        assert copy.text == "News\n😀 the 🎉 new name, https://new.example/x\nby Otto Other"
        marks = [(type(e).__name__, e.offset, e.length, getattr(e, "url", "")) for e in copy.entities]
        assert ("MessageEntityBold", 12, 11, "") in marks
        assert ("MessageEntityTextUrl", 8, 3, "https://new.example/y") in marks
        house.world.chats.edit(post, "now really old")
        await house.run()
        assert house.texts(target) == ["News\nnow really 🎉 new\nby Otto Other"]


async def test_captions_are_dropped(tmp_path: Path) -> None:
    """Also those that come with an edit; texts are no captions."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        house.mirror(source, target, drop_captions=True)
        await house.start()
        photo = house.post(source, "a caption", media=make.photo())
        house.world.chats.post_album(source, house.other, [make.photo(seed=2), (make.video(), "another")])
        house.post(source, "a text")
        await house.run()
        assert house.texts(target) == ["", "", "", "a text"]
        house.world.chats.edit(photo, "a new caption")
        await house.run()
        assert house.texts(target) == ["", "", "", "a text"]
        assert len({message.id for message in house.messages(target)}) == 4


async def test_an_edited_album_keeps_our_lines_where_they_were(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        house.mirror(source, target, header="top", footer="end", attribution="author")
        await house.start()
        items: list[Any] = [make.photo(), (make.photo(seed=2), "words"), (make.photo(seed=3), "more")]
        posts = house.world.chats.post_album(source, house.other, items)
        await house.run()
        assert house.texts(target) == ["", "top\nOtto Other\nwords\nend", "more"]
        house.world.chats.edit(posts[0], "new")
        house.world.chats.edit(posts[1], "words!")
        house.world.chats.edit(posts[2], "")
        await house.run()
        assert house.texts(target) == ["new", "top\nOtto Other\nwords!\nend", ""]


async def test_a_quote_follows_the_words_that_were_replaced(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        first = house.post(source, "cats and old dogs")
        house.post(source, "yes", reply_to=first, quote="old dogs")
        house.mirror(source, target, replace={"old": "very old"}, header="H")
        await house.start()
        await house.run()
        parent, reply = house.messages(target)
        assert parent.text == "H\ncats and very old dogs"
        assert reply.reply is not None
        assert (reply.reply.to, reply.reply.quote) == (parent, "very old dogs")


async def test_a_lost_ledger_knows_changed_copies_again(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(4):
            house.post(source, f"the old number {n}")
        house.post(source, "a caption", media=house.world.media.photo(width=777, height=555))
        house.mirror(source, target, replace={"old": "new"}, header="top", footer="end", drop_captions=True)
        await house.start()
        await house.run()
        before = house.texts(target)
        assert before[0] == "top\nthe new number 0\nend"
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        await house.start()
        await house.run()
        assert UNKNOWN in await paused(house)
        assert house.texts(target) == before


async def test_copies_of_before_the_transforms_are_known_again_too(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(4):
            house.post(source, f"the old number {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        house.mirrors[0] |= {"replace": {"old": "new"}, "header": "top"}
        await house.start()
        await house.run()
        assert UNKNOWN in await paused(house)
        assert house.texts(target) == [f"the old number {n}" for n in range(4)]
