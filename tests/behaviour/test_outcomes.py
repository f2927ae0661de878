"""Calls of unknown outcome: whatever happened to the answer, each message is there once and in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.interpose import Through
from tests.telegram.faults import Fault
from tests.telegram.world.messages import Message
from tgstreamd.domain.errors import Transient
from tgstreamd.domain.messages import Sent
from tgstreamd.policy.retry import VANISHED

pytestmark = pytest.mark.thorough

SEND = "messages.sendMessage"
MEDIA = "messages.sendMedia"
ALBUM = "messages.sendMultiMedia"
#: What can happen to a call, and whether the message is there after it.
TROUBLES = {
    "cut before it was carried out": Fault(action="cut"),
    "carried out, answer lost": Fault(action="apply-cut"),
    "half an answer": Fault(action="apply-half"),
    "answered twice": Fault(action="twice"),
    "carried out, then a 500": Fault(action="apply-error", code=500, message="RPC_CALL_FAIL"),
    "a 500 and nothing done": Fault(code=500, message="RPC_CALL_FAIL"),
    "said to be known already": Fault(action="apply-error", code=500, message="RANDOM_ID_DUPLICATE"),
    "a timeout of Telegram's own": Fault(action="apply-error", code=503, message="TIMEOUT"),
}


def trouble(name: str, method: str, **fields: Any) -> Fault:
    """A fresh fault of this kind."""
    kind = TROUBLES[name]
    return Fault(method, kind.action, code=kind.code, message=kind.message, **fields)


def says(text: str) -> Callable[[Any, Any], bool]:
    return lambda _, request: request.message == text


async def seeded(house: House, count: int = 3) -> Any:
    """A source with `count` texts, mirrored; its target."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    for n in range(count):
        house.post(source, f"number {n}")
    house.mirror(source, target)
    await house.start()
    return target


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_text_whose_answer_went_wrong_is_there_once(tmp_path: Path, name: str) -> None:
    """The same `random_id` is used again while it is fresh; nothing overtakes it."""
    async with House(tmp_path) as house:
        target = await seeded(house)
        fault = house.tg.faults.add(trouble(name, SEND, when=says("number 1")))
        await house.run()
        assert fault.hits == 1
        assert house.texts(target) == ["number 0", "number 1", "number 2"]
        tries = [e.request.random_id for e in house.tg.log.of(SEND) if e.request.message == "number 1"]
        assert len(set(tries)) == 1


@pytest.mark.parametrize("name", TROUBLES)
async def test_so_it_is_with_a_restart_in_between(tmp_path: Path, name: str) -> None:
    """Then the target is searched before anything is sent again, also if the ids were forgotten."""
    async with House(tmp_path) as house:
        target = await seeded(house)
        house.tg.faults.add(trouble(name, SEND, when=says("number 1"), times=1))
        await house.run(until=lambda: house.tg.log.count(SEND) >= 2)
        await house.stop()
        house.world.chats.forget_random_ids()
        house.clock.advance(5000)
        await house.start()
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]


@pytest.mark.parametrize("method", [SEND, ALBUM])
async def test_an_answer_that_comes_too_late(tmp_path: Path, method: str) -> None:
    """Carried out, and answered after we gave up waiting, while the same call is under way again."""
    async with House(tmp_path) as house:
        if method == ALBUM:
            _, target, _ = await album_of(house)
            expected = [*(f"item {n}" for n in range(4)), "after"]
        else:
            target = await seeded(house)
            expected = ["number 0", "number 1", "number 2"]

        class Hasty(Through):
            """Waits for each answer as the real one does, only shorter."""

            async def send(self, *args: Any) -> Sent:
                try:
                    async with asyncio.timeout(0.2):
                        sent: Sent = await self._inner.send(*args)
                        return sent
                except TimeoutError:
                    raise Transient("no answer in time", error="TIMEOUT") from None

        def wrap(connection: Any) -> None:
            connection.target = Hasty(connection.target)

        house.wrap = wrap
        await house.restart()
        late = house.tg.faults.add(Fault(method, "delay", seconds=0.3, times=2))
        await house.run()
        assert late.hits == 2
        assert house.texts(target) == expected


