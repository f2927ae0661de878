"""A lost ledger is derived anew from the two chats, a copy of it can be taken and put back at any time."""

from __future__ import annotations

import stat
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.behaviour.test_ledger import ledgers, mirrored, paused
from tests.behaviour.test_verify import found, kinds, mended
from tests.harness import House
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd.domain.errors import TgstreamdError
from tgstreamd.ledger import Store

pytestmark = pytest.mark.thorough


async def lost(house: House) -> tuple[Chat, Chat]:
    """A mirror whose ledger is gone, and that waits since its target holds copies."""
    source, target = await mirrored(house)
    await house.stop()
    for file in ledgers(house):
        file.unlink()
    house.post(source, "not copied yet")
    await house.start()
    await house.run()
    assert "already holds copies" in await paused(house)
    return source, target


async def rebuilt(house: House) -> dict[str, Any]:
    """The ledger is lost, and its map derived anew; what was said before it was written."""
    await house.stop()
    for file in ledgers(house):
        file.unlink()
    await house.start()
    await house.run()
    looked = await house.verb("rebuild", mirror="m1", write=False)
    await house.verb("rebuild", mirror="m1", write=True)
    await house.run()
    return looked


def looks(house: House, chat: Chat) -> Counter[Any]:
    """What stands in a chat, whatever the order."""

    def look(message: Message) -> Any:
        media = message.media
        if media is None:
            return message.text
        if media.photo is not None:
            return message.text, media.photo.width, media.photo.height
        assert media.document is not None
        return message.text, media.document.blob.sha256

    return Counter(look(message) for message in house.messages(chat))


async def test_the_map_is_derived_anew(tmp_path: Path) -> None:
    """Nothing is sent twice, and then replies, edits and deletions find the old copies again."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        first = house.post(source, "the first of all")
        for n in range(5):
            house.post(source, f"text number {n}")
        house.post(source, "x" * 5000)
        file = house.post(source, "with a file", media=make.document(size=123_456))
        album = house.world.chats.post_album(
            source, house.other, [(make.photo(seed=n), f"photo {n}") for n in (1, 2, 3)]
        )
        house.mirror(source, target, deletes="mirror")
        await house.start()
        await house.run()
        before = house.texts(target)
        await house.stop()
        for ledger in ledgers(house):
            ledger.unlink()
        await house.start()
        await house.run()
        found = await house.verb("rebuild", mirror="m1", write=False)
        assert (found["mapped"], found["skipped"], found["left"]) == (11, 0, 0)
        assert house.texts(target) == before
        written = await house.verb("rebuild", mirror="m1", write=True)
        assert written["mapped"] == 11
        await house.run()
        assert await paused(house) == ""
        house.post(source, "an answer", reply_to=first)
        house.world.chats.edit(file, "with a file, edited")
        house.world.chats.delete(album[1])
        await house.run()
        said = house.texts(target)
        assert said[-1] == "an answer"
        assert "with a file, edited" in said
        assert "photo 2" not in said
        assert {"photo 1", "photo 3"} <= set(said)
        answer = house.messages(target)[-1]
        assert answer.reply is not None
        assert answer.reply.to is not None
        assert answer.reply.to.text == "the first of all"
        status = (await house.status())["mirrors"][0]
        assert (status["done"], status["backlog"], status["parked"]) == (12, 0, 0)


async def test_an_edit_leaves_the_lines_as_they_stand(tmp_path: Path) -> None:
    """Above one of several posts the author is named, above the others not: also after the map was lost."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        posts = [house.post(source, f"text number {n}") for n in range(4)]
        album = house.world.chats.post_album(
            source, house.me, [(make.photo(seed=n), f"photo {n}") for n in (1, 2)]
        )
        posts += [house.post(source, f"more of that, {n}") for n in range(3)]
        house.mirror(source, target, attribution="author")
        await house.start()
        await house.run()
        await house.stop()
        for ledger in ledgers(house):
            ledger.unlink()
        await house.start()
        await house.run()
        await house.verb("rebuild", mirror="m1", write=False)
        await house.verb("rebuild", mirror="m1", write=True)
        before = house.texts(target)
        for post in [*posts, *album]:
            house.world.chats.edit(post, f"{post.text}!")
        await house.run()
        assert house.texts(target) == [f"{text}!" for text in before]
        assert sum("\n" in text for text in before) == 3


