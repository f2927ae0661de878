"""A basic group becomes a supergroup, on either side: the mirror goes on, and neither loses nor repeats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.test_kinds import poll
from tests.harness import House
from tests.interpose import Death, dies
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

pytestmark = pytest.mark.thorough


def group(house: House, title: str, *, own: bool = False) -> Chat:
    """A basic group with both of us in it."""
    creator, member = (house.me, house.other) if own else (house.other, house.me)
    return house.world.chats.add_group(title, creator, [member])


async def test_a_source_that_migrates_is_followed(tmp_path: Path) -> None:
    """While the daemon runs; the map is kept, also over a restart with the old configuration."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        house.post(source, "one")
        house.mirror(source, target)
        await house.start()
        await house.run()
        last = house.post(source, "two")
        new = house.world.chats.migrate(source)
        house.post(new, "three")
        await house.run()
        assert house.texts(target) == ["one", "two", "three"]
        house.post(new, "an answer", reply_to=last)
        house.post(new, "four")
        await house.run()
        assert house.texts(target)[-2:] == ["an answer", "four"]
        answer = next(m for m in house.messages(target) if m.text == "an answer")
        assert answer.reply is not None
        assert answer.reply.to is not None
        assert answer.reply.to.text == "two"
        assert (await house.status())["mirrors"][0]["source"] == new.marked_id
        await house.restart()
        house.post(new, "five")
        await house.run()
        assert house.texts(target) == ["one", "two", "three", "an answer", "four", "five"]
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["source"], mirror["parked"], mirror["paused"]) == (new.marked_id, 0, "")


async def test_a_source_that_migrates_while_it_is_stopped(tmp_path: Path) -> None:
    """What was written before and after it is all there, in order, and pinned what was pinned since."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        house.post(source, "one")
        house.mirror(source, target)
        await house.start()
        await house.run()
        await house.stop()
        for n in range(30):
            house.post(source, f"old {n}")
        new = house.world.chats.migrate(source)
        posts = [house.post(new, f"new {n}") for n in range(30)]
        house.world.chats.pin(posts[3])
        house.clock.advance(86400)
        await house.start()
        await house.run()
        assert house.texts(target) == [
            "one", *(f"old {n}" for n in range(30)), *(f"new {n}" for n in range(30)),
        ]  # fmt: skip
        assert [copy.text for copy in house.messages(target) if copy.pinned] == ["new 3"]


@pytest.mark.parametrize("configured", ["old", "new"])
async def test_a_mirror_born_after_the_migration_has_the_history_of_both(
    tmp_path: Path, configured: str
) -> None:
    """Whichever id the configuration names; the group that it was comes first."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        for n in range(5):
            house.post(source, f"old {n}")
        new = house.world.chats.migrate(source)
        for n in range(5):
            house.post(new, f"new {n}")
        house.mirror(source if configured == "old" else new, target)
        await house.start()
        await house.run()
        assert house.texts(target) == [*(f"old {n}" for n in range(5)), *(f"new {n}" for n in range(5))]
        house.post(new, "live")
        await house.run()
        assert house.texts(target)[-1] == "live"


async def test_a_long_history_of_both_keeps_its_order(tmp_path: Path) -> None:
    """Nothing of the new chat before the old one is through, however slowly that can be read."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        for n in range(120):
            house.post(source, f"old {n}")
        new = house.world.chats.migrate(source)
        for n in range(20):
            house.post(new, f"new {n}")
        house.mirror(new, target)
        await house.start()
        slow = Fault("messages.getHistory", code=500, message="TIMEOUT", peer=source.marked_id, skip=1)
        slow.times = 20
        house.tg.faults.add(slow)
        await house.run()
        assert slow.hits == 20
        assert house.texts(target) == [
            *(f"old {n}" for n in range(120)), *(f"new {n}" for n in range(20)),
        ]  # fmt: skip


async def test_a_migration_in_the_midst_of_the_backlog(tmp_path: Path) -> None:
    """The rest of the old history, then the new chat; albums whole."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        make = house.world.media
        for n in range(20):
            house.post(source, f"old {n}")
        house.mirror(source, target)
        await house.start()
        await house.run(30)
        house.world.chats.post_album(source, house.other, [make.photo(seed=1), make.photo(seed=2)])
        new = house.world.chats.migrate(source)
        house.post(new, "new")
        await house.run()
        assert house.texts(target) == [*(f"old {n}" for n in range(20)), "", "", "new"]
        first, second = [m for m in house.messages(target) if m.media]
        assert first.grouped_id == second.grouped_id


