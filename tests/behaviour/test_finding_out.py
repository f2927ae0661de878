"""How it is found out what became of a call: by the call again, the target's difference, a search.

A `random_id` lasts for ever (C1), and a difference tells it again (C2), says Telegram's page on updates:
https://core.telegram.org/api/updates#updatemessageid-updates. Each alone has to do, and so has neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.interpose import Through
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd.domain.errors import Transient
from tgstreamd.domain.messages import Sent
from tgstreamd.policy.retry import VANISHED

pytestmark = pytest.mark.thorough

SEND = "messages.sendMessage"
ALBUM = "messages.sendMultiMedia"
CREATE = "messages.createForumTopic"
HISTORY = "messages.getHistory"
CHANNEL_DIFFERENCE = "updates.getChannelDifference"
DIFFERENCE = "updates.getDifference"
DUPLICATE = "RANDOM_ID_DUPLICATE"
#: Which of the two holds, by name.
WAYS = {"C1 alone": (True, False), "C2 alone": (False, True), "both": (True, True)}
#: Where a target may be.
PLACES = ("supergroup", "channel", "group")


def says(text: str) -> Callable[[Any, Any], bool]:
    return lambda _, request: request.message == text


def place(house: House, kind: str) -> Chat:
    chats = house.world.chats
    if kind == "group":
        return chats.add_group("Target", house.me, [house.other])
    if kind == "channel":
        return chats.add_channel("Target", house.me)
    return house.own_supergroup("Target")


async def started(house: House, kind: str = "supergroup") -> tuple[Chat, Chat]:
    """Three texts on their way; source and target."""
    source, target = house.supergroup("Source"), place(house, kind)
    for number in range(3):
        house.post(source, f"number {number}")
    house.mirror(source, target)
    await house.start()
    return source, target


def way(house: House, lasting: bool, told: bool) -> None:
    """From now on; what was sent so far is forgotten where ids do not last."""
    ids = house.world.chats.random_ids
    ids.lasting, ids.told = lasting, told
    if not lasting:
        ids.forget()


def the(house: House, chat: Chat, text: str) -> Message:
    return next(message for message in house.messages(chat) if message.text == text)


def asked(house: House, method: str, chat: Chat) -> int:
    """How often something was asked about this chat."""
    return sum(
        getattr(getattr(e.request, "peer", None) or e.request.channel, "channel_id", 0) == chat.id
        for e in house.tg.log.of(method)
    )


async def stopped_with_a_lost_answer(house: House, target: Chat) -> None:
    """`number 1` stands in the target, and nobody knows."""
    house.tg.faults.add(Fault(SEND, "apply-cut", when=says("number 1")))
    await house.run(until=lambda: house.texts(target)[-1:] == ["number 1"])
    await house.stop()


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("kind", PLACES)
async def test_what_nobody_would_recognise_is_known_all_the_same(
    tmp_path: Path, kind: str, name: str
) -> None:
    """Somebody has rewritten it: no search finds it, and it is there once."""
    async with House(tmp_path) as house:
        _, target = await started(house, kind)
        await stopped_with_a_lost_answer(house, target)
        house.world.chats.edit(the(house, target, "number 1"), "rewritten")
        way(house, *WAYS[name])
        await house.start()
        await house.run()
        assert house.texts(target) == ["number 0", "rewritten", "number 2"]
        assert (await house.verb("parked"))["parked"] == []


@pytest.mark.parametrize("kind", PLACES)
async def test_without_either_it_is_searched(tmp_path: Path, kind: str) -> None:
    async with House(tmp_path) as house:
        _, target = await started(house, kind)
        await stopped_with_a_lost_answer(house, target)
        way(house, lasting=False, told=False)
        await house.start()
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]


@pytest.mark.parametrize("kind", PLACES)
async def test_a_difference_that_is_too_long_says_nothing(tmp_path: Path, kind: str) -> None:
    """Nor does a position that Telegram does not know: it is searched."""
    async with House(tmp_path) as house:
        _, target = await started(house, kind)
        await stopped_with_a_lost_answer(house, target)
        target.box_for(house.me.id).purge()
        house.tg.faults.add(
            Fault(CHANNEL_DIFFERENCE, message="PERSISTENT_TIMESTAMP_INVALID", peer=target.marked_id)
        )
        way(house, lasting=False, told=True)
        await house.start()
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_busy_target_is_read_slice_by_slice_and_not_for_ever(tmp_path: Path, arrived: bool) -> None:
    """A thousand events are read for what may be among them; then it is searched."""
    async with House(tmp_path) as house:
        _, target = await started(house)
        house.tg.faults.add(Fault(SEND, "apply-cut" if arrived else "cut", when=says("number 1")))
        await house.run(until=lambda: house.tg.log.count(SEND) == 1 + arrived and not house.tg.faults._rules)
        await house.stop()
        for number in range(1500):
            house.post(target, f"chatter {number}")
        way(house, lasting=False, told=True)
        before = asked(house, CHANNEL_DIFFERENCE, target)
        await house.start()
        await house.run()
        assert [text for text in house.texts(target) if "number" in text] == [f"number {n}" for n in range(3)]
        assert asked(house, CHANNEL_DIFFERENCE, target) - before == (1 if arrived else 10)


async def test_what_is_fresh_is_asked_by_the_call_alone(tmp_path: Path) -> None:
    """Once a start it is asked where the target stands, and never for what goes well."""
    async with House(tmp_path) as house:
        source, target = await started(house)
        await house.run()
        looks = [asked(house, method, target) for method in (HISTORY, CHANNEL_DIFFERENCE)]
        for number in range(3, 10):
            house.post(source, f"number {number}")
        house.tg.faults.add(Fault(SEND, "apply-cut", when=says("number 5")))
        await house.run()
        assert house.texts(target) == [f"number {n}" for n in range(10)]
        assert [asked(house, method, target) for method in (HISTORY, CHANNEL_DIFFERENCE)] == looks
        assert looks[1] == 0


async def test_a_group_is_asked_for_the_state_once(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = await started(house, "group")
        await house.run()
        states = house.tg.log.count("updates.getState")
        for number in range(3, 10):
            house.post(source, f"number {number}")
        await house.run()
        assert len(house.texts(target)) == 10
        assert house.tg.log.count("updates.getState") == states


@pytest.mark.parametrize("name", WAYS)
async def test_a_target_that_is_a_source_as_well(tmp_path: Path, name: str) -> None:
    """Its difference is read from two positions, and neither disturbs the other."""
    async with House(tmp_path) as house:
        source, middle, last = (house.own_supergroup(title) for title in ("Source", "Middle", "Last"))
        house.mirror(source, middle)
        house.mirror(middle, last)
        await house.start()
        for number in range(3):
            house.post(source, f"number {number}")
        house.tg.faults.add(Fault(SEND, "apply-cut", when=says("number 1"), peer=middle.marked_id))
        await house.run(until=lambda: house.texts(middle)[-1:] == ["number 1"])
        await house.stop()
        house.post(middle, "by others")
        way(house, *WAYS[name])
        await house.start()
        await house.run()
        assert house.texts(middle) == ["number 0", "number 1", "by others", "number 2"]
        assert house.texts(last) == house.texts(middle)


# -- deleted before it was known


@pytest.mark.parametrize("says_of_it", ["id", "nothing"])
@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("kind", PLACES)
async def test_what_is_gone_waits_for_a_word(
    tmp_path: Path, kind: str, restart: bool, says_of_it: Any
) -> None:
    """It is not sent a second time by itself; the operator's `retry` sends it, once."""
    async with House(tmp_path) as house:
        house.world.chats.random_ids.of_gone = says_of_it
        _, target = await started(house, kind)
        house.tg.faults.add(Fault(SEND, "apply-cut", when=says("number 1")))
        house.tg.faults.add(Fault(SEND, "cut", when=says("number 1")))
        await house.run(until=lambda: house.texts(target)[-1:] == ["number 1"])
        house.world.chats.delete(the(house, target, "number 1"))
        if restart:
            await house.restart()
        await house.run(800)
        assert house.texts(target) == ["number 0", "number 2"]
        assert [one["reason"] for one in (await house.verb("parked"))["parked"]] == [VANISHED]
        await house.restart()
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["number 0", "number 2", "number 1"]
        assert (await house.verb("parked"))["parked"] == []


