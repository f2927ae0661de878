"""Conversations about basic groups, migration, guests and bots, through Telethon and kurigram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker, ids_of, name_of, new_message

Speak = Callable[[Account], Awaitable[Speaker]]


@pytest.fixture
def alice(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Alice")


@pytest.fixture
def bob(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Bob")


async def test_each_member_of_a_basic_group_counts_for_itself(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chats = tg.world.chats
    chats.post(chats.private(bob, bob), bob, "saved")  # moves bob's ids on
    group = chats.add_group("Few", alice, [bob])
    post = chats.post(group, alice, "hello")
    answer = chats.post(group, bob, "hi", reply_to=post)
    me, there = await speak(alice), await speak(bob)
    mine, theirs = await me.history(group), await there.history(group)
    assert ids_of(mine) == [3, 2, 1]
    assert ids_of(theirs) == [4, 3, 2]
    assert mine.messages[0].reply_to.reply_to_msg_id == post.ids[alice.id] == 2
    assert theirs.messages[0].reply_to.reply_to_msg_id == post.ids[bob.id] == 3
    assert [bool(m.out) for m in theirs.messages] == [True, False, False]
    full = await me.call("messages.GetFullChat", chat_id=group.id)
    assert {p.user_id for p in full.full_chat.participants.participants} == {alice.id, bob.id}
    only_mine = await there.call("messages.DeleteMessages", id=[answer.ids[bob.id]], revoke=False)
    assert only_mine.pts_count == 1
    assert ids_of(await me.history(group)) == [3, 2, 1]
    assert ids_of(await there.history(group)) == [3, 2]


async def test_a_group_migrates(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    group = tg.world.chats.add_group("Few", alice, [bob])
    tg.world.chats.post(group, bob, "before")
    chat = tg.world.chats.migrate(group)
    me = await speak(alice)
    old = await me.history(group)
    assert name_of(old.messages[0].action) == "MessageActionChatMigrateTo"
    seen = next(c for c in old.chats if name_of(c) == "Chat")
    assert (seen.deactivated, seen.migrated_to.channel_id) == (True, chat.id)
    new = await me.history(chat)
    assert [(m.id, name_of(m.action)) for m in new.messages] == [(1, "MessageActionChannelMigrateFrom")]
    full = (await me.call("channels.GetFullChannel", channel=me.channel(chat))).full_chat
    assert (full.migrated_from_chat_id, full.migrated_from_max_id) == (group.id, old.messages[0].id)
    with pytest.raises(Refused):
        await me.send(group, "too late", 1)
    assert new_message(await me.send(chat, "here", 2)).id == 2


async def test_a_guest_reads_a_public_chat_without_pushes(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Public", alice, username="public_chat")
    guest = await speak(bob)
    start = chat.box.pts
    tg.world.chats.post(chat, alice, "hello")
    got = await guest.difference(chat, start)
    assert ([m.message for m in got.new_messages], got.timeout) == (["hello"], 30)
    assert got.chats[0].left
    assert guest.updates.empty()
    assert (await guest.call("messages.GetDialogs", **_first_page(guest))).dialogs == []


def _first_page(who: Speaker) -> dict[str, object]:
    return {
        "offset_date": who.when(0),
        "offset_id": 0,
        "offset_peer": who.t("InputPeerEmpty"),
        "limit": 10,
        "hash": 0,
    }


async def test_a_silent_channel_tells_by_difference_only(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_channel("Busy", alice, [bob])
    other = tg.world.chats.add_supergroup("Other", alice, [bob])
    reader = await speak(bob)
    tg.world.chats.silence(chat)
    start = chat.box.pts
    tg.world.chats.post(chat, alice, "unsaid")
    tg.world.chats.post(other, alice, "said")
    assert (await reader.pushed("UpdateNewChannelMessage")).message.message == "said"
    assert [m.message for m in (await reader.difference(chat, start)).new_messages] == ["unsaid"]


async def test_a_preview_arrives_late(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    tg.world.chats.pending_previews = True
    me, there = await speak(alice), await speak(bob)
    sent = new_message(await me.send(chat, "see https://example.com", 1))
    assert name_of(sent.media.webpage) == "WebPagePending"
    tg.world.chats.webpage_ready(chat.box.messages[sent.id])
    update = await there.pushed("UpdateChannelWebPage")
    assert (name_of(update.webpage), update.pts) == ("WebPage", chat.box.pts)
    assert name_of((await me.history(chat, limit=1)).messages[0].media.webpage) == "WebPage"


async def test_hidden_and_expired_history(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chats = tg.world.chats
    chat = chats.add_supergroup("Group", alice, [bob])
    hidden, kept = chats.post(chat, alice, "hidden"), chats.post(chat, alice, "kept")
    there = await speak(bob)
    chats.clear_history(chat, hidden.id)
    assert (await there.pushed("UpdateChannelAvailableMessages")).available_min_id == hidden.id
    assert ids_of(await there.history(chat)) == [kept.id]
    wanted = [there.t("InputMessageID", id=hidden.id)]
    found = await there.call("channels.GetMessages", channel=there.channel(chat), id=wanted)
    assert name_of(found.messages[0]) == "MessageEmpty"
    full = await there.call("channels.GetFullChannel", channel=there.channel(chat))
    assert full.full_chat.available_min_id == hidden.id
    chats.set_ttl(chat, 60)
    old = chats.post(chat, alice, "short-lived", date=int(tg.world.now()) - 100)
    assert (await there.history(chat, limit=1)).messages[0].ttl_period == 60
    chats.expire(chat)
    assert (await there.pushed("UpdateDeleteChannelMessages")).messages == [old.id]


async def test_a_bot_reads_by_id_but_no_history(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    bot = tg.world.peers.add_account("Robot", bot=True, username="robot_bot")
    chat = tg.world.chats.add_supergroup("Group", alice, [bot])
    post = tg.world.chats.post(chat, alice, "hello")
    robot = await speak(bot)
    with pytest.raises(Refused, match="BOT_METHOD_INVALID"):
        await robot.history(chat)
    wanted = [robot.t("InputMessageID", id=post.id)]
    found = await robot.call("channels.GetMessages", channel=robot.channel(chat), id=wanted)
    assert found.messages[0].message == "hello"
    assert new_message(await robot.send(chat, "beep", 1)).message == "beep"
