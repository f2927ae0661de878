"""A change that Telegram refuses is given up once, with one warning: it pauses no mirror and stops no post.

Only the chat itself, asked, can say that it is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message

pytestmark = pytest.mark.thorough

PIN, EDIT, DELETE = "messages.updatePinnedMessage", "messages.editMessage", "channels.deleteMessages"
TOPIC, ORDER = "messages.editForumTopic", "messages.reorderPinnedForumTopics"
TITLE, ABOUT, PHOTO = "channels.editTitle", "messages.editChatAbout", "channels.editPhoto"
QUESTION = "channels.getFullChannel"
#: Every other name that Telegram documents is tried in `test_refusals`.
REFUSALS = ((400, "CHAT_ADMIN_REQUIRED"), (406, "CHANNEL_PRIVATE"), (406, "NEVER_HEARD_OF"))


async def forum(house: House, **options: object) -> tuple[Chat, Chat, Message]:
    """A mirrored forum with a topic in it, and one post of that which was copied."""
    source = house.supergroup("Source", forum=True)
    target = house.own_supergroup("Target", forum=True)
    tea = house.world.chats.add_topic(source, house.other, "Tea")
    house.mirror(source, target, deletes="mirror", chat=True, **options)
    await house.start()
    message = house.post(source, "one", topic=tea)
    await house.run()
    return source, target, message


def change(house: House, method: str, message: Message) -> Callable[[], object]:
    """What happens in the source so that this method is called."""
    chats, source = house.world.chats, message.chat
    return {
        PIN: lambda: chats.pin(message, house.other),
        EDIT: lambda: chats.edit(message, "two"),
        DELETE: lambda: chats.delete(message),
        TOPIC: lambda: chats.edit_topic(source, house.other, message.topic or 1, title="Chai"),
        ORDER: lambda: chats.pin_topic(source, message.topic or 1),
        TITLE: lambda: chats.set_title(source, "Friends"),
        ABOUT: lambda: chats.set_about(source, "of tea"),
        PHOTO: lambda: chats.set_photo(source, house.world.media.photo(300, 300).photo),
    }[method]


async def goes_on(house: House, source: Chat, target: Chat) -> None:
    """The mirror is not paused, and copies what comes."""
    [mirror] = (await house.status())["mirrors"]
    assert (mirror["paused"], mirror["changes"], mirror["parked"]) == ("", 0, 0)
    house.post(source, "later")
    await house.run()
    assert house.texts(target)[-1] == "later"


@pytest.mark.parametrize(("code", "name"), REFUSALS)
@pytest.mark.parametrize("method", [PIN, EDIT, DELETE, TOPIC, ORDER, TITLE, ABOUT, PHOTO])
async def test_it_is_given_up_once(tmp_path: Path, method: str, code: int, name: str, logs: Logs) -> None:
    """Neither asked again ten minutes later, nor after a restart; and said once."""
    async with House(tmp_path) as house:
        source, target, message = await forum(house)
        before = house.tg.log.count(method)
        house.tg.faults.add(Fault(method, code=code, message=name, times=None))
        change(house, method, message)()
        await house.run(300)
        house.clock.advance(600)
        await house.ask_again()
        await house.run(300)
        await house.restart()
        await house.run()
        assert house.tg.log.count(method) == before + 1
        [said] = logs.of("change given up")
        assert (said["mirror"], name in said["why"]) == ("m1", True)
        [seen] = (await house.status())["mirrors"]
        assert name in seen["last_error"]
        [(kind, last)] = seen["given_up"].items()
        assert (kind, last["count"], name in last["reason"]) == (said["kind"], 1, True)
        assert (last["source_id"] is None) == (kind in ("chat", "order"))
        assert round(house.clock.now()) >= last["at"] > 0
        await goes_on(house, source, target)


@pytest.mark.parametrize("method", [TOPIC, ORDER, TITLE])
async def test_a_new_state_is_tried_anew(tmp_path: Path, method: str) -> None:
    """What was refused is not: the chat may be another by now."""
    async with House(tmp_path) as house:
        source, target, message = await forum(house)
        house.tg.faults.add(Fault(method, message="CHAT_ADMIN_REQUIRED"))
        change(house, method, message)()
        await house.run()
        cake = house.world.chats.add_topic(source, house.other, "Cake")
        await house.run()
        if method == TOPIC:
            house.world.chats.edit_topic(source, house.other, message.topic or 1, title="Mate")
        elif method == ORDER:
            house.world.chats.pin_topic(source, cake)
        else:
            house.world.chats.set_title(source, "Foes")
        await house.run()
        titles = {topic.title for topic in target.topics.values()}
        pinned = [target.topics[topic].title for topic in target.pinned_topics]
        assert {TOPIC: "Mate" in titles, ORDER: pinned == ["Cake", "Tea"], TITLE: target.title == "Foes"}[
            method
        ]


async def test_one_of_the_three_refused_stops_not_the_others(tmp_path: Path) -> None:
    """Title, description and photo are three wishes."""
    async with House(tmp_path) as house:
        source, target, _ = await forum(house)
        house.tg.faults.add(Fault(TITLE, code=403, message="CHAT_WRITE_FORBIDDEN"))
        house.world.chats.set_title(source, "Friends")
        house.world.chats.set_about(source, "of tea")
        await house.run()
        assert target.about == "of tea"
        assert target.title != "Friends"


async def test_where_nobody_may_pin_nobody_asks(tmp_path: Path) -> None:
    """A member of a group that only its administrators may pin in; the posts go on."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.supergroup("Target")
        house.world.chats.set_default_banned(target, "pin_messages")
        message = house.post(source, "one")
        house.world.chats.pin(message, house.other)
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert house.texts(target) == ["one"]
        assert house.tg.log.count(PIN) == 0
        await goes_on(house, source, target)