async def test_what_the_target_lacks_is_told_before_anything_is_written(tmp_path: Path) -> None:
    """An old copy that is gone is skipped with its reason; what is newer is sent."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        house.world.chats.delete(house.messages(target)[1])
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        house.post(source, "not copied yet")
        await house.start()
        await house.run()
        found = await house.verb("rebuild", mirror="m1", write=False)
        assert (found["mapped"], found["skipped"], found["left"]) == (8, 1, 1)
        await house.verb("rebuild", mirror="m1", write=True)
        await house.run()
        assert house.texts(target) == [*before, "not copied yet"]
        assert [r for _, _, r in await house.jobs() if "ledger lost" in r] == [
            "ledger lost: not found in the target"
        ]


async def test_a_hole_in_an_album_is_filled_with_what_is_missing(tmp_path: Path) -> None:
    """Two items without words and one that says "z": the copy of the second is gone."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        for n in range(3):
            house.post(source, f"text number {n}")
        items = [
            (make.photo(seed=n, width=640, height=480), said) for n, said in ((1, ""), (2, ""), (3, "z"))
        ]
        album = house.world.chats.post_album(source, house.other, items)
        house.post(source, "the last one")
        house.mirror(source, target)
        await house.start()
        await house.run()
        copies = house.messages(target)
        house.world.chats.delete(copies[4])
        looked = await rebuilt(house)
        assert (looked["mapped"], looked["skipped"], looked["left"]) == (6, 1, 0)
        assert [(kind, source_id) for kind, source_id, _ in kinds(await found(house))] == [
            ("missing", album[1].id)
        ]
        assert await mended(house) == ["queued"]
        assert house.texts(target).count("z") == 1
        assert looks(house, target) == looks(house, source)
        assert await found(house) == []


async def test_what_was_sent_again_is_mapped_where_it_stands(tmp_path: Path) -> None:
    """`resend` and repair put copies at the end; they are no holes and nothing that is too much."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        originals, copies = house.messages(source), house.messages(target)
        again = [originals[n].id for n in (1, 3, 5, -1)]  # two texts, a photo, the album
        await house.verb("resend", mirror="m1", ids=again, write=True)
        await house.run()
        house.world.chats.delete(copies[0])
        assert await mended(house) == ["queued"]
        before = house.texts(target)
        looked = await rebuilt(house)
        assert (looked["mapped"], looked["skipped"], looked["left"]) == (9, 0, 0)
        assert await found(house) == []
        said = originals[3].text
        house.world.chats.edit(originals[3], "edited afterwards")
        await house.run()
        assert house.texts(target) == ["edited afterwards" if text == said else text for text in before]


async def test_a_part_of_a_text_that_is_missing_is_named(tmp_path: Path) -> None:
    """And then it is sent whole, in place of what stands of it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        long = house.post(source, "x" * 4000 + " " + "y" * 3000)
        for n in range(3):
            house.post(source, f"text number {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        before = looks(house, target)
        house.world.chats.delete(house.messages(target)[1])
        await rebuilt(house)
        assert [(kind, source_id) for kind, source_id, _ in kinds(await found(house))] == [
            ("missing", long.id)
        ]
        assert await mended(house) == ["queued"]
        assert looks(house, target) == before
        assert await found(house) == []


async def test_what_would_be_skipped_is_no_hole(tmp_path: Path) -> None:
    """A filter drops it, then as now: after the loss of the ledger, too, that is its reason."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for text in ("one", "buy this", "two", "three"):
            house.post(source, text)
        house.mirror(source, target, filter=[{"name": "ads", "text": ["buy"]}])
        await house.start()
        await house.run()
        await rebuilt(house)
        assert "filter ads" in [reason for _, _, reason in await house.jobs()]
        assert await found(house) == []


@pytest.mark.parametrize("transfer", ["stream", "reference"])
async def test_what_was_edited_meanwhile_is_mapped_and_edited(tmp_path: Path, transfer: str) -> None:
    """While the ledger was lost: nothing of it is sent again, and `--repair` edits the copies."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        photo = house.world.media.photo(seed=1)
        posts = [house.post(source, f"text number {n} of several that are alike") for n in range(4)]
        posts.append(house.post(source, "with a photo", media=photo))
        house.post(source, "the last one")
        house.mirror(source, target, transfer=transfer)
        await house.start()
        await house.run()
        copies = [copy.id for copy in house.messages(target)]
        await house.stop()
        house.clock.advance(600)
        house.world.chats.edit(posts[1], "text number 1 of several that are not alike")
        house.world.chats.edit(posts[4], "its words are others now")
        looked = await rebuilt(house)
        assert (looked["mapped"], looked["skipped"], looked["left"]) == (6, 0, 0)
        differ = [(kind, source_id) for kind, source_id, _ in kinds(await found(house))]
        assert differ == [("text", posts[1].id), ("text", posts[4].id)]
        assert await mended(house) == ["queued", "queued"]
        assert [copy.id for copy in house.messages(target)] == copies
        assert looks(house, target) == looks(house, source)
        assert await found(house) == []


async def test_others_posts_between_are_nobodys_copies(tmp_path: Path) -> None:
    """Of a member, of another administrator of a channel, and words of our own."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_channel("Channel", house.me, [house.other])
        house.world.chats.promote(target, house.other)
        for n in range(3):
            house.post(source, f"text number {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        theirs = house.world.chats.post(target, house.other, "text of another administrator")
        for n in range(3, 6):
            house.post(source, f"text number {n}")
        await house.run()
        before = house.texts(target)
        looked = await rebuilt(house)
        assert (looked["mapped"], looked["skipped"], looked["left"]) == (6, 0, 0)
        assert kinds(await found(house)) == [("extra", 0, theirs.id)]
        await mended(house)
        assert house.texts(target) == before


async def test_a_forum_keeps_its_topics(tmp_path: Path) -> None:
    """The same words stand in each: what is missing goes back into its own."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source", forum=True)
        target = house.own_supergroup("Target", forum=True)
        topics = [house.world.chats.add_topic(source, house.other, name) for name in ("Tea", "Cake")]
        for n in range(4):
            for topic in topics:
                house.post(source, f"number {n % 2}", topic=topic)
        house.mirror(source, target)
        await house.start()
        await house.run()

        def places() -> Counter[Any]:
            return Counter(
                (target.topics[copy.topic].title if copy.topic else "", copy.text)
                for copy in house.messages(target)
            )

        before, count = places(), len(target.topics)
        house.world.chats.delete(house.messages(target)[3])
        await rebuilt(house)
        assert [one["kind"] for one in await found(house)] == ["missing"]
        assert await mended(house) == ["queued"]
        assert (places(), len(target.topics)) == (before, count)
        assert await found(house) == []


