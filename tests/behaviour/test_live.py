"""Live posts: edited, deleted, untold or told too late, they arrive as they stood at their turn, in order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

SEND = "messages.sendMessage"
GONE = "deleted before its turn"


async def running(house: House, **options: Any) -> tuple[Chat, Chat]:
    """A mirror that is through with its history of one post."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.post(source, "first")
    house.mirror(source, target, **options)
    await house.start()
    await house.run()
    return source, target


async def skipped(house: House) -> list[str]:
    """The reasons of what was skipped, service messages aside."""
    return [
        why for _, state, why in await house.jobs() if state == "skipped" and not why.startswith("service")
    ]


@pytest.mark.parametrize("restart", [False, True])
async def test_edited_before_its_turn_it_goes_out_edited(tmp_path: Path, restart: bool) -> None:
    """The first copy already has the last text."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        house.tg.faults.add(Fault(SEND, "flood", seconds=300))
        house.post(source, "holds the queue")
        post = house.post(source, "a tpyo")
        await house.run(60)
        if restart:
            await house.stop()
        house.world.chats.edit(post, "no typo")
        if restart:
            await house.start()
        await house.run()
        assert house.texts(target) == ["first", "holds the queue", "no typo"]


async def test_with_a_delay_a_post_waits_and_goes_out_edited(tmp_path: Path) -> None:
    """It is copied no earlier than `delay` after its date, as it stands then."""
    async with House(tmp_path) as house:
        source, target = await running(house, delay=300)
        post = house.post(source, "a tpyo")
        await house.run(200)
        assert house.texts(target) == ["first"]
        house.world.chats.edit(post, "no typo")
        await house.run()
        copy = house.messages(target)[1]
        assert copy.text == "no typo"
        assert copy.date >= post.date + 300


@pytest.mark.parametrize("options", [{"delay": 300}, {"deletes": "mirror"}])
@pytest.mark.parametrize("when", ["at once", "later", "while stopped"])
async def test_deleted_before_its_turn_it_is_skipped(
    tmp_path: Path, when: str, options: dict[str, Any]
) -> None:
    """Where deletions are mirrored, or a delay asks for second thoughts: skipped, with that reason."""
    async with House(tmp_path) as house:
        source, target = await running(house, **options)
        if "delay" not in options:
            house.tg.faults.add(Fault(SEND, "flood", seconds=300))
            house.post(source, "holds the queue")
        post = house.post(source, "second thoughts")
        if when != "at once":
            await house.run(60)
        else:
            await house.hear()
        if when == "while stopped":
            await house.stop()
        house.world.chats.delete(post)
        if when == "while stopped":
            await house.start()
        house.post(source, "after")
        await house.run()
        assert "second thoughts" not in house.texts(target)
        assert house.texts(target)[-1] == "after"
        assert await skipped(house) == [GONE]


async def test_an_album_loses_the_item_that_was_deleted(tmp_path: Path) -> None:
    """The others go out as an album."""
    async with House(tmp_path) as house:
        source, target = await running(house, deletes="mirror")
        house.tg.faults.add(Fault(SEND, "flood", seconds=300))
        house.post(source, "holds the queue")
        make = house.world.media
        album = house.world.chats.post_album(
            source, house.other, [(make.photo(seed=n), f"item {n}") for n in range(3)]
        )
        await house.run(60)
        house.world.chats.delete(album[1])
        await house.run()
        copies = house.messages(target)[2:]
        assert [copy.text for copy in copies] == ["item 0", "item 2"]
        assert len({copy.grouped_id for copy in copies}) == 1


async def test_a_difference_that_is_too_long_is_closed_from_the_history(tmp_path: Path) -> None:
    """Stopped for so long that Telegram tells no events: all posts arrive, in order, before newer ones."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        await house.stop()
        for n in range(12):
            house.post(source, f"missed {n}")
        house.world.chats.purge(source)
        await house.start()
        house.post(source, "live")
        await house.run()
        assert house.texts(target) == ["first", *(f"missed {n}" for n in range(12)), "live"]