@pytest.mark.parametrize("action", ["error", "apply-nothing"])
async def test_of_many_deletions_only_the_refused_one_is_given_up(tmp_path: Path, action: str) -> None:
    """A hundred are one call, and Telegram does not say which message it refuses: that one is kept."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target, deletes="mirror")
        await house.start()
        messages = [house.post(source, str(n)) for n in range(20)]
        await house.run()
        stays = next(copy.id for copy in house.messages(target) if copy.text == "7")
        refusing = Fault(DELETE, action, 403, "MESSAGE_DELETE_FORBIDDEN", times=None)
        refusing.when = lambda call, request: stays in request.id
        house.tg.faults.add(refusing)
        house.world.chats.delete(*messages)
        await house.run()
        assert house.texts(target) == ["7"]
        assert await given_up(house) == [("delete", messages[7].id, True)]
        await goes_on(house, source, target)


async def given_up(house: House) -> list[tuple[str, int, bool]]:
    """What is recorded of changes that were given up: kind, message, and whether it says why."""

    def read(db: Any) -> list[tuple[str, int, bool]]:
        rows = db.execute("SELECT kind, source_id, given_up FROM change WHERE given_up <> '' ORDER BY id")
        why = ("FORBIDDEN", "it stands")
        return [(row["kind"], row["source_id"], any(w in row["given_up"] for w in why)) for row in rows]

    return await house.store.run(read)


async def test_a_chat_that_says_so_itself_is_lost(tmp_path: Path) -> None:
    """Then the change waits for it, and is carried out when it is well again."""
    async with House(tmp_path) as house:
        _, target, message = await forum(house)
        refused = house.tg.faults.add(Fault(EDIT, code=406, message="CHANNEL_PRIVATE", times=None))
        lost = Fault(QUESTION, code=406, message="CHANNEL_PRIVATE", peer=target.id, times=None)
        house.tg.faults.add(lost)
        house.world.chats.edit(message, "two")
        await house.run(300)
        assert "CHANNEL_PRIVATE" in (await house.status())["mirrors"][0]["paused"]
        house.tg.faults.remove(refused)
        house.tg.faults.remove(lost)
        await house.ask_again()
        await house.run()
        assert house.texts(target) == ["two"]


@pytest.mark.parametrize(
    "answer", [Fault(QUESTION, code=503, message="TIMEOUT"), Fault(QUESTION, "flood", seconds=900)]
)
async def test_a_chat_that_does_not_answer_is_asked_again(tmp_path: Path, answer: Fault) -> None:
    """Nothing is given up and nothing paused meanwhile; one question in ten minutes."""
    async with House(tmp_path) as house:
        source, target, message = await forum(house)
        house.tg.faults.add(Fault(EDIT, code=406, message="CHANNEL_PRIVATE", times=2))
        house.tg.faults.add(Fault(QUESTION, answer.action, answer.code, answer.message, answer.seconds))
        house.world.chats.edit(message, "two")
        await house.run(400)
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["changes"]) == ("", 1)
        asked = house.tg.log.count(QUESTION)
        await house.run(1200)
        assert house.tg.log.count(QUESTION) == asked + 1
        assert house.tg.faults.violations == []
        await goes_on(house, source, target)


async def test_a_flood_of_another_call_of_the_change_is_waited_out(tmp_path: Path) -> None:
    """The service message of a pin is deleted by a method that no hold of pins knows of."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        message = house.post(source, "one")
        await house.run()
        house.tg.faults.add(Fault(DELETE, "flood", seconds=900))
        house.world.chats.pin(message, house.other)
        await house.run()
        assert house.messages(target)[0].pinned
        assert house.tg.faults.violations == []
        await goes_on(house, source, target)