@pytest.mark.parametrize(("born", "lost"), [("before", True), ("after", False)])
async def test_what_happens_in_the_group_that_it_was_happens_to_the_copies(
    tmp_path: Path, born: str, lost: bool
) -> None:
    """Edits and deletions; ids begin anew in the new chat, and none of its posts is meant."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        old = [house.post(source, f"old {n}") for n in range(8)]
        asked = house.post(source, media=poll())
        new = house.world.chats.migrate(source) if born == "after" else None
        house.mirror(source, target, deletes="mirror")
        await house.start()
        await house.run()
        new = new or house.world.chats.migrate(source)
        for n in range(12):
            house.post(new, f"new {n}")
        await house.run()
        assert len(house.texts(target)) == 21
        if lost:
            await house.stop()
        house.world.chats.edit(old[1], "changed")
        house.world.chats.delete(*old[2:4])
        house.world.chats.close_poll(asked)
        if lost:
            house.world.chats.box_of(house.me.id).purge()
            await house.start()
        await house.run()
        left = ["old 0", "old 1" if lost else "changed", *(f"old {n}" for n in range(4, 8))]
        assert house.texts(target) == [*left, "", *(f"new {n}" for n in range(12))]
        assert house.messages(target)[6].media.plain.poll.closed  # type: ignore[union-attr]  # it is the poll
        assert (await house.status())["mirrors"][0]["paused"] == ""


async def test_history_none_leaves_the_old_group_alone(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        house.post(source, "old")
        new = house.world.chats.migrate(source)
        house.post(new, "older than the mirror")
        house.mirror(new, target, history="none")
        await house.start()
        await house.run()
        house.post(new, "live")
        await house.run()
        assert house.texts(target) == ["live"]


async def test_a_target_that_migrates_is_followed(tmp_path: Path) -> None:
    """New copies go to the supergroup; what is answered from before becomes a line."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), group(house, "Copy", own=True)
        first = house.post(source, "one")
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert house.texts(target) == ["one"]
        new = house.world.chats.migrate(target)
        house.post(source, "two", reply_to=first)
        await house.run()
        assert house.texts(target) == ["one"]
        assert house.texts(new) == ["↪ a message from before this group became a supergroup\ntwo"]
        third = house.post(source, "three")
        house.post(source, "four", reply_to=third)
        await house.run()
        assert house.texts(new)[1:] == ["three", "four"]
        answer = house.messages(new)[-1]
        assert answer.reply is not None
        await house.restart()
        house.post(source, "five")
        await house.run()
        assert house.texts(new)[-1] == "five"
        assert (await house.status())["mirrors"][0]["target"] == new.marked_id


@pytest.mark.parametrize("refused", [False, True])
async def test_copies_from_before_are_followed_where_they_stand(tmp_path: Path, refused: bool) -> None:
    """Ids begin anew: an edit or a deletion of an old original touches nothing in the new chat.

    And where Telegram refuses it, it is given up, and the mirror goes on.
    """
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), group(house, "Copy", own=True)
        old = [house.post(source, f"old {n}") for n in range(6)]
        house.mirror(source, target, deletes="mirror")
        await house.start()
        await house.run()
        new = house.world.chats.migrate(target)
        for n in range(6):
            house.post(source, f"new {n}")
        await house.run()
        if refused:
            for method in ("messages.editMessage", "messages.deleteMessages"):
                house.tg.faults.add(Fault(method, code=400, message="PEER_ID_INVALID", times=None))
        house.world.chats.edit(old[1], "changed")
        house.world.chats.delete(*old[2:])
        house.world.chats.pin(old[0])
        house.post(source, "new 6")
        await house.run()
        assert house.texts(new) == [f"new {n}" for n in range(7)]
        assert not any(message.pinned for message in house.messages(new))
        assert house.texts(target) == ([f"old {n}" for n in range(6)] if refused else ["old 0", "changed"])
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["changes"]) == ("", 0)