@pytest.mark.parametrize("much", ["purged", "in slices"])
async def test_after_a_long_absence_the_first_post_does_not_wait_for_the_next_poll(
    tmp_path: Path, much: str
) -> None:
    """Whatever Telegram has still to tell is asked for at once."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        await house.stop()
        for n in range(2 if much == "purged" else 120):
            house.post(source, f"missed {n}")
        if much == "purged":
            house.world.chats.purge(source)
        began = house.clock.now()
        await house.start()
        await house.run(60, until=lambda: len(house.messages(target)) > 1)
        assert house.messages(target)[1].text == "missed 0"
        assert house.clock.now() - began < 10


async def test_too_long_while_it_runs(tmp_path: Path) -> None:
    """A burst of more events than one difference may have."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        source.difference_limit = 20
        for n in range(30):
            house.post(source, f"burst {n}")
        await house.run()
        assert house.texts(target) == ["first", *(f"burst {n}" for n in range(30))]


@pytest.mark.parametrize("deletes", ["keep", "mirror"])
async def test_in_a_gap_what_was_pushed_and_vanished(tmp_path: Path, deletes: str) -> None:
    """Pushed, deleted, and then only a history without it: under `keep` it is still copied, in place."""
    async with House(tmp_path) as house:
        source, target = await running(house, deletes=deletes)
        house.tg.faults.add(Fault("updates.getChannelDifference", code=500, message="RPC_CALL_FAIL", times=1))
        house.post(source, "before")
        gone = house.post(source, "gone")
        await house.hear()
        house.world.chats.delete(gone)
        house.world.chats.purge(source)
        house.post(source, "after")
        await house.run()
        expected = ["first", "before", "gone", "after"]
        assert house.texts(target) == [text for text in expected if deletes == "keep" or text != "gone"]


async def test_silence_does_not_hide_a_post(tmp_path: Path) -> None:
    """Telegram pushes nothing: the box is asked all the same, within two minutes."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        house.world.chats.silence(source, True)
        posted = house.post(source, "untold")
        await house.run()
        copy = house.messages(target)[1]
        assert copy.text == "untold"
        assert copy.date - posted.date <= 120


async def test_what_no_update_ever_told_is_found_in_the_history(tmp_path: Path) -> None:
    """The difference lacks it as well: the slow comparison with the history finds it."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        house.world.chats.silence(source, True)
        house.post(source, "never told")
        source.box.events.clear()
        await house.run()
        assert house.texts(target) == ["first"]
        house.clock.advance(600)
        await house.run()
        assert house.texts(target) == ["first", "never told"]


async def test_a_public_source_is_followed_without_membership(tmp_path: Path) -> None:
    """Nobody pushes to a stranger: it is polled as often as Telegram asks for."""
    async with House(tmp_path) as house:
        source = house.world.chats.add_channel(
            "Public", house.other, username="public", difference_timeout=30
        )
        target = house.own_supergroup("Target")
        house.post(source, "first")
        house.mirror("@public", target)
        await house.start()
        await house.run()
        house.post(source, "second")
        await house.run()
        assert house.texts(target) == ["first", "second"]


async def test_a_cut_connection_hides_nothing(tmp_path: Path) -> None:
    """Posts made while the line was dead come at the reconnection."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        for n in range(3):
            house.tg.cut(house.me)
            house.post(source, f"in the dark {n}")
            await house.run()
        assert house.texts(target) == ["first", *(f"in the dark {n}" for n in range(3))]


@pytest.mark.parametrize("kind", ["channel", "group"])
async def test_channels_and_basic_groups_are_sources_and_targets(tmp_path: Path, kind: str) -> None:
    """History, live, reply, deletion of a waiting post, restart."""
    async with House(tmp_path) as house:
        add: Callable[..., Chat] = getattr(house.world.chats, f"add_{kind}")
        source, target = add("Source", house.other, [house.me]), add("Target", house.me)
        first = house.post(source, "first")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.post(source, "second", reply_to=first)
        house.post(source, "photo", media=house.world.media.photo())
        await house.run()
        await house.stop()
        house.post(source, "while stopped")
        await house.start()
        doomed = house.post(source, "deleted while it waits")
        await house.hear()
        house.world.chats.delete(doomed)
        await house.run()
        copies = house.messages(target)
        expected = ["first", "second", "photo", "while stopped", "deleted while it waits"]
        assert [copy.text for copy in copies] == expected
        assert copies[1].reply is not None
        assert copies[1].reply.to is copies[0]


# -- pace -------------------------------------------------------------------------------------------------


def sent_at(house: House, *chats: Chat) -> list[float]:
    """When something was sent there, by the server's clock."""
    methods = (SEND, "messages.sendMedia", "messages.sendMultiMedia")
    ids = {chat.id for chat in chats}
    log = house.tg.log.of(*methods)
    return [entry.at for entry in log if getattr(entry.request.peer, "channel_id", None) in ids]


