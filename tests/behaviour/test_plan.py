"""The dry run says what a run then does, post by post, and neither sends nor writes anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.harness import House
from tests.telegram.world.chats import Chat
from tgstreamd.domain.errors import TgstreamdError


def conversation(house: House, source: Chat) -> None:
    """Of every way one, replies to what is copied and to what is not, an album, and something too long."""
    make, chats = house.world.media, house.world.chats
    first = house.post(source, "first")
    ad = house.post(source, "buy #ad")
    house.post(source, "a file", media=make.document(size=1_500_000), reply_to=first)
    house.post(source, media=make.sticker())
    chats.post_album(source, house.other, [make.photo(), (make.photo(seed=2), "both")])
    house.post(source, "word " * 1500)
    house.post(source, media=make.plain("dice", types.MessageMediaDice(value=3, emoticon="🎲")), reply_to=ad)
    chats.pin(first)


async def planned(house: House, **asked: Any) -> dict[str, Any]:
    return await house.verb("plan", **asked)


async def test_it_says_what_will_be_sent(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        conversation(house, source)
        house.mirror(source, target, filter=[{"name": "no ads", "text": "#ad"}], transfer="stream")
        await house.start()
        answer = await planned(house)
        rows = {row["id"]: row for row in answer["posts"]}
        said = [(row["kind"], row["ways"], row["skip"], row["sends"], row["reply"]) for row in rows.values()]
        assert said == [
            ("ChannelCreate", ["skip"], "service message: ChannelCreate", 0, ""),
            ("text", ["text"], "", 1, ""),
            ("text", ["skip"], "filter no ads", 0, ""),
            ("file", ["stream"], "", 1, "known"),
            ("sticker", ["reference"], "", 1, ""),
            ("album of 2", ["stream"], "", 2, ""),
            ("text", ["text"], "", 2, ""),
            ("dice", ["note"], "", 1, "lost: filter no ads"),
            ("PinMessage", ["skip"], "service message: PinMessage", 0, ""),
        ]
        totals = answer["totals"]
        assert (totals["posts"], totals["sends"], totals["settled"]) == (9, 8, 0)
        assert totals["bytes"] > 1_500_000
        assert totals["seconds"] == 28
        assert totals["skipped"]["filter no ads"] == 1
        assert answer["next"] is None
        # Nothing has happened yet; and what then happens is what was said.
        assert house.messages(target) == []
        assert await house.jobs() == []
        await house.run()
        assert len(house.messages(target)) == totals["sends"]
        after = await planned(house)
        assert {row["ledger"] for row in after["posts"]} == {"done", "skipped"}
        assert (after["totals"]["sends"], after["totals"]["settled"]) == (0, 9)


async def test_page_by_page_it_says_the_same(tmp_path: Path) -> None:
    """Albums stay whole, and replies and speakers go on from one page to the next."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        conversation(house, source)
        house.mirror(source, target, attribution="author")
        await house.start()
        whole = await planned(house)
        rows: list[dict[str, Any]] = []
        following: dict[str, Any] | None = {}
        while following is not None:
            page = await planned(house, limit=1, **following)
            assert len(page["posts"]) == 1
            rows += page["posts"]
            following = page["next"]
        assert [row["messages"] for row in rows] == [row["messages"] for row in whole["posts"]]
        assert [row["sends"] for row in rows] == [row["sends"] for row in whole["posts"]]


async def test_a_stretch_of_it(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        posts = [house.post(source, str(n)) for n in range(5)]
        house.mirror(source, target, history="none")
        await house.start()
        assert (await planned(house))["posts"] == []
        answer = await planned(house, after=posts[1].id, upto=posts[3].id)
        assert [row["text"] for row in answer["posts"]] == ["2", "3"]


async def test_topics_of_a_forum(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Source", forum=True)
        target, flat = house.own_supergroup("Target", forum=True), house.own_supergroup("Flat")
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "green", topic=tea)
        house.mirror(source, target, name="forum")
        house.mirror(source, flat, name="flat")
        await house.start()
        answers = [await planned(house, mirror=name) for name in ("forum", "flat")]
        ways = [[row["ways"] for row in answer["posts"]] for answer in answers]
        assert ways == [[["skip"], ["topic"], ["text"]], [["skip"], ["skip"], ["text"]]]
        await house.run()
        assert answers[0]["totals"]["sends"] == 2
        assert house.texts(flat) == ["▸ Tea\ngreen"]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({}, "there are several mirrors: name one (there is a, b)"),
        ({"mirror": "c"}, 'no mirror is named "c" (there is a, b)'),
        ({"mirror": "a", "limit": "many"}, "plan: Expected `int`, got `str` - at `$.limit`"),
    ],
)
async def test_what_it_refuses(tmp_path: Path, asked: dict[str, Any], line: str) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        house.mirror(source, house.own_supergroup("A"), name="a")
        house.mirror(source, house.own_supergroup("B"), name="b")
        await house.start()
        with pytest.raises(TgstreamdError) as caught:
            await planned(house, **asked)
        assert caught.value.line() == line


async def test_the_group_that_the_source_was_comes_first(tmp_path: Path) -> None:
    """As the daemon copies it: with its albums, and replies over the boundary; whatever the pages are."""
    async with House(tmp_path) as house:
        source = house.world.chats.add_group("Group", house.other, [house.me])
        target, make = house.own_supergroup("Target"), house.world.media
        first = house.post(source, "one")
        house.world.chats.post_album(source, house.other, [make.photo(), make.photo(seed=2)])
        new = house.world.chats.migrate(source)
        house.post(new, "two", reply_to=first)
        house.mirror(new, target)
        await house.start()
        rows: list[dict[str, Any]] = []
        following: dict[str, Any] | None = {}
        while following is not None:
            page = await planned(house, limit=2, **following)
            rows += page["posts"]
            following = page["next"]
        posts = [row for row in rows if not row["skip"]]
        assert [(row["chat"], row["kind"], row["reply"]) for row in posts] == [
            (source.marked_id, "text", ""),
            (source.marked_id, "album of 2", ""),
            (new.marked_id, "text", "known"),
        ]
        assert sum(row["sends"] for row in rows) == 4
        stretch = await planned(house, after=1)
        assert {row["chat"] for row in stretch["posts"]} == {new.marked_id}
        await house.run()
        assert len(house.texts(target)) == 4


async def test_links_that_lead_to_copies(tmp_path: Path) -> None:
    """To what is copied already or before it; not to what comes later or is skipped."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        old = house.post(source, "one")
        house.mirror(source, target, filter=[{"name": "no ads", "text": "#ad"}])
        await house.start()
        await house.run()
        ad, new = house.post(source, "buy #ad"), house.post(source, "two")
        number = str(source.marked_id).removeprefix("-100")
        for post in (old, ad, new):
            house.post(source, f"see https://t.me/c/{number}/{post.id}")
        house.post(source, f"see https://t.me/c/{number}/999")
        answer = await planned(house, after=ad.id - 1)
        assert [row["links"] for row in answer["posts"]] == [0, 0, 1, 0, 1, 0]
        await house.run()
        led = [copy.text for copy in house.messages(target) if f"/c/{target.marked_id}"[7:] in copy.text]
        assert len(led) == 2