async def test_what_may_stand_in_the_group_that_the_target_was_is_no_hole(tmp_path: Path) -> None:
    """People see both as one history: it is skipped with that reason, and not sent again."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_group("Copy", house.me, [house.other])
        house.mirror(source, target)
        await house.start()
        for n in range(3):
            house.post(source, f"before {n}")
        await house.run()
        house.clock.advance(3600)
        new = house.world.chats.migrate(target)
        for n in range(4):
            house.post(source, f"after {n}")
        await house.run()
        assert house.texts(new) == [f"after {n}" for n in range(4)]
        house.mirrors[0]["target"] = new.marked_id
        looked = await rebuilt(house)
        assert (looked["mapped"], looked["skipped"], looked["left"]) == (4, 3, 0)
        assert await found(house) == []
        house.post(source, "live")
        await house.run()
        assert house.texts(new) == [*(f"after {n}" for n in range(4)), "live"]


#: What is posted: words, a photo (all alike, but for what they say), an album, a text in two parts.
POSTS = st.lists(
    st.one_of(
        st.sampled_from(["ok", "well", "long"]),
        st.sampled_from(["", "a"]).map(lambda said: (said,)),
        st.lists(st.sampled_from(["", "", "a", "b"]), min_size=2, max_size=3).map(tuple),
    ),
    min_size=4,
    max_size=9,
)
DEEDS = st.lists(st.tuples(st.sampled_from(["delete", "resend", "speak"]), st.integers(0, 30)), max_size=6)


async def lives(posts: list[str | tuple[str, ...]], deeds: list[tuple[str, int]], attribution: str) -> None:
    """A world of its own: mirrored, copies deleted and sent again, the ledger lost, rebuilt and repaired."""
    with tempfile.TemporaryDirectory() as folder:
        async with House(Path(folder)) as house:
            source, target = house.supergroup("Source"), house.own_supergroup("Target")
            make = house.world.media
            for number, said in enumerate(["anchor one", "anchor two", "anchor three", *posts]):
                photos = [
                    (make.photo(seed=number * 10 + n, width=640, height=480), words)
                    for n, words in enumerate(said if isinstance(said, tuple) else ())
                ]
                if len(photos) > 1:
                    house.world.chats.post_album(source, house.other, photos)
                elif photos:
                    house.post(source, photos[0][1], media=photos[0][0])
                else:
                    house.post(source, "x" * 4000 + " " + "y" * 3000 if said == "long" else str(said))
            house.mirror(source, target, attribution=attribution)
            await house.start()
            await house.run()
            whole = looks(house, target)
            for deed, number in deeds:
                copies = [one for one in house.messages(target)[3:] if one.author_id == house.me.id]
                originals = house.messages(source)[3:]
                if deed == "delete" and copies:
                    house.world.chats.delete(copies[number % len(copies)])
                elif deed == "resend":
                    message = originals[number % len(originals)]
                    await house.verb("resend", mirror="m1", ids=[message.id], write=True)
                    await house.run()
                elif deed == "speak":
                    house.world.chats.post(target, house.other, "between")
                    whole["between"] += 1
            await rebuilt(house)
            await mended(house)
            assert bare(looks(house, target)) == bare(whole)
            assert await found(house) == []


def bare(seen: Counter[Any]) -> Counter[Any]:
    """Without lines that name an author: which of several posts has one may be another now."""
    found: Counter[Any] = Counter()
    for look, n in seen.items():
        text, *rest = (look,) if isinstance(look, str) else look
        found[text.removeprefix("Otto Other").strip(), *rest] += n
    return found


#: Nothing is made smaller: each world takes a second.
ONCE = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=8, phases=ONCE)
@given(POSTS, DEEDS, st.sampled_from(["none", "author"]))
async def test_nothing_twice_and_no_hole(
    posts: list[str | tuple[str, ...]], deeds: list[tuple[str, int]], attribution: str
) -> None:
    await lives(posts, deeds, attribution)


@pytest.mark.slow
@settings(max_examples=150, phases=ONCE)
@given(POSTS, DEEDS, st.sampled_from(["none", "author"]))
async def test_nothing_twice_and_no_hole_at_length(
    posts: list[str | tuple[str, ...]], deeds: list[tuple[str, int]], attribution: str
) -> None:
    await lives(posts, deeds, attribution)


async def test_an_older_ledger_is_brought_up_to_date(tmp_path: Path) -> None:
    """What it maps stays; what it does not know is mapped."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        copy = tmp_path / "copy.db"
        await house.store.copy_to(copy)
        for n in range(4):
            house.post(source, f"later {n}")
        await house.run()
        before = house.texts(target)
        await house.stop()
        for file in ledgers(house):
            file.unlink()
        copy.rename(tmp_path / "ledger.db")
        await house.start()
        await house.run()
        assert house.texts(target) == before
        found = await house.verb("rebuild", mirror="m1", write=False)
        assert (found["mapped"], found["skipped"], found["left"]) == (4, 0, 0)
        await house.verb("rebuild", mirror="m1", write=True)
        house.post(source, "live")
        await house.run()
        assert house.texts(target) == [*before, "live"]