async def test_the_search_comes_first_after_ten_minutes(tmp_path: Path) -> None:
    """An attempt that is no longer fresh is looked for before its `random_id` is used again."""
    async with House(tmp_path) as house:
        target = await seeded(house)
        house.tg.faults.add(Fault(SEND, "apply-cut", when=says("number 1")))
        house.tg.faults.add(
            Fault(SEND, code=500, message="RANDOM_ID_DUPLICATE", times=None, when=says("number 1"))
        )
        begun = house.clock.now()
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]
        assert 600 <= house.messages(target)[-1].date - begun <= 700


async def test_what_was_deleted_before_it_was_known_waits_for_a_word(tmp_path: Path) -> None:
    """It is not sent a second time by itself; the operator's `retry` sends it, and nothing is held up."""
    async with House(tmp_path) as house:
        target = await seeded(house)
        house.tg.faults.add(Fault(SEND, "apply-cut", when=says("number 1")))
        house.tg.faults.add(Fault(SEND, "cut", when=says("number 1")))
        await house.run(until=lambda: house.texts(target)[-1:] == ["number 1"])
        house.world.chats.delete(next(m for m in house.messages(target) if m.text == "number 1"))
        await house.run(600)
        assert house.texts(target) == ["number 0", "number 2"]
        assert [one["reason"] for one in (await house.verb("parked"))["parked"]] == [VANISHED]
        await house.restart()
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["number 0", "number 2", "number 1"]
        assert (await house.status())["mirrors"][0]["parked"] == 0


async def test_a_refusal_of_the_repeated_call_is_no_proof(tmp_path: Path) -> None:
    """The first call was carried out and its answer lost; a flood wait on the second makes no double."""
    async with House(tmp_path) as house:
        target = await seeded(house)
        house.tg.faults.add(Fault(SEND, "apply-cut", when=says("number 1")))
        house.tg.faults.add(Fault(SEND, "flood", seconds=4000, when=says("number 1")))
        await house.run(60)
        house.world.chats.forget_random_ids()
        await house.run()
        assert house.texts(target) == ["number 0", "number 1", "number 2"]
        assert house.tg.faults.violations == []


async def test_a_message_that_looks_the_same_is_not_taken_for_it(tmp_path: Path) -> None:
    """Equal texts in a row, the answer of the second lost: three copies, none more and none fewer."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for _ in range(3):
            house.post(source, "again")
        house.mirror(source, target)
        house.tg.faults.add(Fault(SEND, "apply-cut", skip=1))
        await house.start()
        await house.run(until=lambda: house.tg.log.count(SEND) >= 2)
        await house.restart()
        await house.run()
        assert house.texts(target) == ["again"] * 3


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("name", ["carried out, answer lost", "cut before it was carried out"])
async def test_media_of_unknown_outcome_is_there_once(tmp_path: Path, name: str, restart: bool) -> None:
    """Found by the committed document, or sent with it; the bytes are not moved again."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        house.post(source, "photo", media=make.photo())
        house.post(source, "video", media=make.video())
        house.post(source, "after")
        house.mirror(source, target)
        house.tg.faults.add(trouble(name, MEDIA))
        house.tg.faults.add(trouble(name, MEDIA, skip=2))
        await house.start()
        if restart:
            await house.run(until=lambda: house.tg.log.count(MEDIA) >= 1)
            await house.restart()
        await house.run()
        assert house.texts(target) == ["photo", "video", "after"]
        assert len(house.tg.log.uploads) == 3  # the two files and the video's thumbnail