async def test_an_album_costs_as_much_as_its_items(tmp_path: Path) -> None:
    """After an album of six the target rests for six intervals."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        make = house.world.media
        house.world.chats.post_album(source, house.other, [make.photo(seed=n) for n in range(6)])
        house.post(source, "after")
        await house.run()
        _, album, after = sent_at(house, target)
        assert after - album >= 6 * 3.5
        assert after - album < 6 * 3.5 + 1


async def test_sends_of_the_account_keep_their_distance(tmp_path: Path) -> None:
    """`account_interval` lies between any two, whatever their targets; it can be switched off."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        targets = [house.own_supergroup(f"Target {n}") for n in range(5)]
        for target in targets:
            house.mirror(source, target)
        await house.start()
        await house.run()
        for n in range(3):
            house.post(source, str(n))
        await house.run()
        times = sent_at(house, *targets)
        assert len(times) == 15
        assert all(later - earlier >= 1.0 for earlier, later in pairwise(times))
        for target in targets:
            assert all(later - earlier >= 3.5 for earlier, later in pairwise(sent_at(house, target)))


async def test_all_backlogs_share_one_interval(tmp_path: Path) -> None:
    """Three mirrors do not make a threefold bulk, and each gets its turn."""
    async with House(tmp_path) as house:
        targets = []
        for n in range(3):
            source, target = house.supergroup(f"Source {n}"), house.own_supergroup(f"Target {n}")
            for k in range(5):
                house.post(source, f"{n}.{k}")
            house.mirror(source, target)
            targets.append(target)
        await house.start()
        await house.run()
        times = sent_at(house, *targets)
        assert len(times) == 15
        assert all(later - earlier >= 3.5 for earlier, later in pairwise(times))
        ends = [sent_at(house, target)[-1] for target in targets]
        assert max(ends) - min(ends) <= 2 * 3.5 + 1
        first_two = [sent_at(house, target)[1] for target in targets]
        assert max(first_two) < min(ends)


async def test_two_mirrors_of_one_target_take_turns(tmp_path: Path) -> None:
    """A talkative source does not starve a quiet one."""
    async with House(tmp_path) as house:
        loud, quiet = house.supergroup("Loud"), house.supergroup("Quiet")
        target = house.own_supergroup("Target")
        house.mirror(loud, target)
        house.mirror(quiet, target)
        await house.start()
        await house.run()
        for n in range(20):
            house.post(loud, f"loud {n}")
        for n in range(3):
            house.post(quiet, f"quiet {n}")
        await house.run()
        texts = house.texts(target)
        assert texts.index("quiet 2") <= 7
        assert [text for text in texts if text.startswith("loud")] == [f"loud {n}" for n in range(20)]
        assert all(later - earlier >= 3.5 for earlier, later in pairwise(sent_at(house, target)))


async def test_a_restart_does_not_refill_the_budget(tmp_path: Path) -> None:
    """The pace is counted across restarts, also an album's."""
    async with House(tmp_path) as house:
        source, target = await running(house)
        make = house.world.media
        house.world.chats.post_album(source, house.other, [make.photo(seed=n) for n in range(4)])
        house.post(source, "after")
        await house.run(until=lambda: len(house.messages(target)) == 5)
        await house.restart()
        await house.run()
        _, album, after = sent_at(house, target)
        assert 4 * 3.5 <= after - album < 4 * 3.5 + 1


async def test_a_backlog_of_media_runs_at_the_pace(tmp_path: Path) -> None:
    """What comes next has been uploaded before its turn: the interval, and not the transfer on top."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(8):
            house.post(source, str(n), media=house.world.media.photo(seed=n))
        house.mirror(source, target)
        await house.start()
        begun = house.clock.now()
        await house.run()
        assert house.texts(target) == [str(n) for n in range(8)]
        times = sent_at(house, target)
        assert times[-1] - begun < 7 * 3.5 + 1
        # Half of the uploads were there before the third message went out.
        uploads = [entry.at for entry in house.tg.log.of("messages.uploadMedia")]
        assert sum(at <= times[1] for at in uploads) >= 4
