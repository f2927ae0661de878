"""Every error of the calls that change what was sent: each change is carried out or given up, once.

No mirror is paused for one, and the chat is asked no more than once in ten minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.behaviour.test_refusals import ENDS, passes
from tests.harness import House
from tests.logged import Logs
from tests.refusals import Refusal, on, unheard
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd.domain.refusals import row

pytestmark = pytest.mark.thorough

EDIT, PIN = "messages.editMessage", "messages.updatePinnedMessage"
DELETE, DELETE_IN_GROUP = "channels.deleteMessages", "messages.deleteMessages"
TOPIC, ORDER = "messages.editForumTopic", "messages.reorderPinnedForumTopics"
TITLE, PHOTO, ABOUT = "channels.editTitle", "channels.editPhoto", "messages.editChatAbout"
GROUP_TITLE, GROUP_PHOTO = "messages.editChatTitle", "messages.editChatPhoto"
WALKED = {
    EDIT, PIN, DELETE, DELETE_IN_GROUP, TOPIC, ORDER, TITLE, PHOTO, ABOUT, GROUP_TITLE, GROUP_PHOTO,
}  # fmt: skip
QUESTIONS = ("channels.getFullChannel", "messages.getFullChat")
#: Refusals that the server takes back: it is so already, or it was so for a moment.
SOON = re.compile(r"EDIT_MESSAGE_TEMP_RESTRICTED|MSG_WAIT_FAILED|FILE_PARTS_INVALID")
#: One method of each kind meets what nobody has heard of too.
KINDS = (EDIT, PIN, DELETE, TOPIC, ORDER, TITLE, PHOTO, ABOUT)
#: Calls that one change may cost; a deletion is refused with others first.
TRIES = 12


class Walked(NamedTuple):
    refusal: Refusal
    fault: Fault


def walkable(*methods: str) -> list[Refusal]:
    known = [refusal for refusal in on(*methods) if not ENDS.fullmatch(refusal.name)]
    return known + [refusal for method in methods if method in KINDS for refusal in unheard(method)]


def refuse(house: House, refusal: Refusal, when: Callable[[Any], bool]) -> Walked:
    times = 2 if passes(refusal) or SOON.fullmatch(refusal.name) else None
    fault = Fault(refusal.method, code=refusal.code, message=refusal.name, times=times)
    fault.when = lambda call, request: when(request)
    return Walked(refusal, house.tg.faults.add(fault))


def names(message: int, request: Any) -> bool:
    """Whether it is about this message."""
    return message in (request.id if isinstance(request.id, list) else [request.id])


def names_topic(topic: int, request: Any) -> bool:
    return bool(request.topic_id == topic)


def names_chat(chat: int, request: Any) -> bool:
    """Whether it is about the chat of this bare id."""
    place = getattr(request, "channel", None) or getattr(request, "peer", None) or request
    return chat in (getattr(place, "channel_id", 0), getattr(place, "chat_id", 0))


def gives_up(walked: Walked) -> bool:
    """Whether the change is lost, and somebody is told so."""
    then = row(walked.refusal.name, walked.refusal.method).then
    return walked.fault.times is None and then in ("give up", "ask chat")


async def all_is_well(house: House, walked: list[Walked], logs: Logs, *, lost: int) -> None:
    """Each was asked for, and not for ever; nothing waits, nothing is paused or parked. Of the changes so
    many are lost, and each is told once."""
    assert len(logs.of("change given up")) == lost
    assert [(str(one.refusal), one.fault.hits) for one in walked if not 1 <= one.fault.hits <= TRIES] == []
    for mirror in (await house.status())["mirrors"]:
        assert (mirror["name"], mirror["paused"], mirror["changes"], mirror["parked"]) == (
            mirror["name"],
            "",
            0,
            0,
        )


async def copies(house: House) -> dict[int, int]:
    """The first copy of each message."""
    query = "SELECT source_id, target_id FROM copy WHERE target_id IS NOT NULL ORDER BY seq DESC, idx DESC"
    return {
        row[0]: row[1]
        for row in await house.store.run(lambda db: [tuple(each) for each in db.execute(query)])
    }


async def questions(house: House) -> int:
    return sum(house.tg.log.count(method) for method in QUESTIONS)


async def _messages(house: House, source: Chat, target: Chat, refusals: list[Refusal]) -> list[Message]:
    house.mirror(source, target, deletes="mirror")
    await house.start()
    posted = [house.post(source, f"m{number}") for number, _ in enumerate(refusals)]
    await house.run()
    return posted


@pytest.mark.parametrize("method", [EDIT, PIN, DELETE, DELETE_IN_GROUP])
async def test_changes_of_messages(tmp_path: Path, method: str, logs: Logs) -> None:
    async with House(tmp_path) as house:
        group = method == DELETE_IN_GROUP
        source = house.supergroup("Source")
        target = house.world.chats.add_group("Target", house.me) if group else house.own_supergroup("Target")
        refusals = walkable(method)
        posted = await _messages(house, source, target, refusals)
        there = await copies(house)
        asked = await questions(house)
        walked = []
        for refusal, message in zip(refusals, posted, strict=True):
            own = there[message.id]
            walked.append(refuse(house, refusal, partial(names, own)))
            if method == EDIT:
                house.world.chats.edit(message, f"{message.text} anew")
            elif method == PIN:
                house.world.chats.pin(message, house.other)
            else:
                house.world.chats.delete(message)
        house.post(source, "last")
        await house.run()
        await all_is_well(house, walked, logs, lost=sum(map(gives_up, walked)))
        assert "last" in house.texts(target)
        assert await questions(house) - asked <= 1 + house.clock.monotonic() / 600
        done = {
            EDIT: [m.text.split()[0] for m in house.messages(target) if m.text.endswith("anew")],
            PIN: [m.text for m in house.messages(target) if m.pinned],
        }.get(method)
        kept = [f"m{n}" for n, one in enumerate(walked) if one.fault.times is not None]
        if done is not None:
            assert set(kept) <= set(done)
        else:
            assert not set(kept) & set(house.texts(target))


async def test_changes_of_topics(tmp_path: Path, logs: Logs) -> None:
    """A topic each for the errors of the one method; for those of the order of pins, one after the other."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source", forum=True)
        target = house.own_supergroup("Target", forum=True)
        refusals = walkable(TOPIC)
        topics = [house.world.chats.add_topic(source, house.other, f"t{n}") for n, _ in enumerate(refusals)]
        for topic in topics:
            house.post(source, "in it", topic=topic)
        house.mirror(source, target)
        await house.start()
        await house.run()
        there = {topic.title: number for number, topic in target.topics.items()}
        walked = []
        for number, (refusal, topic) in enumerate(zip(refusals, topics, strict=True)):
            own = there[f"t{number}"]
            walked.append(refuse(house, refusal, partial(names_topic, own)))
            house.world.chats.edit_topic(source, house.other, topic, title=f"{number} anew")
        await house.run()
        for number, refusal in enumerate(walkable(ORDER)):
            walked.append(refuse(house, refusal, lambda r: True))
            house.world.chats.pin_topic(source, topics[number])
            await house.run()
            house.tg.faults.remove(walked[-1].fault)
        house.post(source, "last")
        await house.run()
        await all_is_well(house, walked, logs, lost=sum(map(gives_up, walked)))
        assert "last" in house.texts(target)