async def album_of(house: House, **options: Any) -> tuple[Any, Any, list[Message]]:
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    make = house.world.media
    items = [(make.photo(width=640 + n, height=480), f"item {n}") for n in range(4)]
    posted = house.world.chats.post_album(source, house.other, items)
    house.post(source, "after")
    house.mirror(source, target, **options)
    return source, target, posted


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("name", TROUBLES)
async def test_an_album_of_unknown_outcome_is_there_once(tmp_path: Path, name: str, restart: bool) -> None:
    """Whole, in order, and as one album."""
    async with House(tmp_path) as house:
        _, target, _ = await album_of(house)
        fault = house.tg.faults.add(trouble(name, ALBUM))
        await house.start()
        if restart:
            await house.run(until=lambda: house.tg.log.count(ALBUM) >= 1)
            await house.stop()
            house.world.chats.forget_random_ids()
            await house.start()
        await house.run()
        assert fault.hits == 1
        copies = house.messages(target)
        assert [copy.text for copy in copies] == [*(f"item {n}" for n in range(4)), "after"]
        assert len({copy.grouped_id for copy in copies[:4]}) == 1


@pytest.mark.parametrize("message", ["", "RPC_CALL_FAIL"], ids=["cut", "refused"])
@pytest.mark.parametrize("items", [1, 2])
async def test_of_an_album_carried_out_in_part_only_the_rest_is_sent(
    tmp_path: Path, items: int, message: str
) -> None:
    """Some items are found, the others follow as a reply to the first; nothing is doubled."""
    async with House(tmp_path) as house:
        _, target, _ = await album_of(house)
        house.tg.faults.add(Fault(ALBUM, "apply-part", 500, message, items=items))
        await house.start()
        await house.run(until=lambda: house.tg.log.count(ALBUM) >= 1)
        assert len(house.messages(target)) == items
        await house.stop()
        house.world.chats.forget_random_ids()
        house.clock.advance(1000)
        await house.start()
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == [*(f"item {n}" for n in range(4)), "after"]
        reply = copies[items].reply
        assert reply is not None
        assert reply.to is copies[0]


@pytest.mark.parametrize("skipped", [False, True], ids=["parked", "skipped"])
async def test_what_happens_to_the_part_of_an_album_that_was_sent(tmp_path: Path, skipped: bool) -> None:
    """The rest was refused: edits, pins and deletions of what stands there are carried out."""
    async with House(tmp_path) as house:
        source, target, _ = await album_of(house, deletes="mirror")
        house.tg.faults.add(Fault(ALBUM, "apply-part", items=2))
        await house.start()
        await house.run(until=lambda: house.tg.log.count(ALBUM) >= 1)
        await house.stop()
        house.world.chats.forget_random_ids()
        house.clock.advance(1000)
        house.tg.faults.add(Fault(ALBUM, message="NOT_WANTED"))
        await house.start()
        await house.run()
        assert house.texts(target) == ["item 0", "item 1", "after"]
        [parked] = (await house.verb("parked"))["parked"]
        if skipped:
            await house.verb("skip", ids=[parked["id"]])
        first, second = house.messages(source)[:2]
        house.world.chats.pin(first)
        house.world.chats.edit(first, "item 0, edited")
        house.world.chats.delete(second)
        await house.run()
        assert house.texts(target) == ["item 0, edited", "after"]
        assert house.messages(target)[0].pinned
        assert (await house.status())["mirrors"][0]["changes"] == 0


async def test_an_album_carried_out_in_part_is_completed_while_its_ids_are_known(tmp_path: Path) -> None:
    """The same call again: what is there stays, the others join it, and it is one album."""
    async with House(tmp_path) as house:
        _, target, _ = await album_of(house)
        house.tg.faults.add(Fault(ALBUM, "apply-part", items=2))
        await house.start()
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == [*(f"item {n}" for n in range(4)), "after"]
        assert len({copy.grouped_id for copy in copies[:4]}) == 1


async def test_an_album_refused_as_one_is_tried_as_one_again_after_a_restart(tmp_path: Path) -> None:
    """Single messages were written down, and none of them was sent yet."""
    async with House(tmp_path) as house:
        _, target, _ = await album_of(house)
        refused = house.tg.faults.add(Fault(ALBUM, message="MEDIA_GROUPED_INVALID"))
        await house.start()
        await house.run(until=lambda: refused.hits > 0)
        assert house.messages(target) == []
        await house.restart()
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == [*(f"item {n}" for n in range(4)), "after"]
        assert len({copy.grouped_id for copy in copies[:4]}) == 1