async def test_what_is_gone_is_told_by_the_difference_alone(tmp_path: Path) -> None:
    """The call is not made again: where the id was forgotten, that would be a second one."""
    async with House(tmp_path) as house:
        _, target = await started(house)
        await stopped_with_a_lost_answer(house, target)
        house.world.chats.delete(the(house, target, "number 1"))
        way(house, lasting=False, told=True)
        await house.start()
        await house.run()
        assert house.texts(target) == ["number 0", "number 2"]
        assert [one["reason"] for one in (await house.verb("parked"))["parked"]] == [VANISHED]


async def album(house: House, kind: str = "supergroup") -> Chat:
    source, target = house.supergroup("Source"), place(house, kind)
    make = house.world.media
    items = [(make.photo(width=640 + n, height=480), f"item {n}") for n in range(4)]
    house.world.chats.post_album(source, house.other, items)
    house.post(source, "after")
    house.mirror(source, target)
    await house.start()
    return target


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("kind", PLACES)
async def test_an_album_is_known_item_by_item(tmp_path: Path, kind: str, name: str) -> None:
    async with House(tmp_path) as house:
        target = await album(house, kind)
        house.tg.faults.add(Fault(ALBUM, "apply-cut"))
        await house.run(until=lambda: len(house.messages(target)) == 4)
        await house.stop()
        for number in range(4):
            house.world.chats.edit(the(house, target, f"item {number}"), f"rewritten {number}")
        way(house, *WAYS[name])
        await house.start()
        await house.run()
        assert house.texts(target) == [*(f"rewritten {n}" for n in range(4)), "after"]