@pytest.mark.parametrize("methods", [(TITLE, ABOUT, PHOTO), (GROUP_TITLE, "", GROUP_PHOTO)])
async def test_changes_of_the_chat(tmp_path: Path, methods: tuple[str, ...], logs: Logs) -> None:
    """A mirror for one error each of title, description and photo; what is not refused is carried out."""
    async with House(tmp_path) as house:
        triples = list(zip_longest(*(walkable(method) for method in methods)))
        pairs: list[tuple[Chat, Chat]] = []
        for number, _ in enumerate(triples):
            source = house.supergroup(f"S{number}")
            if TITLE in methods:
                target = house.own_supergroup(f"T{number}")
            else:
                target = house.world.chats.add_group(f"T{number}", house.me)
            pairs.append((source, target))
            house.mirror(source, target, chat=True)
        await house.start()
        await house.run()
        walked, mirrors = [], []
        for number, ((source, target), refusals) in enumerate(zip(pairs, triples, strict=True)):
            for refusal in filter(None, refusals):
                mirrors.append(number)
                walked.append(refuse(house, refusal, partial(names_chat, target.id)))
            house.world.chats.set_title(source, f"S{number} anew")
            house.world.chats.set_about(source, "about it")
            house.world.chats.set_photo(source, house.world.media.photo(300, 300, seed=number).photo)
        await house.run()
        for source, _ in pairs:
            house.post(source, "last")
        await house.run()
        lost = {number for number, one in zip(mirrors, walked, strict=True) if gives_up(one)}
        await all_is_well(house, walked, logs, lost=len(lost))
        for (_, target), refusals in zip(pairs, triples, strict=True):
            looks = (target.title.endswith("anew"), target.about == "about it", target.photo is not None)
            assert [
                look for look, refusal in zip(looks, refusals, strict=True) if not refusal and not look
            ] == []
            assert house.texts(target) == ["last"]