@pytest.mark.parametrize("restart", [False, True])
async def test_a_video_that_is_only_scheduled_is_waited_for(tmp_path: Path, restart: bool) -> None:
    """Accepted is a known outcome: it is never sent again, what follows waits, and replies find it."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_channel("Target", house.me)
        house.world.chats.process_videos(target)
        video = house.post(source, "video", media=house.world.media.video())
        house.post(source, "an answer", reply_to=video)
        house.mirror(source, target)
        await house.start()
        await house.run(120)
        assert house.messages(target) == []
        if restart:
            await house.restart()
            await house.run(60)
        [scheduled] = target.scheduled
        house.world.chats.publish_scheduled(target, scheduled)
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == ["video", "an answer"]
        assert copies[1].reply is not None
        assert copies[1].reply.to is copies[0]
        assert house.tg.log.count(MEDIA) == 1


async def test_a_video_that_comes_when_nobody_waits_for_it_any_more_is_pinned(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_channel("Target", house.me)
        house.world.chats.process_videos(target)
        video = house.post(source, "video", media=house.world.media.video())
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.world.chats.pin(video, house.other)
        await house.run()
        [scheduled] = target.scheduled
        house.world.chats.publish_scheduled(target, scheduled)
        await house.run()
        assert [(copy.text, copy.pinned) for copy in house.messages(target)] == [("video", True)]


async def test_a_video_that_stays_scheduled_stops_nobody_for_ever(tmp_path: Path) -> None:
    """After half an hour the queue goes on; it is still not sent again."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        target = house.world.chats.add_channel("Target", house.me)
        house.world.chats.process_videos(target)
        house.post(source, "video", media=house.world.media.video())
        house.post(source, "after")
        house.mirror(source, target)
        await house.start()
        begun = house.clock.now()
        await house.run()
        [copy] = house.messages(target)
        assert copy.text == "after"
        assert 1790 <= copy.date - begun <= 1900
        assert house.tg.log.count(MEDIA) == 1


async def test_an_unknown_outcome_is_parked_only_after_an_empty_search(tmp_path: Path) -> None:
    """Half an hour of answers that say nothing: parked, and `parked retry` begins with the search."""
    async with House(tmp_path) as house:
        target = await seeded(house)
        stuck = house.tg.faults.add(
            Fault(SEND, code=500, message="RPC_CALL_FAIL", times=None, when=says("number 1"))
        )
        await house.run()
        assert house.texts(target) == ["number 0", "number 2"]
        [parked] = (await house.verb("parked"))["parked"]
        assert "RPC_CALL_FAIL" in parked["reason"]
        house.tg.faults.remove(stuck)
        # What nobody expects any more: the call had been carried out after all.
        house.post(target, "number 1", sender=house.me)
        await house.verb("retry", ids=[parked["id"]])
        await house.run()
        assert house.texts(target) == ["number 0", "number 2", "number 1"]
        assert (await house.verb("parked"))["parked"] == []


@pytest.mark.parametrize("applied", [True, False])
async def test_an_answer_that_names_none_of_our_ids_says_nothing(tmp_path: Path, applied: bool) -> None:
    """It is looked for; where it is not there, it is tried again with patience, and parked in the end."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for text in ("one", "odd", "two"):
            house.post(source, text)
        house.mirror(source, target)
        calls = [0]

        class Vague(Through):
            """Answers for one message without naming it."""

            async def send(self, chat: int, draft: Any, ids: Any, committed: Any) -> Sent:
                if draft.pieces[0].text != "odd":
                    result: Sent = await self._inner.send(chat, draft, ids, committed)
                    return result
                calls[0] += 1
                if applied:
                    await self._inner.send(chat, draft, ids, committed)
                return Sent()

        def wrap(connection: Any) -> None:
            connection.target = Vague(connection.target)

        house.wrap = wrap
        await house.start()
        await house.run()
        assert house.texts(target) == (["one", "odd", "two"] if applied else ["one", "two"])
        assert len((await house.verb("parked"))["parked"]) == (0 if applied else 1)
        assert calls[0] < 60
