"""What happens to an original after it was copied happens to its copy, by a clock of its own."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from telethon.tl import types

from tests.harness import House
from tests.interpose import Death, Through, dies
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tgstreamd.ledger import Store


async def _mirrored(house: House, **options: object) -> tuple[Chat, Chat]:
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target


async def test_an_edited_text_is_edited_in_the_copy(tmp_path: Path) -> None:
    """With its entities; and it stays one message."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        await house.run()
        house.world.chats.edit(message, "two bold", entities=[types.MessageEntityBold(4, 4)])
        await house.run()
        [copy] = house.messages(target)
        assert copy.text == "two bold"
        assert [type(entity).__name__ for entity in copy.entities] == ["MessageEntityBold"]


async def test_an_edit_survives_a_restart(tmp_path: Path) -> None:
    """D2: a restart between post and edit: the edit is applied, nothing is sent twice."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        await house.run()
        await house.stop()
        house.world.chats.edit(message, "two")
        await house.start()
        await house.run()
        assert house.texts(target) == ["two"]


async def test_a_restless_bot_costs_one_pending_edit(tmp_path: Path) -> None:
    """Edited every two seconds for ten minutes: an edit every five minutes at most, and no post waits."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "0")
        await house.run(20)
        for n in range(300):
            house.world.chats.edit(message, str(n + 1))
            house.clock.advance(2)
            if n % 10 == 0:
                await house.run(0.1)
        house.post(source, "a post")
        await house.run()
        assert house.texts(target) == ["300", "a post"]
        assert house.tg.log.count("messages.editMessage") <= 4


async def test_an_edit_that_is_none_is_not_sent(tmp_path: Path) -> None:
    """An edit update without another content costs no call."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        await house.run()
        house.world.chats.edit(message, "one", hide=True)
        await house.run()
        assert house.texts(target) == ["one"]
        assert house.tg.log.count("messages.editMessage") == 0


async def test_replaced_media_is_replaced_in_the_copy(tmp_path: Path) -> None:
    """The new file is moved, and the copy stays the same message."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        make = house.world.media
        message = house.post(source, "v1", media=make.document(name="a.pdf", seed=1))
        await house.run()
        [before] = house.messages(target)
        new = make.document(name="b.pdf", seed=2)
        house.world.chats.edit(message, "v2", media=new)
        await house.run()
        [copy] = house.messages(target)
        assert copy is before or copy.ids == before.ids
        assert copy.text == "v2"
        assert copy.media is not None
        assert copy.media.document is not None
        assert new.document is not None
        assert copy.media.document.blob.sha256 == new.document.blob.sha256


async def test_a_pin_refused_as_an_edit_would_be_stays_a_pin(tmp_path: Path) -> None:
    """An expired reference is no matter of a pin's: tried again as it is (found by make chaos)."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "pinned")
        await house.run()
        house.tg.faults.add(Fault("messages.updatePinnedMessage", message="FILE_REFERENCE_EXPIRED"))
        house.world.chats.pin(message, house.other)
        await house.run()
        house.clock.advance(60)
        await house.run()
        assert house.messages(target)[0].pinned


async def test_replaced_media_that_waits_for_too_long_is_moved_again(tmp_path: Path) -> None:
    """It lies with Telegram, the edit may not be made for an hour, and its reference expires meanwhile."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        make = house.world.media
        message = house.post(source, "v1", media=make.document(name="a.pdf", seed=1))
        await house.run()
        house.tg.faults.add(Fault("messages.editMessage", "flood", seconds=7200))
        house.world.chats.edit(message, "v2", media=make.document(name="a.pdf", seed=2))
        await house.run(600)
        house.world.files.expire_references()
        await house.run()
        house.clock.advance(60)
        await house.run()
        [copy] = house.messages(target)
        assert copy.text == "v2"
        assert copy.media is not None
        assert message.media is not None
        assert copy.media.document is not None
        assert message.media.document is not None
        assert copy.media.document.blob.sha256 == message.media.document.blob.sha256
        assert len(house.tg.log.uploads) == 3


async def test_an_edit_past_the_window_is_sent_anew(tmp_path: Path) -> None:
    """Telegram refuses: the copy is deleted and comes again at the end, once."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        house.post(source, "two")
        await house.run()
        house.tg.faults.add(
            Fault("messages.editMessage", "error", code=400, message="MESSAGE_EDIT_TIME_EXPIRED")
        )
        house.world.chats.edit(message, "one, edited")
        await house.run()
        assert house.texts(target) == ["two", "one, edited"]


async def test_what_is_sent_anew_waits_for_its_old_copy_to_go(tmp_path: Path) -> None:
    """Deletions are held up meanwhile: nothing is there twice, and then it stands as it was edited last."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        await house.run()
        late = Fault("messages.editMessage", code=400, message="MESSAGE_EDIT_TIME_EXPIRED", times=None)
        house.tg.faults.add(late)
        house.tg.faults.add(Fault("channels.deleteMessages", "flood", seconds=3600))
        for text in ("two", "three"):
            house.world.chats.edit(message, text)
            await house.run(600)
        house.post(source, "between")
        await house.run(60)
        assert house.texts(target) == ["one", "between"]
        await house.run()
        assert house.texts(target) == ["between", "three"]


