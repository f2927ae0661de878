"""`verify` finds what differs and nothing else; `--repair` mends it by the queue, with no second copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.test_ledger import mirrored
from tests.harness import House
from tests.telegram.faults import Fault
from tgstreamd.cli.verify import repair, walk
from tgstreamd.domain.errors import TgstreamdError

#: What has just happened is not judged yet.
LATER = 120.0


async def found(house: House, mirror: str = "m1") -> list[dict[str, Any]]:
    """What `verify` lists, a while later."""
    house.clock.advance(LATER)
    differences, _ = await walk(house.daemon.desk.answer, mirror)
    return differences


async def mended(house: House) -> list[str]:
    """`verify --repair`, until the queue is empty; what was done about each."""
    differences = await found(house)
    done = await repair(house.daemon.desk.answer, "m1", differences)
    await house.run()
    return [one["done"] for one in done]


def kinds(differences: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return [(one["kind"], one["source_id"], one["target_id"]) for one in differences]


async def test_a_true_copy_is_equal(tmp_path: Path) -> None:
    """Also after edits, and with what still waits. (Every kind of post: `test_corpus`.)"""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        for post in house.messages(source)[:7]:
            house.world.chats.edit(post, post.text + ", edited")
        await house.run()
        house.post(source, "not there yet")
        differences, counts = await walk(house.daemon.desk.answer, "m1")
        assert differences == []
        assert counts == {"copied": 9, "skipped": 1, "waiting": 1, "copies": 9}
        assert len(house.messages(target)) == 9


async def test_a_hole_is_found_and_filled(tmp_path: Path) -> None:
    """A copy deleted by hand, a whole one and one item of an album, is sent anew at the end, once."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        copies = house.messages(target)
        house.world.chats.delete(copies[1])
        house.world.chats.delete(copies[-1])
        first, second = await found(house)
        originals = house.messages(source)
        assert (first["kind"], first["source_id"], first["target_id"]) == (
            "missing", originals[1].id, copies[1].id,
        )  # fmt: skip
        assert first["source_link"] == f"https://t.me/c/{str(source.marked_id)[4:]}/{originals[1].id}"
        assert first["target_link"] == f"https://t.me/c/{str(target.marked_id)[4:]}/{copies[1].id}"
        assert second["source_id"] == originals[-1].id
        assert await mended(house) == ["queued", "queued"]
        assert house.texts(target) == [before[0], *before[2:-1], before[1], before[-1]]
        assert await found(house) == []
        (mirror,) = (await house.status())["mirrors"]
        assert (mirror["done"], mirror["backlog"], mirror["parked"]) == (9, 0, 0)


async def test_repeating_it_sends_nothing_twice(tmp_path: Path) -> None:
    """Nor asking twice before the queue has come to it, nor across a crash."""
    async with House(tmp_path) as house:
        _, target = await mirrored(house)
        count = len(house.messages(target))
        house.world.chats.delete(house.messages(target)[2])
        differences = await found(house)
        first = await repair(house.daemon.desk.answer, "m1", differences)
        again = await repair(house.daemon.desk.answer, "m1", differences)
        assert [one["done"] for one in (*first, *again)] == ["queued", ""]
        assert await found(house) == []  # it waits
        await house.restart()
        await house.run()
        assert len(house.messages(target)) == count
        assert await found(house) == []


async def test_a_text_that_is_missing_in_part_is_sent_whole(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "x" * 4000 + " " + "y" * 3000)
        house.mirror(source, target)
        await house.start()
        await house.run()
        before = house.texts(target)
        house.world.chats.delete(house.messages(target)[1])
        assert await mended(house) == ["queued"]
        assert house.texts(target) == before
        assert await found(house) == []


