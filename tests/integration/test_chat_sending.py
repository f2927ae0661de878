"""Conversations about sending, through Telethon and kurigram: texts, entities, random ids, refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker, covered, name_of, new_message, random_ids

Speak = Callable[[Account], Awaitable[Speaker]]


async def test_a_text_arrives_with_its_entities_trimmed_and_detected(
    tg: TelegramServer, speak: Speak
) -> None:
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob", username="bobby")
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    me = await speak(alice)
    answer = await me.send(
        chat,
        "  👋 hello bold, see https://example.com/x. @bobby #news ",
        7,
        entities=[me.t("MessageEntityBold", offset=11, length=4)],
        no_webpage=True,
    )
    sent = new_message(answer)
    assert sent.message == "👋 hello bold, see https://example.com/x. @bobby #news"
    assert covered(sent.message, sent.entities) == [
        ("Bold", "bold"),
        ("Url", "https://example.com/x"),
        ("Mention", "@bobby"),
        ("Hashtag", "#news"),
    ]
    assert sent.media is None
    assert random_ids(answer) == {7: sent.id}
    assert [name_of(u) for u in answer.updates] == ["UpdateMessageID", "UpdateNewChannelMessage"]
    assert {u.id for u in answer.users} == {alice.id}
    assert [c.id for c in answer.chats] == [chat.id]


async def test_a_link_gets_a_preview(tg: TelegramServer, speak: Speak) -> None:
    alice = tg.world.peers.add_account("Alice")
    chat = tg.world.chats.add_supergroup("Group", alice)
    me = await speak(alice)
    sent = new_message(await me.send(chat, "look: example.com/page", 1))
    assert name_of(sent.media) == "MessageMediaWebPage"
    assert sent.media.webpage.url == "http://example.com/page"


async def test_the_other_people_hear_it(tg: TelegramServer, speak: Speak) -> None:
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob")
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    here, there = await speak(alice), await speak(bob)
    answer = await here.send(chat, "hello", 1)
    heard = await there.pushed("UpdateNewChannelMessage")
    assert heard.message.message == "hello"
    assert not heard.message.out
    assert heard.message.from_id.user_id == alice.id
    assert heard.pts == answer.updates[1].pts
    posted = tg.world.chats.post(chat, bob, "and back")
    back = await here.pushed("UpdateNewChannelMessage")
    assert (back.message.id, back.message.message) == (posted.id, "and back")


async def test_random_ids_are_counted_by_chat(tg: TelegramServer, speak: Speak) -> None:
    alice = tg.world.peers.add_account("Alice")
    one, two = (tg.world.chats.add_supergroup(name, alice) for name in ("One", "Two"))
    me = await speak(alice)
    await me.send(one, "a", 5)
    assert new_message(await me.send(two, "b", 5)).message == "b"


@pytest.mark.parametrize(
    ("text", "error"),
    [("x" * 4097, "MESSAGE_TOO_LONG"), ("  \n ", "MESSAGE_EMPTY"), ("", "MESSAGE_EMPTY")],
)
async def test_lengths(tg: TelegramServer, speak: Speak, text: str, error: str) -> None:
    alice = tg.world.peers.add_account("Alice")
    me = await speak(alice)
    chat = tg.world.chats.add_supergroup("Group", alice)
    with pytest.raises(Refused, match=error):
        await me.send(chat, text, 1)
    assert new_message(await me.send(chat, "x" * 4096, 2)).message == "x" * 4096


@pytest.mark.parametrize(("offset", "length"), [(0, 4), (-1, 1), (0, 0), (1, 1), (3, 1)])
async def test_entities_out_of_bounds(tg: TelegramServer, speak: Speak, offset: int, length: int) -> None:
    """The text is three UTF-16 units long; an entity may not begin in the middle of a pair either."""
    alice = tg.world.peers.add_account("Alice")
    me = await speak(alice)
    chat = tg.world.chats.add_supergroup("Group", alice)
    bold = me.t("MessageEntityBold", offset=offset, length=length)
    with pytest.raises(Refused, match="ENTITY_BOUNDS_INVALID"):
        await me.send(chat, "👋!", 1, entities=[bold])


async def test_custom_emoji_are_for_premium(tg: TelegramServer, speak: Speak) -> None:
    alice = tg.world.peers.add_account("Alice")
    me = await speak(alice)
    chat = tg.world.chats.add_supergroup("Group", alice)
    emoji = [me.t("MessageEntityCustomEmoji", offset=0, length=2, document_id=1234)]
    assert not new_message(await me.send(chat, "👋!", 1, entities=emoji)).entities
    alice.premium = True
    assert new_message(await me.send(chat, "👋!", 2, entities=emoji)).entities[0].document_id == 1234


async def test_a_mention_by_id_needs_the_right_hash(tg: TelegramServer, speak: Speak) -> None:
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob")
    me = await speak(alice)
    chat = tg.world.chats.add_supergroup("Group", alice)
    mention = me.t("InputMessageEntityMentionName", offset=0, length=3, user_id=me.user(bob))
    answer = await me.send(chat, "Bob!", 1, entities=[mention])
    assert new_message(answer).entities[0].user_id == bob.id
    assert {u.id for u in answer.users} == {alice.id, bob.id}
    mention.user_id.access_hash += 1
    with pytest.raises(Refused, match="ENTITY_MENTION_USER_INVALID"):
        await me.send(chat, "Bob!", 2, entities=[mention])


async def test_who_may_not_write(tg: TelegramServer, speak: Speak) -> None:
    owner, alice = tg.world.peers.add_account("Owner"), tg.world.peers.add_account("Alice")
    chats = tg.world.chats
    me = await speak(alice)

    async def refusal(chat: object, random_id: int = 1) -> str:
        with pytest.raises(Refused) as caught:
            await me.send(chat, "x", random_id)  # type: ignore[arg-type]  # chats of every kind
        return caught.value.message

    assert await refusal(chats.add_supergroup("Closed", owner)) == "CHANNEL_PRIVATE"
    assert await refusal(chats.add_supergroup("Public", owner, username="public")) == "CHAT_WRITE_FORBIDDEN"
    assert await refusal(chats.add_channel("News", owner, [alice])) == "CHAT_ADMIN_REQUIRED"
    group = chats.add_supergroup("Group", owner, [alice])
    chats.restrict(group, alice, "send_messages")
    assert await refusal(group) == "USER_BANNED_IN_CHANNEL"
    chats.restrict(group, alice)
    chats.set_default_banned(group, "send_messages")
    assert await refusal(group) == "CHAT_WRITE_FORBIDDEN"
    chats.set_default_banned(group, "send_plain")
    assert await refusal(group) == "CHAT_SEND_PLAIN_FORBIDDEN"
    chats.promote(group, alice)
    assert new_message(await me.send(group, "now I may", 2)).message == "now I may"
    group.restricted = True
    assert await refusal(group, 3) == "CHAT_RESTRICTED"
    chats.ban(group, alice)
    assert await refusal(group, 4) == "CHANNEL_PRIVATE"
    listed = await me.call("channels.GetChannels", id=[me.channel(group)])
    assert name_of(listed.chats[0]) == "ChannelForbidden"


async def test_slow_mode(tg: TelegramServer, speak: Speak) -> None:
    owner, alice = tg.world.peers.add_account("Owner"), tg.world.peers.add_account("Alice")
    chat = tg.world.chats.add_supergroup("Slow", owner, [alice], slow_mode=30)
    me, admin = await speak(alice), await speak(owner)
    await me.send(chat, "one", 1)
    with pytest.raises(Refused, match=r"SLOWMODE_WAIT_(30|29)"):
        await me.send(chat, "two", 2)
    await admin.send(chat, "admins", 3)
    await admin.send(chat, "are exempt", 4)
    full = await me.call("channels.GetFullChannel", channel=me.channel(chat))
    assert full.full_chat.slowmode_seconds == 30


async def test_a_private_chat_and_a_basic_group_answer_short(tg: TelegramServer, speak: Speak) -> None:
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob")
    group = tg.world.chats.add_group("Few", alice, [bob])
    talk = tg.world.chats.private(alice, bob)
    me, there = await speak(alice), await speak(bob)
    for number, chat in enumerate((group, talk), start=1):
        answer = await me.send(chat, f"hello {number}", number)
        assert name_of(answer) == "UpdateShortSentMessage"
        heard = await there.pushed("UpdateNewMessage")
        assert heard.message.message == f"hello {number}"
        again = await me.send(chat, f"hello {number}", number)
        assert random_ids(again) == {number: answer.id}
    page = await there.history(group)
    assert [getattr(m, "message", None) or name_of(m.action) for m in page.messages] == [
        "hello 1",
        "MessageActionChatCreate",
    ]
