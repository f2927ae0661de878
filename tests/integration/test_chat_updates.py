"""Conversations about what happened, through Telethon and kurigram: differences, edits, deletions, pins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker, ids_of, name_of, unix

Speak = Callable[[Account], Awaitable[Speaker]]


@pytest.fixture
def alice(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Alice")


@pytest.fixture
def bob(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Bob")


async def test_a_channel_difference_in_slices(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    me = await speak(alice)
    start = chat.box.pts
    for number in range(25):
        tg.world.chats.post(chat, bob, f"m{number}")
    pts, texts, answers = start, [], 0
    while True:
        got = await me.difference(chat, pts, limit=10)
        texts += [m.message for m in got.new_messages]
        pts, answers = got.pts, answers + 1
        if got.final:
            break
    assert texts == [f"m{n}" for n in range(25)]
    assert (pts, answers) == (chat.box.pts, 3)
    empty = await me.difference(chat, pts)
    assert (name_of(empty), empty.pts, empty.final) == ("ChannelDifferenceEmpty", pts, True)


async def test_a_difference_tells_only_what_is_left(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chats = tg.world.chats
    chat = chats.add_supergroup("Group", alice, [bob])
    old, doomed = chats.post(chat, bob, "old"), chats.post(chat, bob, "doomed")
    start = chat.box.pts
    gone, edited = chats.post(chat, bob, "gone at once"), chats.post(chat, bob, "first")
    chats.delete(gone)
    chats.edit(edited, "second")
    chats.edit(old, "older")
    chats.edit(old, "oldest")
    chats.delete(doomed)
    chats.pin(old)
    me = await speak(alice)
    got = await me.difference(chat, start)
    assert [getattr(m, "message", None) or name_of(m.action) for m in got.new_messages] == [
        "second",
        "MessageActionPinMessage",
    ]
    assert got.new_messages[1].reply_to.reply_to_msg_id == old.id
    other = {name_of(u): u for u in got.other_updates}
    assert len(got.other_updates) == len(other) == 3
    assert other["UpdateEditChannelMessage"].message.message == "oldest"
    assert other["UpdateDeleteChannelMessages"].messages == [doomed.id]
    assert other["UpdatePinnedChannelMessages"].messages == [old.id]
    assert (got.pts, got.final) == (chat.box.pts, True)


async def test_too_long(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    """By purged events and by a scripted limit; the gap is in neither answer."""
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    start = chat.box.pts
    for number in range(30):
        tg.world.chats.post(chat, bob, f"m{number}")
    me = await speak(alice)
    chat.difference_limit = 20
    long = await me.difference(chat, start, limit=10)
    assert name_of(long) == "ChannelDifferenceTooLong"
    assert (long.dialog.pts, long.final) == (chat.box.pts, True)
    assert ids_of(long) == list(range(31, 21, -1))
    assert name_of(await me.difference(chat, start + 15)) == "ChannelDifference"
    chat.difference_limit = None
    chat.box.purge(start + 5)
    assert name_of(await me.difference(chat, start + 4)) == "ChannelDifferenceTooLong"
    assert name_of(await me.difference(chat, start + 5)) == "ChannelDifference"


async def test_the_common_difference(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    """Own box in full and in slices; a channel is only named; purged is too long."""
    chats = tg.world.chats
    group = chats.add_group("Few", alice, [bob])
    chat = chats.add_supergroup("Group", alice, [bob])
    me = await speak(alice)
    state = await me.call("updates.GetState")
    quiet = await me.common_difference(state.pts, unix(state.date) + 1000)
    assert name_of(quiet) == "DifferenceEmpty"
    for number in range(5):
        chats.post(group, bob, f"m{number}")
    chats.post(chat, bob, "elsewhere")
    got = await me.common_difference(state.pts, unix(state.date))
    assert name_of(got) == "Difference"
    assert [m.message for m in got.new_messages] == [f"m{n}" for n in range(5)]
    named = [u for u in got.other_updates if name_of(u) == "UpdateChannelTooLong"]
    assert [(u.channel_id, u.pts) for u in named] == [(chat.id, chat.box.pts)]
    assert got.state.pts == state.pts + 5
    chats.difference_slice = 2
    part = await me.common_difference(state.pts, unix(state.date))
    assert name_of(part) == "DifferenceSlice"
    assert part.intermediate_state.pts == state.pts + 2
    chats.box_of(alice.id).purge()
    assert name_of(await me.common_difference(state.pts, unix(state.date))) == "DifferenceTooLong"


async def test_lost_pushes_leave_a_gap(
    tg: TelegramServer, speak: Speak, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    me = await speak(alice)
    before = chat.box.pts
    tg.world.chats.drop_pushes(1, account=alice)
    tg.world.chats.post(chat, bob, "unheard")
    assert tg.world.chats.dropped_pushes == 1
    got = await me.difference(chat, before)
    assert [m.message for m in got.new_messages] == ["unheard"]


async def test_edits(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    mine, theirs = tg.world.chats.post(chat, alice, "mine"), tg.world.chats.post(chat, bob, "theirs")
    me, there = await speak(alice), await speak(bob)

    async def edit(who: Speaker, message_id: int, text: str) -> str:
        try:
            answer = await who.call(
                "messages.EditMessage", peer=who.peer(chat), id=message_id, message=text, entities=[]
            )
        except Refused as refused:
            return refused.message
        return str(answer.updates[0].message.message)

    assert await edit(me, mine.id, "changed") == "changed"
    heard = await there.pushed("UpdateEditChannelMessage")
    assert (heard.message.message, heard.pts) == ("changed", chat.box.pts)
    assert heard.message.edit_date is not None
    assert await edit(me, mine.id, "changed") == "MESSAGE_NOT_MODIFIED"
    assert await edit(me, theirs.id, "x") == "MESSAGE_AUTHOR_REQUIRED"
    assert await edit(me, 999, "x") == "MESSAGE_ID_INVALID"
    assert await edit(me, mine.id, "") == "MESSAGE_EMPTY"
    mine.date = theirs.date = int(tg.world.now()) - 49 * 3600
    assert await edit(there, theirs.id, "late") == "MESSAGE_EDIT_TIME_EXPIRED"
    assert await edit(me, mine.id, "an owner may pin, so may be late") == "an owner may pin, so may be late"


async def test_deletions(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    chats = tg.world.chats
    chat, group = chats.add_supergroup("Group", alice, [bob]), chats.add_group("Few", alice, [bob])
    first, second = chats.post(chat, alice, "1"), chats.post(chat, bob, "2")
    me, there = await speak(alice), await speak(bob)
    with pytest.raises(Refused, match="MESSAGE_DELETE_FORBIDDEN"):
        await there.call("channels.DeleteMessages", channel=there.channel(chat), id=[first.id])
    gone = await me.call("channels.DeleteMessages", channel=me.channel(chat), id=[first.id, second.id, 999])
    assert (gone.pts, gone.pts_count) == (chat.box.pts, 2)
    heard = await there.pushed("UpdateDeleteChannelMessages")
    assert (heard.messages, heard.pts_count) == ([first.id, second.id], 2)
    again = await me.call("channels.DeleteMessages", channel=me.channel(chat), id=[first.id])
    assert (again.pts, again.pts_count) == (chat.box.pts, 0)
    small = chats.post(group, alice, "small")
    for_bob = small.ids[bob.id]
    await me.call("messages.DeleteMessages", id=[small.ids[alice.id]], revoke=True)
    assert (await there.pushed("UpdateDeleteMessages")).messages == [for_bob]


async def test_pins(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    message = tg.world.chats.post(chat, bob, "important")
    me, there = await speak(alice), await speak(bob)
    with pytest.raises(Refused, match="CHAT_ADMIN_REQUIRED"):
        await there.call("messages.UpdatePinnedMessage", peer=there.peer(chat), id=message.id)
    answer = await me.call("messages.UpdatePinnedMessage", peer=me.peer(chat), id=message.id)
    assert [name_of(u) for u in answer.updates] == ["UpdatePinnedChannelMessages", "UpdateNewChannelMessage"]
    assert name_of(answer.updates[1].message.action) == "MessageActionPinMessage"
    heard = await there.pushed("UpdatePinnedChannelMessages")
    assert (heard.messages, heard.pinned) == ([message.id], True)
    again = await me.call("messages.UpdatePinnedMessage", peer=me.peer(chat), id=message.id)
    assert again.updates == []
    undone = await me.call("messages.UpdatePinnedMessage", peer=me.peer(chat), id=message.id, unpin=True)
    assert [name_of(u) for u in undone.updates] == ["UpdatePinnedChannelMessages"]


async def test_access_that_changes(tg: TelegramServer, speak: Speak, alice: Account, bob: Account) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    there = await speak(bob)
    tg.world.chats.set_noforwards(chat, True)
    await there.pushed("UpdateChannel")
    seen = await there.call("channels.GetChannels", id=[there.channel(chat)])
    assert seen.chats[0].noforwards
    page = await there.history(chat, limit=1)
    assert name_of(page.messages[0].action) == "MessageActionNoForwardsToggle"
    tg.world.chats.ban(chat, bob)
    await there.pushed("UpdateChannel")
    with pytest.raises(Refused, match="CHANNEL_PRIVATE"):
        await there.difference(chat, 1)