async def test_a_copy_changed_by_hand_is_put_right(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        before = house.texts(target)
        house.world.chats.edit(house.messages(target)[0], "something else")
        photo = next(m for m in house.messages(target) if m.text == "with a photo")
        house.world.chats.edit(photo, photo.text, media=house.world.media.photo(width=50, height=60))
        ids = [m.id for m in house.messages(source)]
        assert [(k, s) for k, s, _ in kinds(await found(house))] == [("text", ids[0]), ("media", ids[5])]
        assert await mended(house) == ["queued", "queued"]
        assert house.texts(target) == before
        assert await found(house) == []


async def test_an_edit_that_nobody_told_of_is_carried_out(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        await house.stop()
        post = house.messages(source)[1]
        post.text = "changed while nobody looked"  # and told to nobody, as after a lost update
        await house.start()
        (difference,) = await found(house)
        assert (difference["kind"], difference["mend"], difference["text"]) == ("text", "edit", post.text)
        assert await mended(house) == ["queued"]
        assert house.texts(target)[1] == post.text
        assert await found(house) == []


async def test_an_edit_that_telegram_refused_is_told(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, _ = await mirrored(house)
        house.tg.faults.add(Fault(method="messages.editMessage", message="MESSAGE_AUTHOR_REQUIRED"))
        house.world.chats.edit(house.messages(source)[0], "edited")
        await house.run()
        (difference,) = await found(house)
        assert difference["kind"] == "text"
        assert "refused" in difference["why"]


async def test_what_should_not_be_there_is_told(tmp_path: Path) -> None:
    """A second copy, words of our own; not those of others, nor what stood there before."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.world.chats.post(target, house.me, "before the mirror")
        house.mirror(source, target)
        for n in range(3):
            house.post(source, f"post {n}")
        await house.start()
        await house.run()
        twin = house.world.chats.post(target, house.me, "post 1")
        own = house.world.chats.post(target, house.me, "by hand")
        house.world.chats.post(target, house.other, "by somebody else")
        second, other = await found(house)
        assert kinds([second, other]) == [("extra", 0, twin.id), ("extra", 0, own.id)]
        assert "second copy" in second["why"]
        assert await mended(house) == ["", ""]
        assert len(house.messages(target)) == 7


async def test_a_copy_that_the_ledger_has_lost_is_found_and_not_made_again(tmp_path: Path) -> None:
    """Somebody deleted the copy and put the same words there again, in our name."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        copy = house.messages(target)[3]
        house.world.chats.delete(copy)
        again = house.world.chats.post(target, house.me, copy.text)
        house.clock.advance(LATER)
        count = len(house.messages(target))
        assert await mended(house) == ["", "found"]  # what should not be there, and what is gone
        assert len(house.messages(target)) == count
        assert await found(house) == []
        house.world.chats.edit(house.messages(source)[3], "edited afterwards")
        await house.run()
        assert next(m.text for m in house.messages(target) if m.id == again.id) == "edited afterwards"


async def test_copies_that_the_map_does_not_know_are_counted(tmp_path: Path) -> None:
    """The first one too, below all that it knows; and a copy that it has lost is not sent again."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        posts, copies = house.messages(source), house.messages(target)

        def forget(db: Any) -> None:
            db.execute("DELETE FROM copy WHERE source_id IN (?, ?)", (posts[0].id, posts[3].id))

        await house.store.run(forget)
        kinds_found = [kind for kind, _, _ in kinds(await found(house))]
        assert kinds_found == ["missing", "missing", "extra", "extra"]
        assert sorted(await mended(house)) == ["", "", "found", "found"]
        assert house.messages(target) == copies
        assert await found(house) == []
        twin = house.world.chats.post(target, house.me, posts[0].text)
        (difference,) = await found(house)
        assert (difference["kind"], difference["target_id"], difference["mend"]) == ("extra", twin.id, "")


async def test_order_and_what_is_parked(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        posts = [house.post(source, f"post {n}") for n in range(4)]
        house.mirror(source, target)
        await house.start()
        house.tg.faults.add(Fault(method="messages.sendMessage", message="MESSAGE_TOO_ODD"))
        await house.run()
        (parked,) = await found(house)
        assert (parked["kind"], parked["source_id"]) == ("parked", posts[0].id)
        assert await mended(house) == [""]
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target)[-1] == "post 0"
        assert await found(house) == []  # late, which is no disorder

        def swap(db: Any) -> None:
            db.execute("UPDATE job SET ord = 99 WHERE first_id = ?", (posts[1].id,))

        await house.store.run(swap)
        assert kinds(await found(house))[0][:2] == ("order", posts[2].id)


async def test_what_was_never_captured_is_captured(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        lost = house.messages(source)[2]

        def forget(db: Any) -> None:
            db.execute("DELETE FROM item WHERE source_id = ?", (lost.id,))
            db.execute("DELETE FROM copy WHERE source_id = ?", (lost.id,))

        await house.store.run(forget)
        house.world.chats.delete(house.messages(target)[2])
        (difference,) = await found(house)
        assert (difference["why"], difference["mend"]) == ("it was never captured", "capture")
        assert await mended(house) == ["queued"]
        assert house.texts(target)[-1] == lost.text


async def test_deletions_are_judged_as_the_mirror_wishes(tmp_path: Path) -> None:
    """Kept: no difference. Mirrored: told, where the ledger was not told of it."""
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        post = house.messages(source)[0]
        house.world.chats.delete(post)
        await house.run()
        assert await found(house) == []
        house.mirrors[0]["deletes"] = "mirror"
        house.daemon.reread = house.config
        await house.reload()
        assert kinds(await found(house)) == [("undeleted", post.id, house.messages(target)[0].id)]


@pytest.mark.parametrize("deletes", ["keep", "mirror"])
async def test_what_is_gone_on_both_sides_is_no_hole(tmp_path: Path, deletes: str) -> None:
    """A copy that outlived its original and was then deleted by hand: nobody could send it again."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, deletes=deletes)
        await house.start()
        originals = [house.post(source, text) for text in ("one", "two", "three")]
        await house.run()
        refusing = Fault("channels.deleteMessages", code=403, message="MESSAGE_DELETE_FORBIDDEN", times=None)
        house.tg.faults.add(refusing)
        house.world.chats.delete(originals[1])
        await house.run()
        assert house.texts(target) == ["one", "two", "three"]
        house.world.chats.delete(next(copy for copy in house.messages(target) if copy.text == "two"))
        house.clock.advance(100)
        assert await found(house) == []
        house.world.chats.delete(next(copy for copy in house.messages(target) if copy.text == "three"))
        assert [(one["kind"], one["source_id"]) for one in await found(house)] == [
            ("missing", originals[2].id)
        ]


async def test_floods_are_waited_for_and_trouble_is_told(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await mirrored(house)
        house.clock.advance(LATER)
        house.tg.faults.add(Fault(method="messages.getHistory", code=420, message="FLOOD_WAIT_7"))
        answer = await house.verb("verify", mirror="m1")
        assert (answer["wait"], answer["trouble"], answer["differences"]) == (7.0, False, [])
        assert answer["next"] is not None
        with pytest.raises(TgstreamdError, match='no mirror is named "m2"'):
            await house.verb("verify", mirror="m2")
        with pytest.raises(TgstreamdError, match="verify: "):
            await house.verb("verify", mirror="m1", after="x")


async def test_a_resend_is_no_copy_that_nobody_knows(tmp_path: Path) -> None:
    """A restart before the old copies are deleted and the new ones sent: the mirror goes on."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        posts = [house.post(source, str(n)) for n in range(4)]
        house.mirror(source, target)
        await house.start()
        await house.run()
        await house.verb("resend", mirror="m1", ids=[post.id for post in posts], write=True)
        await house.restart()
        await house.run()
        assert (await house.status())["mirrors"][0]["paused"] == ""
        assert house.texts(target) == ["0", "1", "2", "3"]


async def test_resend(tmp_path: Path) -> None:
    """What was skipped is sent, albums whole; a copy is replaced, and only where that was said."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        first = house.post(source, "buy this")
        album = house.world.chats.post_album(source, house.other, [make.photo(seed=1), make.photo(seed=2)])
        text = house.post(source, "copied")
        house.mirror(source, target, filter=[{"name": "ads", "text": ["buy"]}])
        await house.start()
        await house.run()
        count = len(house.messages(target))

        async def resend(*ids: int, write: bool = True) -> list[tuple[str, list[int]]]:
            answer = await house.verb("resend", mirror="m1", ids=list(ids), write=write)
            await house.run()
            return [(one["does"], one["messages"]) for one in answer["messages"]]

        assert await resend(first.id, text.id, write=False) == [("", [first.id]), ("replace", [text.id])]
        assert len(house.messages(target)) == count
        house.mirrors[0].pop("filter")
        house.daemon.reread = house.config
        await house.reload()
        assert await resend(first.id) == [("send", [first.id])]
        assert house.texts(target)[-1] == "buy this"
        assert await resend(album[1].id, 9999) == [("replace", [m.id for m in album]), ("", [9999])]
        assert await resend(text.id) == [("replace", [text.id])]
        assert house.texts(target) == ["buy this", "", "", "copied"]
        shown = house.messages(target)
        assert shown[1].grouped_id == shown[2].grouped_id
        assert await found(house) == []
        (mirror,) = (await house.status())["mirrors"]
        assert (mirror["done"], mirror["skipped_by"], mirror["total"]) == (
            4, {"service message": 1}, 5,
        )  # fmt: skip


async def test_forums_and_single_topics(tmp_path: Path) -> None:
    """Topics are no posts; what is missing goes back into its topic; other mirrors there are let be."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source", forum=True)
        target, flat = house.own_supergroup("Target", forum=True), house.own_supergroup("Flat")
        tea = house.world.chats.add_topic(source, house.other, "Tea")
        for n in range(3):
            house.post(source, f"tea {n}", topic=tea)
            house.post(source, f"general {n}")
        house.mirror(source, target)
        house.mirror(source, flat, source_topic=tea)
        house.mirror(source, flat, source_topic=1, name="general")
        await house.start()
        await house.run()
        for name in ("m1", "m2", "general"):
            assert await found(house, name) == []
        gone = next(m for m in house.messages(target) if m.text == "tea 1")
        house.world.chats.delete(gone)
        (difference,) = await found(house)
        assert (difference["kind"], difference["target_id"]) == ("missing", gone.id)
        assert await mended(house) == ["queued"]
        assert await found(house) == []
        again = house.messages(target)[-1]
        assert (again.text, again.topic) == ("tea 1", gone.topic)


async def test_what_is_older_than_the_mirror_can_be_sent(tmp_path: Path) -> None:
    """An album of which one is named goes whole; nobody is rung for what comes late."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        album = house.world.chats.post_album(source, house.other, [make.photo(seed=n) for n in (1, 2, 3)])
        house.mirror(source, target, history="none")
        await house.start()
        await house.run()
        for n in range(3):
            house.post(source, f"live {n}")
        await house.run()
        answer = await house.verb("resend", mirror="m1", ids=[album[1].id], write=True)
        assert [one["messages"] for one in answer["messages"]] == [[m.id for m in album]]
        await house.run()
        copies = house.messages(target)[-3:]
        assert len({copy.grouped_id for copy in copies}) == 1
        assert all(copy.silent for copy in copies)
        assert await found(house) == []  # late, which is no disorder


@pytest.mark.slow
async def test_many_holes_are_filled_at_the_pace_of_the_history(tmp_path: Path) -> None:
    """With one question for fifty of them; a flood is waited for, and nobody is rung."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(53):
            house.post(source, f"post {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        for copy in house.messages(target)[:51]:
            house.world.chats.delete(copy)
        differences = await found(house)
        assert len(differences) == 51
        asked = house.tg.faults.add(Fault(method="channels.getMessages", action="flood", seconds=1))

        async def ask(request: dict[str, Any]) -> dict[str, Any]:
            answer = await house.daemon.desk.answer(request)
            house.clock.advance(answer["wait"])
            return answer

        done = await repair(ask, "m1", differences)
        assert asked.hits == 1
        assert [one["done"] for one in done] == ["queued"] * 51
        house.post(source, "live")
        await house.run()
        assert sorted(house.texts(target)) == sorted([*(f"post {n}" for n in range(53)), "live"])
        assert house.messages(target)[-2].silent
        assert await found(house) == []


@pytest.mark.parametrize("way", ["repair", "resend", "by hand", "replaced"])
async def test_a_copy_that_takes_the_place_of_a_pinned_one_is_pinned(tmp_path: Path, way: str) -> None:
    async with House(tmp_path) as house:
        source, target = await mirrored(house)
        post, copy = house.messages(source)[1], house.messages(target)[1]
        house.world.chats.pin(post, house.other)
        await house.run()
        assert copy.pinned
        if way == "resend":
            await house.verb("resend", mirror="m1", ids=[post.id], write=True)
            await house.run()
        elif way == "replaced":
            house.tg.faults.add(Fault(method="messages.editMessage", message="MESSAGE_EDIT_TIME_EXPIRED"))
            house.world.chats.edit(post, "edited")
            await house.run()
        else:
            house.world.chats.delete(copy)
            if way == "by hand":
                house.world.chats.post(target, house.me, copy.text)
            assert ("found" if way == "by hand" else "queued") in await mended(house)
            await house.run()
        assert [one.text for one in house.messages(target) if one.pinned] == [post.text]


async def test_what_stands_in_the_group_that_the_target_was_is_not_missing(tmp_path: Path) -> None:
    """Ids begin anew in the supergroup: `verify` walks that one only, and nothing is copied twice."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_group("Copy", house.me, [house.other])
        for n in range(3):
            house.post(source, f"before {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        new = house.world.chats.migrate(target)
        house.post(source, "after")
        await house.run()
        assert await found(house) == []
        assert await mended(house) == []
        assert house.texts(new) == ["after"]


async def test_like_words_of_ours_are_not_taken_for_a_lost_copy(tmp_path: Path) -> None:
    """Somebody writes by our account what resembles an edited post, and the copy of that is deleted."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "first")
        post = house.post(source, "we meet on Monday at nine")
        house.mirror(source, target, deletes="mirror")
        await house.start()
        await house.run()
        house.clock.advance(60)
        house.post(target, "we meet on Monday at ten", sender=house.me)
        house.clock.advance(60)
        house.world.chats.edit(post, "we meet on Monday at eleven")
        await house.run()
        house.world.chats.delete(house.messages(target)[1])
        assert "queued" in await mended(house)
        texts = ["first", "we meet on Monday at ten", "we meet on Monday at eleven"]
        assert house.texts(target) == texts
        house.world.chats.delete(post)
        await house.run()
        assert house.texts(target) == texts[:2]