@pytest.mark.parametrize("says_of_it", ["id", "nothing"])
@pytest.mark.parametrize("restart", [False, True])
async def test_an_album_of_which_an_item_is_gone(tmp_path: Path, restart: bool, says_of_it: Any) -> None:
    """The others are settled, and that one waits for a word."""
    async with House(tmp_path) as house:
        house.world.chats.random_ids.of_gone = says_of_it
        target = await album(house)
        house.tg.faults.add(Fault(ALBUM, "apply-cut"))
        house.tg.faults.add(Fault(ALBUM, "cut"))
        await house.run(until=lambda: len(house.messages(target)) == 4)
        house.world.chats.delete(the(house, target, "item 1"))
        if restart:
            await house.restart()
        await house.run(1000)
        rest = ["item 0", "item 2", "item 3", "after"]
        assert house.texts(target) == rest
        assert [one["reason"] for one in (await house.verb("parked"))["parked"]] == [VANISHED]
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == [*rest, "item 1"]


async def test_a_number_that_another_message_bears_is_not_taken_for_it(tmp_path: Path) -> None:
    """An answer names a message that is somebody's, as where the number was a scheduled one's."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        theirs = house.post(target, "theirs")
        ours = house.post(target, "ours", sender=house.me)
        for text in ("odd", "even"):
            house.post(source, text)
        house.mirror(source, target)
        wrong = {"odd": theirs.id, "even": ours.id}

        class Odd(Through):
            """Sends nothing, and names what stands there."""

            async def send(self, chat: int, draft: Any, ids: Any, committed: Any) -> Sent:
                return Sent(unseen={ids[0]: wrong[draft.pieces[0].text]})

        def wrap(connection: Any) -> None:
            connection.target = Odd(connection.target)

        house.wrap = wrap
        await house.start()
        await house.run()
        assert house.texts(target) == ["theirs", "ours"]
        assert [one["reason"] for one in (await house.verb("parked"))["parked"]] == [VANISHED, VANISHED]


# -- topics


@pytest.mark.parametrize("name", [*WAYS, "neither"])
async def test_a_topic_is_made_once(tmp_path: Path, name: str) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source", forum=True), house.own_supergroup("Target", forum=True)
        topic = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "in it", topic=topic)
        house.mirror(source, target)
        await house.start()
        house.tg.faults.add(Fault(CREATE, "apply-cut"))
        await house.run(until=lambda: len(target.topics) == 2)
        await house.stop()
        way(house, *WAYS.get(name, (False, False)))
        await house.start()
        await house.run()
        assert [t.title for t in target.topics.values()] == ["General", "Tea"]
        assert house.texts(target) == ["in it"]
        assert house.tg.log.count(CREATE) == 1


@pytest.mark.parametrize("says_of_it", ["id", "nothing"])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_topic_that_is_gone_is_made_again(tmp_path: Path, restart: bool, says_of_it: Any) -> None:
    async with House(tmp_path) as house:
        house.world.chats.random_ids.of_gone = says_of_it
        source, target = house.supergroup("Source", forum=True), house.own_supergroup("Target", forum=True)
        topic = house.world.chats.add_topic(source, house.other, "Tea")
        house.post(source, "in it", topic=topic)
        house.mirror(source, target)
        await house.start()
        house.tg.faults.add(Fault(CREATE, "apply-cut"))
        house.tg.faults.add(Fault(CREATE, "cut"))
        await house.run(until=lambda: len(target.topics) == 2)
        house.world.chats.delete_topic(target, max(target.topics))
        if restart:
            await house.restart()
        await house.run()
        assert [t.title for t in target.topics.values() if not t.deleted] == ["General", "Tea"]
        assert house.texts(target) == ["in it"]


# -- still under way


@pytest.mark.parametrize(("action", "restart"), [("slow", False), ("slow", True), ("delay", False)])
async def test_a_call_that_is_still_under_way_is_waited_for(
    tmp_path: Path, restart: bool, action: str
) -> None:
    """Again and again the same call, whose number is known; nothing overtakes it, and it is there once."""
    async with House(tmp_path) as house:
        _, target = await started(house)
        gate = asyncio.Event()

        class Hasty(Through):
            """Does not wait for the answer that does not come."""

            async def send(self, chat: int, draft: Any, ids: Any, committed: Any) -> Sent:
                sending = asyncio.ensure_future(self._inner.send(chat, draft, ids, committed))
                held = asyncio.ensure_future(slow.holding.wait())
                await asyncio.wait({sending, held}, return_when=asyncio.FIRST_COMPLETED)
                if not sending.done() and not gate.is_set() and not house.tg.log.errors[DUPLICATE]:
                    sending.cancel()
                    raise Transient("no answer in time", error="TIMEOUT")
                return await sending

        def wrap(connection: Any) -> None:
            connection.target = Hasty(connection.target)

        house.wrap = wrap
        await house.restart()
        slow = house.tg.faults.add(Fault(SEND, action, gate=gate, when=says("number 1")))
        await house.run(until=lambda: house.tg.log.errors[DUPLICATE] >= 2)
        if restart:
            await house.restart()
            await house.run(until=lambda: house.tg.log.errors[DUPLICATE] >= 4)
        assert "number 2" not in house.texts(target)
        gate.set()
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]
        tries = [e.request.random_id for e in house.tg.log.of(SEND) if e.request.message == "number 1"]
        assert len(set(tries)) == 1


async def test_one_that_stays_under_way_is_parked_after_half_an_hour(tmp_path: Path) -> None:
    """For what it is, and not as one that was deleted; `retry` begins by looking for it."""
    async with House(tmp_path) as house:
        _, target = await started(house)
        begun = house.clock.now()
        stuck = house.tg.faults.add(
            Fault(SEND, code=500, message=DUPLICATE, times=None, when=says("number 1"))
        )
        await house.run()
        assert house.texts(target) == ["number 0", "number 2"]
        assert 1790 <= the(house, target, "number 2").date - begun <= 2000
        [parked] = (await house.verb("parked"))["parked"]
        assert parked["reason"] == f"{SEND}: this call is still under way ({DUPLICATE})"
        house.tg.faults.remove(stuck)
        house.post(target, "number 1", sender=house.me)
        await house.verb("retry", ids=[parked["id"]])
        await house.run()
        assert house.texts(target) == ["number 0", "number 2", "number 1"]
        assert (await house.verb("parked"))["parked"] == []


# -- looking fails


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("method", [HISTORY, CHANNEL_DIFFERENCE, DIFFERENCE, "messages.getScheduledHistory"])
async def test_a_flood_on_looking_is_no_refusal_of_the_call(tmp_path: Path, kind: str, method: str) -> None:
    """It is waited out, and only then anything is sent."""
    async with House(tmp_path) as house:
        _, target = await started(house, kind)
        await stopped_with_a_lost_answer(house, target)
        way(house, lasting=False, told=False)
        await house.start()
        house.tg.faults.add(Fault(method, "flood", seconds=500))
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]
        assert house.tg.faults.violations == []


@pytest.mark.parametrize("error", ["RPC_CALL_FAIL", "CHANNEL_PRIVATE", "MSG_ID_INVALID"])
@pytest.mark.parametrize("method", [HISTORY, CHANNEL_DIFFERENCE, "messages.getScheduledHistory"])
async def test_a_failure_of_looking_is_none_of_the_call(tmp_path: Path, method: str, error: str) -> None:
    """A few times in a row; the account can see the chat all the same."""
    async with House(tmp_path) as house:
        _, target = await started(house)
        await stopped_with_a_lost_answer(house, target)
        way(house, lasting=False, told=False)
        await house.start()
        code = 500 if error == "RPC_CALL_FAIL" else 400
        house.tg.faults.add(Fault(method, code=code, message=error, peer=target.marked_id, times=2))
        await house.run()
        await house.ask_again()
        await house.run()
        await house.ask_again()
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]


async def test_a_target_that_can_never_be_looked_through_stops_nobody_for_ever(tmp_path: Path) -> None:
    """After an hour what is unknown is parked, and `retry` begins with looking again."""
    async with House(tmp_path) as house:
        _, target = await started(house)
        await stopped_with_a_lost_answer(house, target)
        way(house, lasting=False, told=False)
        await house.start()
        blind = house.tg.faults.add(
            Fault(HISTORY, code=500, message="RPC_CALL_FAIL", peer=target.marked_id, times=None)
        )
        await house.run()
        house.tg.faults.remove(blind)
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]
        [parked] = (await house.verb("parked"))["parked"]
        assert "RPC_CALL_FAIL" in parked["reason"]
        await house.verb("retry", ids=[parked["id"]])
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]
        assert (await house.verb("parked"))["parked"] == []