async def test_a_link_to_what_was_copied_before_stays(tmp_path: Path) -> None:
    """The copy stands in a basic group, which has no links; its id means another message in the new chat."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), group(house, "Copy", own=True)
        old = house.post(source, "old")
        house.mirror(source, target)
        await house.start()
        await house.run()
        new = house.world.chats.migrate(target)
        number = str(source.marked_id).removeprefix("-100")
        later = house.post(source, "new")
        for post in (old, later):
            house.post(source, f"https://t.me/c/{number}/{post.id}")
        await house.run()
        _, first, second = house.texts(new)
        assert first == f"https://t.me/c/{number}/{old.id}"
        assert second.startswith(f"https://t.me/c/{str(new.marked_id).removeprefix('-100')}/")


async def test_a_copy_that_is_sent_anew_over_a_migration(tmp_path: Path) -> None:
    """What it replaces is deleted first, in the chat where that stood; other posts go on meanwhile."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), group(house, "Copy", own=True)
        old = [house.post(source, f"old {n}") for n in range(6)]
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.tg.faults.add(Fault("messages.editMessage", code=400, message="MESSAGE_EDIT_TIME_EXPIRED"))
        house.tg.faults.add(Fault("messages.deleteMessages", "flood", seconds=600))
        house.world.chats.edit(old[1], "changed")
        await house.run(100)
        new = house.world.chats.migrate(target)
        for n in range(6):
            house.post(source, f"new {n}")
        await house.run()
        assert [*house.texts(target), *house.texts(new)] == [
            *(f"old {n}" for n in (0, 2, 3, 4, 5)), *(f"new {n}" for n in range(6)), "changed",
        ]  # fmt: skip


async def test_a_target_that_migrates_while_it_is_stopped(tmp_path: Path) -> None:
    """Also where a call was under way of which nobody knows the outcome."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), group(house, "Copy", own=True)
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.post(source, "one")
        house.post(source, "two")
        await house.run(until=lambda: len(house.texts(target)) == 1)
        await house.stop()
        new = house.world.chats.migrate(target)
        await house.start()
        await house.run()
        assert house.texts(target) + house.texts(new) == ["one", "two"]


async def test_a_migration_that_cannot_be_followed_pauses(tmp_path: Path) -> None:
    """The account was not let into the supergroup: the reason is said, and others go on."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), house.own_supergroup("Copy")
        house.mirror(source, target)
        await house.start()
        await house.run()
        new = house.world.chats.migrate(source)
        house.world.chats.ban(new, house.me)
        await house.run()
        paused = (await house.status())["mirrors"][0]["paused"]
        assert str(new.marked_id) in paused
        house.world.chats.unban(new, house.me)
        house.world.chats.join(new, house.me)
        house.post(new, "let in again")
        house.clock.advance(700)
        await house.ask_again()
        await house.run()
        assert house.texts(target) == ["let in again"]


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("step", ["move_source", "move_target", "remember_move", "take_page", "attempt"])
async def test_a_death_in_the_midst_of_it(tmp_path: Path, step: str, side: str) -> None:
    """Both sides migrate, and the process ends at a step of the store: the next start goes on."""
    async with House(tmp_path) as house:
        source, target = group(house, "Group"), group(house, "Copy", own=True)
        house.post(source, "one")
        house.mirror(source, target)
        await house.start()
        await house.run()
        await house.stop()
        house.post(source, "two")
        new, copy = house.world.chats.migrate(source), house.world.chats.migrate(target)
        house.post(new, "three")
        hooks: dict[str, Any] = {side: {step: dies()}}
        house.interpose("store", **hooks)
        with pytest.raises(Death):
            await _started_and_run(house)
        house.interpose_nothing()
        await house.restart()
        await house.run()
        assert (house.texts(target), house.texts(copy)) == (["one"], ["two", "three"])


async def _started_and_run(house: House) -> None:
    await house.start()
    await house.run()
