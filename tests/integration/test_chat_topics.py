"""Conversations about replies, quotes and topics, through Telethon and kurigram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker, ids_of, name_of, new_message, random_ids

Speak = Callable[[Account], Awaitable[Speaker]]


@pytest.fixture
def alice(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Alice")


@pytest.fixture
def bob(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Bob")


def _header(message: Any) -> tuple[bool, int | None, int | None] | None:
    """(forum_topic, reply_to_msg_id, reply_to_top_id)."""
    reply = message.reply_to
    if reply is None:
        return None
    return bool(reply.forum_topic), reply.reply_to_msg_id, reply.reply_to_top_id


async def test_replies_and_threads(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    first = tg.world.chats.post(chat, alice, "first")
    me = await speak(alice)

    async def reply(to: int, random_id: int) -> Any:
        given = me.t("InputReplyToMessage", reply_to_msg_id=to)
        return new_message(await me.send(chat, f"to {to}", random_id, reply_to=given))

    second = await reply(first.id, 1)
    third = await reply(second.id, 2)
    assert _header(second) == (False, first.id, None)
    assert _header(third) == (False, second.id, first.id)
    with pytest.raises(Refused, match="REPLY_MESSAGE_ID_INVALID"):
        await reply(999, 3)
    tg.world.chats.missing_reply = "drop"
    assert _header(await reply(999, 3)) is None
    thread = await me.call(
        "messages.GetReplies",
        peer=me.peer(chat),
        msg_id=first.id,
        offset_date=me.when(0),
        limit=100,
        **dict.fromkeys(("offset_id", "add_offset", "max_id", "min_id", "hash"), 0),
    )
    assert ids_of(thread) == [third.id, second.id]


async def test_quotes(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    post = tg.world.chats.post(chat, alice, "👋 one two one")
    me = await speak(alice)
    given = me.t("InputReplyToMessage", reply_to_msg_id=post.id, quote_text="one", quote_offset=11)
    sent = new_message(await me.send(chat, "that", 1, reply_to=given))
    assert (sent.reply_to.quote, sent.reply_to.quote_text, sent.reply_to.quote_offset) == (True, "one", 11)
    given.quote_text = "three"
    with pytest.raises(Refused, match="QUOTE_TEXT_INVALID"):
        await me.send(chat, "that", 2, reply_to=given)


async def test_a_topic_from_birth_to_death(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Forum", alice, [bob], forum=True)
    me, there = await speak(alice), await speak(bob)

    async def create(who: Speaker, random_id: int) -> Any:
        return await who.call(
            "messages.CreateForumTopic",
            peer=who.peer(chat),
            title="Tea",
            icon_color=0xFFD67E,
            random_id=random_id,
        )

    with pytest.raises(Refused, match="CHAT_ADMIN_REQUIRED"):
        await create(there, 1)
    answer = await create(me, 1)
    topic = random_ids(answer)[1]
    assert name_of(new_message(answer).action) == "MessageActionTopicCreate"
    assert random_ids(await create(me, 1)) == {1: topic}

    async def say(who: Speaker, random_id: int, **fields: Any) -> Any:
        given = who.t("InputReplyToMessage", **fields) if fields else None
        return new_message(await who.send(chat, f"m{random_id}", random_id, reply_to=given))

    plain = await say(there, 10, reply_to_msg_id=topic)
    reply = await say(there, 11, reply_to_msg_id=plain.id, top_msg_id=topic)
    unsaid = await say(there, 12, reply_to_msg_id=plain.id)
    general = await say(there, 13)
    in_general = await say(there, 14, reply_to_msg_id=general.id)
    assert _header(plain) == (True, topic, None)
    assert _header(reply) == (True, plain.id, topic)
    assert _header(unsaid) == (True, plain.id, topic)
    assert _header(general) is None
    assert _header(in_general) == (False, general.id, None)
    with pytest.raises(Refused, match="TOPIC_ID_INVALID"):
        await say(there, 15, reply_to_msg_id=general.id, top_msg_id=1)
    # Across topics the answered message decides, unless its chat is named: then it is an external reply.
    astray = await say(there, 16, reply_to_msg_id=general.id, top_msg_id=topic)
    across = await say(
        there, 17, reply_to_msg_id=general.id, top_msg_id=topic, reply_to_peer_id=there.peer(chat)
    )
    back = await say(there, 18, reply_to_msg_id=plain.id, reply_to_peer_id=there.peer(chat))
    assert [_header(astray), _header(across), _header(back)] == [
        (False, general.id, None),
        (True, general.id, topic),
        (False, plain.id, None),
    ]
    assert [m.reply_to.reply_to_peer_id is not None for m in (astray, across, back)] == [False, True, True]

    numbers = dict.fromkeys(("offset_id", "add_offset", "max_id", "min_id", "hash"), 0)

    async def read(topic_id: int) -> list[int]:
        return ids_of(
            await me.call(
                "messages.GetReplies",
                peer=me.peer(chat),
                msg_id=topic_id,
                offset_date=me.when(0),
                limit=100,
                **numbers,
            )
        )

    assert await read(topic) == [across.id, unsaid.id, reply.id, plain.id, topic]
    assert await read(1) == [back.id, astray.id, in_general.id, general.id, 1]

    async def edit(**fields: Any) -> Any:
        return await me.call("messages.EditForumTopic", peer=me.peer(chat), topic_id=topic, **fields)

    with pytest.raises(Refused, match="TOPIC_CLOSE_SEPARATELY"):
        await edit(closed=True, title="Coffee")
    await edit(title="Coffee")
    with pytest.raises(Refused, match="TOPIC_NOT_MODIFIED"):
        await edit(title="Coffee")
    closing = new_message(await edit(closed=True))
    assert (closing.action.closed, _header(closing)) == (True, (True, topic, None))
    with pytest.raises(Refused, match="TOPIC_CLOSED") as caught:
        await say(there, 20, reply_to_msg_id=topic)
    assert caught.value.code == 406
    assert _header(await say(me, 21, reply_to_msg_id=topic)) == (True, topic, None)

    found = await me.call("messages.GetForumTopicsByID", peer=me.peer(chat), topics=[topic, 1, 999])
    assert [name_of(t) for t in found.topics] == ["ForumTopic", "ForumTopic", "ForumTopicDeleted"]
    assert (found.topics[0].title, found.topics[0].closed) == ("Coffee", True)
    gone = await me.call("messages.DeleteTopicHistory", peer=me.peer(chat), top_msg_id=topic)
    assert (gone.offset, gone.pts) == (0, chat.box.pts)
    with pytest.raises(Refused, match="TOPIC_DELETED"):
        await say(me, 22, reply_to_msg_id=topic)


async def test_topics_come_in_pages(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Forum", alice, forum=True)
    made = [tg.world.chats.add_topic(chat, alice, f"Topic {n}") for n in range(7)]
    tg.world.chats.post(chat, alice, "newest", topic=made[2])
    me = await speak(alice)
    seen: list[Any] = []
    offset = {"offset_date": me.when(0), "offset_id": 0, "offset_topic": 0}
    while True:
        page = await me.call("messages.GetForumTopics", peer=me.peer(chat), limit=3, **offset)
        if not page.topics:
            break
        assert page.count == 8
        seen += page.topics
        last = page.topics[-1]
        top = next(m for m in page.messages if m.id == last.top_message)
        offset = {"offset_date": top.date, "offset_id": top.id, "offset_topic": last.id}
    assert [t.id for t in seen] == [made[2], *[t for t in made[::-1] if t != made[2]], 1]


async def test_pinned_topics(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    """At most five; by themselves, or the whole list at once; told by pushes of their own."""
    chat = tg.world.chats.add_supergroup("Forum", alice, [bob], forum=True)
    made = [tg.world.chats.add_topic(chat, alice, f"Topic {n}") for n in range(6)]
    me, there = await speak(alice), await speak(bob)

    async def pin(who: Speaker, topic: int, pinned: bool = True) -> Any:
        return await who.call(
            "messages.UpdatePinnedForumTopic", peer=who.peer(chat), topic_id=topic, pinned=pinned
        )

    async def order(topics: list[int], force: bool | None = None) -> Any:
        return await me.call(
            "messages.ReorderPinnedForumTopics", peer=me.peer(chat), order=topics, force=force
        )

    async def listed() -> list[int]:
        found = await there.call(
            "messages.GetForumTopics",
            peer=there.peer(chat), limit=100, offset_date=there.when(0), offset_id=0, offset_topic=0,
        )  # fmt: skip
        assert [t.pinned for t in found.topics] == sorted(
            (t.pinned for t in found.topics), key=lambda p: not p
        )
        return [t.id for t in found.topics if t.pinned]

    with pytest.raises(Refused, match="CHAT_ADMIN_REQUIRED"):
        await pin(there, made[0])
    for topic in made[:5]:
        await pin(me, topic)
    assert (await there.pushed("UpdatePinnedForumTopic")).topic_id == made[0]
    assert await listed() == made[4::-1]
    with pytest.raises(Refused, match="PINNED_TOO_MUCH"):
        await pin(me, made[5])
    await pin(me, made[2], pinned=False)
    await order([made[0], made[5], made[4]])
    assert await listed() == [made[0], made[3], made[1], made[4]]
    await order([made[5], made[1]], force=True)
    assert await listed() == [made[5], made[1]]
    assert (await there.pushed("UpdatePinnedForumTopics")).order == [made[0], made[3], made[1], made[4]]
    with pytest.raises(Refused, match="TOPIC_ID_INVALID"):
        await order([999], force=True)


async def test_a_topic_needs_a_forum(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice)
    me = await speak(alice)
    with pytest.raises(Refused, match="CHANNEL_FORUM_MISSING"):
        await me.call("messages.CreateForumTopic", peer=me.peer(chat), title="x", random_id=1)