async def test_it_is_refused_where_nothing_was_lost(tmp_path: Path) -> None:
    """And writes only what was looked at."""
    async with House(tmp_path) as house:
        await mirrored(house)
        with pytest.raises(TgstreamdError, match="nothing to rebuild"):
            await house.verb("rebuild", mirror="m1", write=False)
        with pytest.raises(TgstreamdError, match="no mirror"):
            await house.verb("rebuild", mirror="m2", write=False)


async def test_it_looks_before_it_writes(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await lost(house)
        with pytest.raises(TgstreamdError, match="look first"):
            await house.verb("rebuild", mirror="m1", write=True)


async def test_a_copy_taken_from_a_running_daemon_is_whole(tmp_path: Path) -> None:
    """One file, mode 0600, that opens by itself; a file that is there is not replaced."""
    async with House(tmp_path) as house:
        await mirrored(house)
        reader = await Store.open_read_only(tmp_path / "ledger.db")
        copy = tmp_path / "copy.db"
        await reader.copy_to(copy)
        await reader.close()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert not list(tmp_path.glob("copy.db-*"))
        opened = await Store.open_read_only(copy)
        assert (await opened.standings())[0].done == (await house.store.standings())[0].done
        await opened.close()
        with pytest.raises(FileExistsError):
            await house.store.copy_to(copy)