async def test_a_text_that_grows_past_the_limit_is_sent_anew(tmp_path: Path) -> None:
    """One copy cannot become two by an edit."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "short", sender=house.other)
        await house.run()
        house.world.chats.edit(message, "x" * 4096)
        await house.run()
        assert house.texts(target) == ["x" * 4096]


async def test_edits_can_be_switched_off(tmp_path: Path) -> None:
    """`edits = false`: the copy stays as it was."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house, edits=False)
        message = house.post(source, "one")
        await house.run()
        house.world.chats.edit(message, "two")
        await house.run()
        assert house.texts(target) == ["one"]


async def test_deletions_are_mirrored_where_asked(tmp_path: Path) -> None:
    """The copy goes, of an album the one item; a pending edit goes with it."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house, deletes="mirror")
        make = house.world.media
        album = house.world.chats.post_album(source, house.other, [make.photo(), make.photo(seed=2)])
        message = house.post(source, "one")
        await house.run()
        house.world.chats.edit(message, "two")
        house.world.chats.delete(message, album[0])
        await house.run()
        [left] = house.messages(target)
        assert left.grouped_id
        assert house.tg.log.count("messages.editMessage") == 0


async def test_deletions_are_kept_by_default(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        await house.run()
        house.world.chats.delete(message)
        await house.run()
        assert house.texts(target) == ["one"]


@pytest.mark.parametrize("n", [50, 51])
async def test_a_mass_deletion_waits_for_the_operator(tmp_path: Path, n: int) -> None:
    """More than 50 within 10 minutes are held until `resume`."""
    async with House(tmp_path) as house:
        house.options["pace"] = {"interval": 0.1, "account_interval": 0}
        source, target = await _mirrored(house, deletes="mirror")
        messages = [house.post(source, str(i)) for i in range(n + 1)]
        await house.run()
        house.world.chats.delete(*messages[:n])
        await house.run()
        if n == 51:
            assert len(house.texts(target)) == n + 1
            [mirror] = (await house.status())["mirrors"]
            assert "51 deletions within 10 minutes" in mirror["held_deletions"]
            answer = await house.daemon.desk.answer({"verb": "resume", "mirror": "m1"})
            assert "deletions" in answer["released"]
            await house.run()
        assert house.texts(target) == [str(n)]


@pytest.mark.parametrize(
    ("n", "verb", "left"), [(1, "resume", [0, 2]), (3, "resume", []), (3, "retry", [0, 1, 2])]
)
async def test_an_album_that_waits_when_deletions_are_held(
    tmp_path: Path, n: int, verb: str, left: list[int]
) -> None:
    """One item deleted: it goes out whole, and loses that item when they are let go. All of them: it is
    parked, as any message that waits."""
    async with House(tmp_path) as house:
        house.options["pace"] = {"interval": 0.1, "account_interval": 0}
        source, target = await _mirrored(house, deletes="mirror")
        many = [house.post(source, str(i)) for i in range(51)]
        await house.run()
        make = house.world.media
        album = house.world.chats.post_album(source, house.other, [(make.photo(), str(i)) for i in range(3)])
        house.world.chats.delete(*many, *([album[1]] if n == 1 else album))
        await house.run()
        parked = (await house.verb("parked"))["parked"]
        assert len(parked) == (n == 3)
        assert len(house.texts(target)) == (51 if n == 3 else 54)
        if verb == "retry":
            await house.verb("retry", ids=[parked[0]["id"]])
        await house.run()
        await house.verb("resume", mirror="m1")
        await house.run()
        assert house.texts(target) == [str(i) for i in left]
        assert (await house.verb("parked"))["parked"] == []


async def test_a_timers_deletions_wait_until_they_are_released_for_good(tmp_path: Path) -> None:
    """The source deletes by itself: that is held, however few it is, until the first `resume`."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house, deletes="mirror")
        house.world.chats.set_ttl(source, 3600)
        await house.run()
        for n in range(2):
            house.post(source, f"soon gone {n}")
            await house.run()
            house.clock.advance(4000)
            house.world.chats.expire(source)
            await house.run()
            if n == 0:
                assert house.texts(target) == ["soon gone 0"]
                assert "timer" in (await house.status())["mirrors"][0]["held_deletions"]
                assert "timer" in (await house.verb("resume", mirror="m1"))["released"]
                await house.run()
            assert house.texts(target) == []
            await house.restart()


