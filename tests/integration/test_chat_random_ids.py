"""Conversations about `random_id`s, through Telethon and kurigram: repeats, differences, calls under way.

The rules: https://core.telegram.org/api/updates#updatemessageid-updates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest
from telethon.tl import types

from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker, name_of, new_message, random_ids, unix

Speak = Callable[[Account], Awaitable[Speaker]]

SEND = "messages.sendMessage"
YEAR = 365 * 86400.0


def told(difference: Any) -> dict[int, int]:
    """random_id → message id, in a difference."""
    return {u.random_id: u.id for u in difference.other_updates if name_of(u) == "UpdateMessageID"}


async def test_a_repeat_gets_the_original_again(tg: TelegramServer, speak: Speak) -> None:
    alice = tg.world.peers.add_account("Alice")
    chat = tg.world.chats.add_supergroup("Group", alice)
    me = await speak(alice)
    first = await me.send(chat, "once", 42)
    between = tg.world.chats.post(chat, alice, "between")
    again = await me.send(chat, "once", 42)
    assert random_ids(again) == random_ids(first)
    repeated = again.updates[1]
    assert (repeated.message.message, repeated.pts_count, repeated.pts) == ("once", 0, chat.box.pts)
    assert chat.box.ids[-1] == between.id
    tg.world.chats.forget_random_ids()
    assert random_ids(await me.send(chat, "once", 42)) != random_ids(first)


@pytest.mark.parametrize("lasting", [True, False])
def test_ids_last(lasting: bool) -> None:
    """A year later too; for an hour where that is switched off."""
    time = [1_700_000_000.0]
    world = World(now=lambda: time[0])
    alice = world.peers.add_account("Alice")
    chat = world.chats.add_supergroup("Group", alice)
    ids = world.chats.random_ids
    ids.lasting = lasting
    message = world.chats.post(chat, alice, "once")
    ids.remember(alice.id, chat, 42, message)
    time[0] += 3000
    assert ids.recall(alice.id, chat, 42) is message
    time[0] += YEAR
    assert ids.recall(alice.id, chat, 42) is (message if lasting else None)


async def test_another_session_and_another_method_repeat_as_well(tg: TelegramServer, speak: Speak) -> None:
    alice = tg.world.peers.add_account("Alice")
    chat = tg.world.chats.add_supergroup("Group", alice)
    one, two = await speak(alice), await speak(alice)
    first = await one.send(chat, "once", 42)
    media = two.t("InputMediaGeoPoint", geo_point=two.t("InputGeoPoint", lat=1.0, long=2.0))
    again = await two.call(
        "messages.SendMedia", peer=two.peer(chat), media=media, message="other", random_id=42
    )
    assert random_ids(again) == random_ids(first)
    assert new_message(again).message == "once"


@pytest.mark.parametrize("says", ["id", "nothing"])
async def test_a_repeat_of_what_is_gone(
    tg: TelegramServer, speak: Speak, says: Literal["id", "nothing"]
) -> None:
    """Either way nothing is sent once more."""
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob")
    chats = tg.world.chats
    chats.random_ids.of_gone = says
    forum, group = chats.add_supergroup("Forum", alice, forum=True), chats.add_group("Few", alice, [bob])
    me = await speak(alice)
    for chat in (forum, group):
        state = await me.call("updates.GetState")
        before = chat.box.pts
        answer = await me.send(chat, "gone", 7)
        sent = answer.id if chat is group else new_message(answer).id
        chats.delete(chat.box_for(alice.id).messages[sent])
        again = await me.send(chat, "gone", 7)
        assert [name_of(u) for u in again.updates] == (["UpdateMessageID"] if says == "id" else [])
        if chat is group:
            got = await me.common_difference(state.pts, unix(state.date))
        else:
            got = await me.difference(chat, before)
        assert told(got) == ({7: sent} if says == "id" else {})
        assert got.new_messages == []
    create: dict[str, Any] = {"peer": me.peer(forum), "title": "Tea", "random_id": 9}
    topic = random_ids(await me.call("messages.CreateForumTopic", **create))[9]
    chats.delete_topic(forum, topic)
    again = await me.call("messages.CreateForumTopic", **create)
    assert random_ids(again) == ({9: topic} if says == "id" else {})
    assert sum(not t.deleted for t in forum.topics.values()) == 1


@pytest.mark.parametrize("switched_on", [True, False])
async def test_a_difference_tells_them(tg: TelegramServer, speak: Speak, switched_on: bool) -> None:
    """To whoever sent them, each in the box where it lies; scheduled messages are not among them."""
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob")
    chats = tg.world.chats
    chats.random_ids.told = switched_on
    chat, group = chats.add_supergroup("Group", alice, [bob]), chats.add_group("Few", alice, [bob])
    me, there = await speak(alice), await speak(bob)
    state, start = await me.call("updates.GetState"), chat.box.pts
    await there.send(chat, "theirs", 1)
    mine = new_message(await me.send(chat, "mine", 2)).id
    in_group = (await me.send(group, "short", 3)).id
    await me.send(chat, "later", 4, schedule_date=me.when(int(tg.world.now()) + 5000))
    chats.publish_scheduled(chat, next(iter(chat.scheduled)))
    await me.send(chat, "mine", 2)
    assert told(await me.difference(chat, start)) == ({2: mine} if switched_on else {})
    assert told(await there.difference(chat, start)).keys() == ({1} if switched_on else set())
    common = await me.common_difference(state.pts, unix(state.date))
    assert told(common) == ({3: in_group} if switched_on else {})


@pytest.mark.parametrize("action", ["slow", "delay"])
async def test_a_call_under_way_is_a_duplicate(tg: TelegramServer, speak: Speak, action: str) -> None:
    """Until it is answered, whether it was carried out or not; in another chat the id is another one."""
    alice = tg.world.peers.add_account("Alice")
    chat, other = (tg.world.chats.add_supergroup(name, alice) for name in ("One", "Two"))
    one, two = await speak(alice), await speak(alice)
    gate = asyncio.Event()
    held = tg.faults.add(Fault(SEND, action, gate=gate))
    first = asyncio.ensure_future(one.send(chat, "slowly", 5))
    await held.holding.wait()
    with pytest.raises(Refused, match="RANDOM_ID_DUPLICATE"):
        await two.send(chat, "slowly", 5)
    assert new_message(await two.send(other, "elsewhere", 5)).message == "elsewhere"
    assert len(chat.box.messages) == (1 if action == "slow" else 2)
    gate.set()
    answer = await first
    assert random_ids(await two.send(chat, "slowly", 5)) == random_ids(answer)


async def test_an_upload_that_was_taken_once() -> None:
    """The way of another server: a second commit of the same upload fails for ever."""
    world = World()
    alice = world.peers.add_account("Alice")
    uploads = world.files.uploads
    uploads.save(alice.id, 1, 77, 0, b"x" * 100, big=False)

    file = types.InputFile(77, 1, "x", "")
    assert uploads.take(alice.id, file).size == uploads.take(alice.id, file).size == 100
    uploads.taken_once = True
    with pytest.raises(Exception, match="RPC_CALL_FAIL"):
        uploads.take(alice.id, file)
