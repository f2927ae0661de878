"""Deletions that fell into a difference too long are found by asking for the ids, and nothing else is."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.harness import House
from tests.interpose import Death, dies
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

BY_ID = "channels.getMessages"


async def _before(
    house: House, posts: int = 5, *, group: bool = False, **options: object
) -> tuple[Chat, Chat]:
    """A mirror with some copies, and the daemon stopped."""
    house.options["pace"] = {"interval": 0.1, "account_interval": 0}
    source = house.world.chats.add_group("Source", house.other, [house.me]) if group else None
    source, target = source or house.supergroup("Source"), house.own_supergroup("Target")
    for n in range(posts):
        house.post(source, str(n))
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    assert len(house.texts(target)) == posts
    await house.stop()
    house.tg.log.clear()
    return source, target


def _lose(house: House, chat: Chat) -> None:
    """What happened there so far is told to nobody who asks now."""
    chat.box_for(house.me.id).purge()


@pytest.mark.parametrize("group", [False, True], ids=["supergroup", "group"])
async def test_what_was_deleted_meanwhile_is_deleted(tmp_path: Path, group: bool) -> None:
    async with House(tmp_path) as house:
        source, target = await _before(house, group=group, deletes="mirror")
        first, *_, last = house.messages(source)
        house.world.chats.delete(first)
        house.post(source, "new")
        _lose(house, source)
        house.clock.advance(86400)
        await house.start()
        await house.run()
        assert house.texts(target) == ["1", "2", "3", "4", "new"]
        # Nothing newer can be read: it cannot be told from what Telegram does not show.
        await house.stop()
        house.world.chats.delete(last, house.messages(source)[-1])
        _lose(house, source)
        await house.start()
        await house.run()
        assert house.texts(target) == ["1", "2", "3", "4", "new"]
        house.post(source, "newer")
        house.clock.advance(700)
        await house.run()
        house.clock.advance(700)
        await house.run()
        assert house.texts(target) == ["1", "2", "3", "newer"]
        assert (await house.status())["mirrors"][0]["parked"] == 0


async def test_nobody_asks_where_deletions_do_not_matter(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await _before(house)
        house.world.chats.delete(house.messages(source)[0])
        _lose(house, source)
        await house.start()
        await house.run()
        assert len(house.texts(target)) == 5
        assert house.tg.log.count(BY_ID) == 0
        assert await house.store.doubts() == []


async def test_a_history_that_was_hidden_deletes_nothing(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await _before(house, deletes="mirror")
        house.world.chats.delete(house.messages(source)[3])
        house.world.chats.clear_history(source, house.messages(source)[2].id)
        house.post(source, "new")
        _lose(house, source)
        await house.start()
        await house.run()
        assert house.texts(target) == ["0", "1", "2", "4", "new"]


async def test_a_mass_is_held_though_it_takes_several_calls(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await _before(house, 105, deletes="mirror")
        # Three in the second call, which make it one too many.
        house.world.chats.delete(*house.messages(source)[2:53])
        house.post(source, "new")
        _lose(house, source)
        await house.start()
        await house.run()
        assert len(house.texts(target)) == 106
        assert "51 deletions" in (await house.status())["mirrors"][0]["held_deletions"]
        await house.verb("resume", mirror="m1")
        await house.run()
        assert len(house.texts(target)) == 55


async def test_what_waits_for_its_delay_is_not_sent(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await _before(house, delay=600)
        await house.start()
        doomed = house.post(source, "said in error")
        house.post(source, "said well")
        await house.read()
        await house.stop()
        house.world.chats.delete(doomed)
        _lose(house, source)
        await house.start()
        await house.run()
        assert house.texts(target)[5:] == ["said well"]


async def test_a_death_forgets_no_doubt(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await _before(house, deletes="mirror")
        house.world.chats.delete(house.messages(source)[0])
        _lose(house, source)
        house.interpose("store", before={"answer_doubt": dies()})
        with contextlib.suppress(Death):
            await house.start()
            await house.run()
        house.interpose_nothing()
        await house.stop()
        await house.start()
        await house.run()
        assert house.texts(target) == ["1", "2", "3", "4"]
        assert await house.store.doubts() == []


async def test_no_post_waits_for_the_asking(tmp_path: Path) -> None:
    """A flood on it, or trouble with it, is its own."""
    async with House(tmp_path) as house:
        source, target = await _before(house, deletes="mirror")
        house.world.chats.delete(house.messages(source)[0])
        _lose(house, source)
        house.tg.faults.add(Fault(BY_ID, code=500, message="TIMEOUT", times=3))
        house.tg.faults.add(Fault(BY_ID, "flood", seconds=3600))
        await house.start()
        house.post(source, "new")
        # The next poll, after which the target is looked through, lies before the end of the hold.
        await house.run(100)
        await house.run(100)
        assert house.texts(target) == ["0", "1", "2", "3", "4", "new"]
        await house.run()
        assert house.texts(target) == ["1", "2", "3", "4", "new"]
        assert not house.tg.faults.violations


async def test_a_pin_that_is_told_before_its_message_is_not_forgotten(tmp_path: Path) -> None:
    """Nobody tells of a post; that it was pinned is told, and later the history has it."""
    async with House(tmp_path) as house:
        source, target = await _before(house)
        await house.start()
        told = len(source.box.events)
        house.world.chats.silence(source, True)
        untold = house.post(source, "untold")
        del source.box.events[told:]
        house.world.chats.silence(source, False)
        house.world.chats.pin(untold)
        await house.run(60)
        house.post(source, "after")
        await house.stop()
        _lose(house, source)
        await house.start()
        await house.run()
        assert [m.text for m in house.messages(target) if m.pinned] == ["untold"]


async def test_a_parked_message_that_was_deleted_meanwhile_is_not_sent(tmp_path: Path) -> None:
    """Though nobody told of it, and though it is tried again."""
    async with House(tmp_path) as house:
        source, target = await _before(house, deletes="mirror")
        await house.start()
        house.tg.faults.add(Fault("messages.sendMessage", message="NOT_WANTED"))
        refused = house.post(source, "refused")
        house.post(source, "after")
        await house.run()
        await house.stop()
        house.world.chats.delete(refused)
        _lose(house, source)
        await house.start()
        await house.run()
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == [*(str(n) for n in range(5)), "after"]


async def test_what_was_pinned_meanwhile_is_pinned(tmp_path: Path) -> None:
    """And what was unpinned is not, in the order of the pins."""
    async with House(tmp_path) as house:
        source, target = await _before(house)
        posts = house.messages(source)
        await house.start()
        house.world.chats.pin(posts[0])
        house.world.chats.pin(posts[1])
        await house.run()
        await house.stop()
        house.world.chats.pin(posts[0], pinned=False)
        house.world.chats.pin(posts[3])
        _lose(house, source)
        await house.start()
        await house.run()
        assert [m.text for m in house.messages(target) if m.pinned] == ["1", "3"]
        assert await house.store.doubts() == []
        assert (await house.status())["mirrors"][0]["changes"] == 0
