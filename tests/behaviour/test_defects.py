"""Defects that other programs have (features.md, 1b), each with a test that would catch it here.

D2, D3, D11, D12 and D14 lie with the kinds, edits and topics of other issues; D6 to D8 are in
test_defects_files.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.interpose import Death, Through, dies
from tests.telegram.faults import Fault

SEND = "messages.sendMessage"
#: The transactions that a message passes on its way, each a place to die before or after.
STEPS = [
    "ingest_push",
    "take_difference",
    "plan_sends",
    "begin_upload",
    "acknowledge",
    "commit_upload",
    "attempt",
    "settle",
]


def says(text: str) -> Callable[[Any, Any], bool]:
    """Matches requests with this text."""
    return lambda _, request: request.message == text


async def test_d1_a_long_flood_loses_nothing_and_reading_goes_on(tmp_path: Path) -> None:
    """The flooded message is the next to go, in its place, and posts made meanwhile are captured."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(6):
            house.post(source, f"old {n}")
        house.mirror(source, target)
        house.tg.faults.add(Fault(SEND, "flood", seconds=300, skip=3))
        await house.start()
        await house.run(60)
        assert house.texts(target) == ["old 0", "old 1", "old 2"]
        house.post(source, "while it waits")
        await house.run(30)
        assert (await house.status())["mirrors"][0]["waiting_live"] == 1
        await house.run()
        assert house.texts(target) == [*(f"old {n}" for n in range(6)), "while it waits"]
        assert house.tg.faults.violations == []


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_d4_death_at_any_step_leaves_exactly_one_copy(tmp_path: Path, step: str, side: str) -> None:
    """D4, D10, D18: kill -9 before or after any transaction, then a start: each message is there, once."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        await house.stop()
        hook: dict[str, Any] = {step: dies()}
        house.interpose("store", **{side: hook})
        await house.start()
        house.post(source, "text")
        house.post(source, "photo", media=house.world.media.photo(seed=7))
        with pytest.raises(Death):
            await house.run()
        house.post(source, "last")
        await house.restart()
        await house.run()
        assert house.texts(target) == ["text", "photo", "last"]


@pytest.mark.parametrize("forgotten", [False, True])
async def test_d10_death_between_the_send_and_its_record(tmp_path: Path, forgotten: bool) -> None:
    """Also where Telegram no longer knows the `random_id`: the target is searched before anything is sent."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(3):
            house.post(source, f"number {n}")
        house.mirror(source, target)

        def dies_after_send(connection: Any) -> None:
            connection.target = Through(connection.target, after={"send": dies()})

        house.wrap = dies_after_send
        await house.start()
        with pytest.raises(Death):
            await house.run()
        await house.stop()
        if forgotten:
            house.world.chats.forget_random_ids()
        house.wrap = lambda connection: None
        await house.start()
        await house.run()
        assert house.texts(target) == [f"number {n}" for n in range(3)]


async def test_d5_a_refused_message_is_seen_and_counted(tmp_path: Path) -> None:
    """It is parked with Telegram's reason, in `parked` and in the status; the queue goes on."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for text in ("good", "bad", "good too"):
            house.post(source, text)
        house.tg.faults.add(
            Fault(
                SEND, code=400, message="SOMETHING_STRANGE", times=None, when=lambda _, r: r.message == "bad"
            )
        )
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert house.texts(target) == ["good", "good too"]
        [parked] = (await house.verb("parked"))["parked"]
        assert "SOMETHING_STRANGE" in parked["reason"]
        assert parked["text"] == "bad"
        mirror = (await house.status())["mirrors"][0]
        assert (mirror["done"], mirror["parked"]) == (2, 1)
        assert "SOMETHING_STRANGE" in mirror["last_error"]


async def test_d9_what_failed_is_tried_again_after_a_restart(tmp_path: Path) -> None:
    """A parked message survives the restart and goes out when the operator says so; once."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for text in ("good", "bad", "good too"):
            house.post(source, text)
        fault = house.tg.faults.add(
            Fault(
                SEND, code=400, message="SOMETHING_STRANGE", times=None, when=lambda _, r: r.message == "bad"
            )
        )
        house.mirror(source, target)
        await house.start()
        await house.run()
        await house.restart()
        await house.run()
        [parked] = (await house.verb("parked"))["parked"]
        house.tg.faults.remove(fault)
        await house.verb("retry", ids=[parked["id"]])
        await house.run()
        assert house.texts(target) == ["good", "good too", "bad"]
        assert (await house.verb("parked"))["parked"] == []