async def test_pins_follow(tmp_path: Path) -> None:
    """Pinned, unpinned, and without a service message in the target."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        first, second = house.post(source, "one"), house.post(source, "two")
        await house.run()
        house.world.chats.pin(first, house.other)
        house.world.chats.pin(second, house.other)
        await house.run()
        assert [m.text for m in house.messages(target) if m.pinned] == ["one", "two"]
        house.world.chats.pin(first, house.other, pinned=False)
        await house.run()
        assert [m.text for m in house.messages(target) if m.pinned] == ["two"]
        assert not any("PinMessage" in type(m.action).__name__ for m in house.everything(target))


async def test_what_was_pinned_before_the_first_start_is_pinned(tmp_path: Path) -> None:
    """The pinned state of the backlog."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        message = house.post(source, "rules")
        house.post(source, "chatter")
        house.world.chats.pin(message, house.other)
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert [m.text for m in house.messages(target) if m.pinned] == ["rules"]


async def test_a_flood_on_edits_stops_no_post(tmp_path: Path) -> None:
    """A hold on one method stops only that method, and the edit comes after it."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        await house.run()
        house.tg.faults.add(Fault("messages.editMessage", "flood", seconds=3600))
        house.world.chats.edit(message, "edited")
        house.post(source, "two")
        await house.run(600)
        assert house.texts(target) == ["one", "two"]
        await house.run()
        assert house.texts(target) == ["edited", "two"]
        assert not house.tg.faults.violations


@pytest.mark.parametrize("restart", [False, True])
async def test_edited_back_after_a_lost_answer(tmp_path: Path, restart: bool) -> None:
    """What the copy may have become meanwhile is not taken for what it was before."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house)
        message = house.post(source, "one")
        await house.run()
        house.tg.faults.add(Fault("messages.editMessage", "apply-cut"))
        house.world.chats.edit(message, "two")
        await house.run(until=lambda: house.texts(target) == ["two"])
        house.world.chats.edit(message, "one")
        if restart:
            await house.restart()
        await house.run()
        assert house.texts(target) == ["one"]


async def test_an_album_that_loses_an_item_before_its_turn_keeps_the_others(tmp_path: Path) -> None:
    """Though the deletion is told twice, by the push and by the difference that the next start reads."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house, deletes="mirror")
        await house.verb("pause", mirror="m1")
        make = house.world.media
        album = [(make.photo(seed=n), f"photo {n}") for n in range(2)]
        first, _ = house.world.chats.post_album(source, house.other, album)
        await house.read()
        house.world.chats.delete(first)
        await house.hear()
        await house.restart()
        await house.read()
        await house.verb("resume", mirror="m1")
        await house.run()
        assert house.texts(target) == ["photo 1"]


async def test_a_post_that_came_and_went_while_we_were_dead_has_no_copy(tmp_path: Path) -> None:
    """Its push was kept, and no difference tells of it: that it is in none shows that it was deleted."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house, deletes="mirror")
        doomed = house.post(source, "said in error")
        await house.hear()
        await house.stop()
        house.world.chats.delete(doomed)
        house.post(source, "said well")
        await house.start()
        await house.run()
        assert house.texts(target) == ["said well"]


async def test_of_an_album_what_came_and_went_while_we_were_dead_has_no_copy(tmp_path: Path) -> None:
    """One of its items; the difference tells of the others."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house, deletes="mirror")
        make = house.world.media
        album = house.world.chats.post_album(source, house.other, [(make.photo(), str(i)) for i in range(3)])
        await house.hear()
        await house.stop()
        house.world.chats.delete(album[0])
        await house.start()
        await house.run()
        assert house.texts(target) == ["1", "2"]


@pytest.mark.parametrize("step", ["bear", "set_forum", "checked"])
async def test_what_was_pinned_is_pinned_though_the_birth_was_cut_short(tmp_path: Path, step: str) -> None:
    """The mirror and what it owes are born in one transaction."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.world.chats.pin(house.post(source, "one"), house.other)
        house.mirror(source, target)
        house.interpose("store", after={step: dies()})
        with contextlib.suppress(Death):
            await house.start()
            await house.run()
        await house.stop()
        assert not any(message.pinned for message in house.messages(target))
        house.interpose_nothing()
        await house.start()
        await house.run()
        assert [message.pinned for message in house.messages(target)] == [True]


@pytest.mark.parametrize("step", ["uncheck_all", "activate"])
async def test_a_start_cut_short_makes_no_mirror_look_removed(tmp_path: Path, step: str) -> None:
    """What it missed comes by the difference, which tells of deletions, and not from the history."""
    async with House(tmp_path) as house:
        source, target = await _mirrored(house, deletes="mirror")

        def dying(store: Store) -> Through:
            hooks = {step: dies()}
            return Through(store, after=hooks) if step == "uncheck_all" else Through(store, before=hooks)

        for n in range(2):
            await house.stop()
            house.post(source, f"missed {n}")
            house.wrap_store = dying  # type: ignore[assignment]  # a store in all but name
            with contextlib.suppress(Death):
                await house.start()
            await house.stop()
            house.interpose_nothing()
            await house.start()
            assert not await house.store.gaps(1)
            await house.run()
        assert house.texts(target) == ["missed 0", "missed 1"]
