"""mtcute's own conveniences against the local Telegram: histories, changes, topics, gaps in its updates.

Beside the conversations that it shares with the other libraries (`speak`). `make third-client` runs these.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .conftest import Make
from .mtcute import MtcuteClient, thing
from .speakers import name_of

pytestmark = pytest.mark.third_client


@pytest.fixture
def alice(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Alice")


@pytest.fixture
def bob(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Bob")


async def dialogs(client: MtcuteClient) -> list[Any]:
    """Go through the dialogs, which is also how it learns of chats."""
    found: list[Any] = await client.ask("iterate", method="iterDialogs", args=[{}])
    return found


async def history(client: MtcuteClient, chat: Chat, **options: Any) -> list[int]:
    found = await client.ask("iterate", method="iterHistory", args=[chat.marked_id, options])
    return [message.id for message in found]


async def heard(client: MtcuteClient, *kinds: str) -> list[Any]:
    """The next updates of these kinds, in their order; others in between are passed over."""
    found: list[Any] = []
    async with asyncio.timeout(HANG):
        while len(found) < len(kinds):
            update = await client.updates.get()
            if name_of(update) == kinds[len(found)]:
                found.append(update)
    return found


async def test_it_walks_a_history_both_ways(tg: TelegramServer, mtcute_client: Make, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Long", alice)
    for number in range(2, 251):
        tg.world.chats.post(chat, alice, f"m{number}")
    tg.world.chats.delete(*(chat.box.messages[i] for i in range(100, 140)))
    client = await mtcute_client(tg, alice)
    await dialogs(client)
    assert await history(client, chat) == chat.box.ids[::-1]
    assert await history(client, chat, reverse=True, chunkSize=30) == chat.box.ids
    some = [i for i in chat.box.ids if i <= 150]
    assert await history(client, chat, chunkSize=7, offset={"id": 151, "date": 0}) == some[::-1]
    assert tg.log.count("messages.getHistory") > 8


async def test_it_sends_changes_and_takes_back(
    tg: TelegramServer, mtcute_client: Make, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    client, other = await mtcute_client(tg, alice), await mtcute_client(tg, bob)
    await dialogs(client)
    await other.ask("listen")
    entities = [thing("class", "messageEntityBold")(offset=0, length=5)]
    text = thing("class", "textWithEntities")(text="hello there", entities=entities)
    sent = await client.run("sendText", chat.marked_id, text)
    stored = chat.box.messages[sent.id]
    assert (stored.text, [(e.offset, e.length) for e in stored.entities]) == ("hello there", [(0, 5)])
    where = {"chatId": chat.marked_id, "message": sent.id}
    edited = await client.run("editMessage", {**where, "text": "changed"})
    assert (edited.id, edited.message, stored.text) == (sent.id, "changed", "changed")
    await client.run("pinMessage", where)
    assert stored.pinned
    reply = await client.run("sendText", chat.marked_id, "indeed", {"replyTo": sent.id})
    assert reply.reply_to.reply_to_msg_id == sent.id
    await client.run("deleteMessagesById", chat.marked_id, [sent.id])
    assert sent.id not in chat.box.messages
    new, edit, pin, gone = await heard(
        other,
        "UpdateNewChannelMessage",
        "UpdateEditChannelMessage",
        "UpdatePinnedChannelMessages",
        "UpdateDeleteChannelMessages",
    )
    assert (new.message.message, edit.message.message) == ("hello there", "changed")
    assert (pin.messages, gone.messages) == ([sent.id], [sent.id])


async def test_it_forwards(tg: TelegramServer, mtcute_client: Make, alice: Account) -> None:
    chats = tg.world.chats
    source, target = chats.add_channel("News", alice), chats.add_supergroup("Target", alice)
    album = chats.post_album(source, alice, [(tg.world.media.photo(), "one"), tg.world.media.photo(seed=2)])
    client = await mtcute_client(tg, alice)
    await dialogs(client)
    given = {
        "fromChatId": source.marked_id,
        "toChatId": target.marked_id,
        "messages": [message.ids[0] for message in album],
    }
    for options, is_named in (({}, True), ({"noAuthor": True}, False)):
        sent = await client.run("forwardMessagesById", {**given, **options})
        assert [message.message for message in sent] == ["one", ""]
        assert [message.fwd_from is not None for message in sent] == [is_named] * 2
        assert len({message.grouped_id for message in sent}) == 1
        assert {message.id for message in sent} <= set(target.box.ids)


async def test_it_keeps_a_forum(tg: TelegramServer, mtcute_client: Make, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Forum", alice, forum=True)
    client = await mtcute_client(tg, alice)
    await dialogs(client)
    made = await client.run("createForumTopic", {"chatId": chat.marked_id, "title": "Tea"})
    assert chat.topics[made.id].title == "Tea"
    sent = await client.run("sendText", chat.marked_id, "a cup", {"replyTo": made.id})
    assert sent.reply_to.forum_topic
    listed = await client.run("getForumTopics", chat.marked_id)
    assert {topic.id: topic.title for topic in listed} == {made.id: "Tea", 1: "General"}
    closing = {"chatId": chat.marked_id, "topicId": made.id, "closed": True}
    await client.run("toggleForumTopicClosed", closing)
    assert chat.topics[made.id].closed


async def test_it_closes_a_gap_by_the_difference(
    tg: TelegramServer, mtcute_client: Make, alice: Account, bob: Account
) -> None:
    """A lost push: it sees the jump of pts at the next one and asks for what is between."""
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    group = tg.world.chats.add_group("Few", alice, [bob])
    client = await mtcute_client(tg, alice)
    await dialogs(client)
    await client.ask("listen")
    for where, kind in ((chat, "UpdateNewChannelMessage"), (group, "UpdateNewMessage")):
        tg.world.chats.post(where, bob, "one")
        (first,) = await heard(client, kind)
        tg.world.chats.drop_pushes(1, account=alice)
        tg.world.chats.post(where, bob, "two")
        tg.world.chats.post(where, bob, "three")
        missed = await heard(client, kind, kind)
        assert [first.message.message, *(u.message.message for u in missed)] == ["one", "two", "three"]
    assert tg.world.chats.dropped_pushes == 2
    assert tg.log.count("updates.getChannelDifference") >= 1
    assert tg.log.count("updates.getDifference") >= 1


async def test_it_catches_up_after_the_line_was_cut(
    tg: TelegramServer, mtcute_client: Make, alice: Account, bob: Account
) -> None:
    group = tg.world.chats.add_group("Few", alice, [bob])
    client = await mtcute_client(tg, alice)
    await dialogs(client)
    await client.ask("listen")
    tg.world.chats.post(group, bob, "before")
    await heard(client, "UpdateNewMessage")
    await tg.stop()
    tg.world.chats.post(group, bob, "unheard")
    await tg.start()
    # By itself it only connects; that something is missing it sees by what comes next.
    await client.run("getMe")
    tg.world.chats.post(group, bob, "after")
    missed = await heard(client, "UpdateNewMessage", "UpdateNewMessage")
    assert [update.message.message for update in missed] == ["unheard", "after"]
    assert tg.log.count("updates.getDifference") >= 1