async def test_d9_trouble_that_passes_costs_no_message(tmp_path: Path) -> None:
    """A server that is ill for a while, with a restart in it: every message, in order, once."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(4):
            house.post(source, str(n))
        house.tg.faults.add(Fault(SEND, code=500, message="INTERNAL", skip=1, times=4))
        house.mirror(source, target)
        await house.start()
        await house.run(10)
        await house.restart()
        await house.run()
        assert house.texts(target) == [str(n) for n in range(4)]


async def test_d13_topics_beyond_the_first_page_can_be_mirrored(tmp_path: Path) -> None:
    """The last of 120 topics is a source, another one the target."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Forum", forum=True), house.own_supergroup("Copies", forum=True)
        topics = [house.world.chats.add_topic(source, house.other, f"topic {n}") for n in range(120)]
        places = [house.world.chats.add_topic(target, house.me, f"place {n}") for n in range(110)]
        for topic in (topics[0], topics[1], topics[-1]):
            house.post(source, f"in {topic}", topic=topic)
        house.mirror(source, target, source_topic=topics[0], target_topic=places[0])
        house.mirror(source, target, source_topic=topics[1], target_topic=places[-1])
        await house.start()
        assert [mirror["paused"] for mirror in (await house.status())["mirrors"]] == ["", ""]
        await house.run()
        where = {message.text: message.topic for message in house.messages(target)}
        assert where == {f"in {topics[0]}": places[0], f"in {topics[1]}": places[-1]}


async def test_d13_general_is_a_source_like_any_other(tmp_path: Path) -> None:
    """Messages in General carry no topic: history and live posts of it arrive, those of others do not."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Forum", forum=True), house.own_supergroup("Target")
        topic = house.world.chats.add_topic(source, house.other, "elsewhere")
        first = house.post(source, "old, general")
        house.post(source, "old, elsewhere", topic=topic)
        house.mirror(source, target, source_topic=1)
        await house.start()
        await house.run()
        house.post(source, "new, elsewhere", topic=topic)
        house.post(source, "new, general", reply_to=first)
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == ["old, general", "new, general"]
        assert copies[1].reply is not None
        assert copies[1].reply.to is copies[0]


async def test_d15_captured_and_missed_posts_survive_a_kill(tmp_path: Path) -> None:
    """Posts that were captured and not yet sent, and posts made while it was dead: all arrive, in order."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        for n in range(3):
            house.post(source, f"captured {n}")
        await house.hear()
        await house.stop()
        for n in range(3):
            house.post(source, f"missed {n}")
        await house.start()
        house.post(source, "after")
        await house.run()
        expected = [*(f"captured {n}" for n in range(3)), *(f"missed {n}" for n in range(3)), "after"]
        assert house.texts(target) == expected


async def test_d16_a_flood_of_an_hour_is_waited_out(tmp_path: Path) -> None:
    """No wait is too long: the message goes out after it, also when a restart lies in between."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.tg.faults.add(Fault(SEND, "flood", seconds=3600))
        house.post(source, "patience")
        flooded_at = house.clock.now()
        await house.run(1800)
        assert house.texts(target) == []
        await house.restart()
        await house.run()
        [copy] = house.messages(target)
        assert copy.text == "patience"
        assert copy.date >= flooded_at + 3599
        assert house.tg.faults.violations == []


async def test_d17_a_burst_keeps_its_order(tmp_path: Path) -> None:
    """Texts, a large file and an album whose last item comes late: the source's order, and one album."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        make = house.world.media
        group = house.world.chats.new_group_id()
        house.post(source, "first")
        house.post(source, "big", media=make.video(size=12_000_000))
        house.post(source, "second")
        house.post(source, "a", media=make.photo(seed=1), grouped_id=group)
        house.post(source, "b", media=make.photo(seed=2), grouped_id=group)
        await house.run(3)
        house.post(source, "c", media=make.photo(seed=3), grouped_id=group)
        house.post(source, "third")
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == ["first", "big", "second", "a", "b", "c", "third"]
        assert len({copy.grouped_id for copy in copies if copy.grouped_id}) == 1


async def test_d18_own_copies_are_never_source_posts(tmp_path: Path) -> None:
    """Two topics of one forum mirrored into each other's neighbour: a copy is not copied again."""
    async with House(tmp_path) as house:
        forum = house.own_supergroup("Forum", forum=True)
        one, two = (house.world.chats.add_topic(forum, house.me, name) for name in ("one", "two"))
        house.post(forum, "said once", sender=house.me, topic=one)
        house.mirror(forum, forum, source_topic=one, target_topic=two)
        await house.start()
        await house.run()
        await house.restart()
        house.post(forum, "said later", sender=house.me, topic=one)
        await house.run()
        said = [(message.topic, message.text) for message in house.messages(forum)]
        assert said == [(one, "said once"), (two, "said once"), (one, "said later"), (two, "said later")]


@pytest.mark.parametrize("restart", [False, True])
async def test_d19_a_post_deleted_while_it_waits_still_arrives(tmp_path: Path, restart: bool) -> None:
    """`deletes = "keep"`: text and media were taken at capture and are copied, across a restart as well."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.tg.faults.add(Fault(SEND, "flood", seconds=600))
        doomed = [house.post(source, "going"), house.post(source, "gone", media=house.world.media.photo())]
        await house.run(60)
        house.world.chats.remove(doomed)
        await house.run(60)
        if restart:
            await house.restart()
        house.post(source, "stays")
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == ["going", "gone", "stays"]
        assert copies[1].media is not None
        assert copies[1].media.photo is not None
