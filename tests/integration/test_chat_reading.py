"""Conversations about reading, through Telethon and kurigram: pages, ids, search, lists of dialogs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker, ids_of, name_of

Speak = Callable[[Account], Awaitable[Speaker]]
DAY = 86_400


@pytest.fixture
def alice(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Alice", username="alice")


def _thirty(tg: TelegramServer, alice: Account) -> Chat:
    """A supergroup with ids 1 to 30; 1 is its creation, 10 and 11 were deleted."""
    chat = tg.world.chats.add_supergroup("Group", alice)
    for number in range(2, 31):
        tg.world.chats.post(chat, alice, f"message {number}", date=1_700_000_000 + number * DAY)
    tg.world.chats.delete(chat.box.messages[10], chat.box.messages[11])
    return chat


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"limit": 3}, [30, 29, 28]),
        ({"limit": 3, "offset_id": 28}, [27, 26, 25]),
        ({"limit": 3, "offset_id": 12}, [9, 8, 7]),  # the offset may be gone
        ({"limit": 3, "offset_id": 11}, [9, 8, 7]),
        ({"limit": 3, "offset_id": 28, "add_offset": 2}, [25, 24, 23]),
        ({"limit": 3, "offset_id": 20, "add_offset": -3}, [22, 21, 20]),
        ({"limit": 4, "offset_id": 20, "add_offset": -2}, [21, 20, 19, 18]),
        ({"limit": 100, "offset_id": 29, "add_offset": -100}, [30, 29]),  # forwards beyond the newest
        ({"limit": 5, "offset_id": 3}, [2, 1]),
        ({"limit": 5, "offset_id": 1}, []),
        ({"limit": 4, "min_id": 28}, [30, 29]),
        ({"limit": 4, "max_id": 29}, [28, 27]),  # taken away after the window was laid
        ({"limit": 4, "max_id": 20}, []),
        ({"limit": 0}, []),
    ],
)
async def test_pages_of_a_history(
    tg: TelegramServer, speak: Speak, alice: Account, asked: dict[str, int], expected: list[int]
) -> None:
    chat = _thirty(tg, alice)
    page = await (await speak(alice)).history(chat, **asked)
    assert ids_of(page) == expected
    assert page.count == 28
    assert page.pts == chat.box.pts


async def test_a_history_can_begin_at_a_date(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = _thirty(tg, alice)
    me = await speak(alice)
    page = await me.history(chat, limit=2, offset_date=me.when(1_700_000_000 + 20 * DAY))
    assert ids_of(page) == [19, 18]


async def test_a_page_holds_at_most_a_hundred(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Long", alice)
    for number in range(150):
        tg.world.chats.post(chat, alice, str(number))
    me = await speak(alice)
    seen: list[int] = []
    while page := ids_of(await me.history(chat, limit=1000, offset_id=seen[-1] if seen else 0)):
        assert len(page) <= 100
        seen += page
    assert seen == list(range(151, 0, -1))


async def test_by_id_the_missing_are_empty(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chat = _thirty(tg, alice)
    me = await speak(alice)
    wanted = [me.t("InputMessageID", id=i) for i in (30, 10, 1, 999)]
    found = await me.call("channels.GetMessages", channel=me.channel(chat), id=wanted)
    assert [name_of(m) for m in found.messages] == [
        "Message",
        "MessageEmpty",
        "MessageService",
        "MessageEmpty",
    ]
    assert ids_of(found) == [30, 10, 1, 999]


async def test_search(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    bob = tg.world.peers.add_account("Bob")
    chat = _thirty(tg, alice)
    tg.world.chats.join(chat, bob)
    theirs = tg.world.chats.post(chat, bob, "Needle").id
    tg.world.chats.pin(chat.box.messages[5])
    tg.world.chats.pin(chat.box.messages[3])
    me = await speak(alice)

    async def find(kind: str = "InputMessagesFilterEmpty", q: str = "", **fields: Any) -> list[int]:
        numbers = dict.fromkeys(("offset_id", "add_offset", "max_id", "min_id", "hash"), 0)
        asked = numbers | {"min_date": me.when(0), "max_date": me.when(0), "limit": 100} | fields
        return ids_of(await me.call("messages.Search", peer=me.peer(chat), q=q, filter=me.t(kind), **asked))

    assert await find("InputMessagesFilterPinned") == [5, 3]
    assert await find(q="needle") == [theirs]
    me_peer = me.t("InputPeerSelf")
    assert theirs not in await find(from_id=me_peer)
    assert await find(from_id=me_peer, min_id=28, limit=10) == [34, 33, 30, 29]  # two pins, two posts


async def test_dialogs_come_in_pages(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    chats = [tg.world.chats.add_supergroup(f"Chat {n}", alice) for n in range(7)]
    chats.append(tg.world.chats.add_group("Few", alice))
    bob = tg.world.peers.add_account("Bob")
    for number, chat in enumerate(chats):
        tg.world.chats.post(chat, alice, "x", date=1_700_000_000 + number // 2)
    tg.world.chats.post(tg.world.chats.private(alice, bob), bob, "psst", date=1_600_000_000)
    me = await speak(alice)
    seen: list[Any] = []
    offset: dict[str, Any] = {
        "offset_date": me.when(0),
        "offset_id": 0,
        "offset_peer": me.t("InputPeerEmpty"),
    }
    while True:
        answer = await me.call("messages.GetDialogs", limit=2, hash=0, **offset)
        if not answer.dialogs:
            break
        assert answer.count == 9
        seen += answer.dialogs
        last = answer.dialogs[-1]
        top = next(m for m in answer.messages if m.id == last.top_message and m.peer_id == last.peer)
        offset = {"offset_date": top.date, "offset_id": top.id, "offset_peer": _input(me, last.peer, answer)}
    assert len({str(d.peer) for d in seen}) == len(seen) == 9
    assert seen[-1].peer.user_id == bob.id
    assert {d.pts for d in seen if hasattr(d.peer, "channel_id")} == {chats[0].box.pts}
    whole = await me.call(
        "messages.GetDialogs",
        offset_date=me.when(0),
        offset_id=0,
        offset_peer=me.t("InputPeerEmpty"),
        limit=100,
        hash=0,
    )
    assert name_of(whole) == "Dialogs"
    assert [str(d.peer) for d in whole.dialogs] == [str(d.peer) for d in seen]


def _input(me: Speaker, peer: Any, answer: Any) -> Any:
    """From a peer to its input form by the hashes of the answer, as a stranger to the world would do it."""
    if name_of(peer) == "PeerChannel":
        found = next(c for c in answer.chats if c.id == peer.channel_id)
        return me.t("InputPeerChannel", channel_id=found.id, access_hash=found.access_hash)
    if name_of(peer) == "PeerChat":
        return me.t("InputPeerChat", chat_id=peer.chat_id)
    found = next(u for u in answer.users if u.id == peer.user_id)
    return me.t("InputPeerUser", user_id=found.id, access_hash=found.access_hash)


async def test_names_and_invitations(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    owner = tg.world.peers.add_account("Owner", username="owner")
    public = tg.world.chats.add_supergroup("Public", owner, username="public_chat")
    closed = tg.world.chats.add_supergroup("Closed", owner, invite="abcdef")
    me = await speak(alice)
    found = await me.call("contacts.ResolveUsername", username="Public_Chat")
    assert (found.peer.channel_id, found.chats[0].left) == (public.id, True)
    assert (await me.call("contacts.ResolveUsername", username="owner")).peer.user_id == owner.id
    with pytest.raises(Refused, match="USERNAME_NOT_OCCUPIED"):
        await me.call("contacts.ResolveUsername", username="nobody_there")
    assert ids_of(await me.history(public)) == [1]
    with pytest.raises(Refused, match="CHANNEL_PRIVATE"):
        await me.history(closed)
    seen = await me.call("messages.CheckChatInvite", hash="abcdef")
    assert (name_of(seen), seen.title) == ("ChatInvite", "Closed")
    await me.call("messages.ImportChatInvite", hash="abcdef")
    assert name_of((await me.history(closed)).messages[0].action) == "MessageActionChatJoinedByLink"
    again = await me.call("messages.CheckChatInvite", hash="abcdef")
    assert (name_of(again), again.chat.id) == ("ChatInviteAlready", closed.id)
    with pytest.raises(Refused, match="INVITE_HASH_INVALID"):
        await me.call("messages.CheckChatInvite", hash="nothing")


async def test_a_wrong_access_hash(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    bob = tg.world.peers.add_account("Bob")
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    me = await speak(alice)
    theirs = tg.world.peers.access_hash(bob.id, "channel", chat.id)
    with pytest.raises(Refused, match="CHANNEL_INVALID"):
        await me.call(
            "channels.GetFullChannel", channel=me.t("InputChannel", channel_id=chat.id, access_hash=theirs)
        )


async def test_what_a_chat_says_of_itself(tg: TelegramServer, speak: Speak, alice: Account) -> None:
    owner = tg.world.peers.add_account("Owner")
    talk = tg.world.chats.add_supergroup("Talk", owner)
    chat = tg.world.chats.add_channel(
        "News", owner, [alice], linked=talk, noforwards=True, username="news_here"
    )
    tg.world.chats.promote(chat, alice, pin_messages=False)
    me = await speak(alice)
    full = await me.call("channels.GetFullChannel", channel=me.channel(chat))
    assert (full.full_chat.pts, full.full_chat.linked_chat_id) == (chat.box.pts, talk.id)
    seen = next(c for c in full.chats if c.id == chat.id)
    assert (seen.noforwards, seen.broadcast, seen.creator, seen.left) == (True, True, False, False)
    assert (seen.admin_rights.post_messages, seen.admin_rights.pin_messages) == (True, False)
    part = await me.call(
        "channels.GetParticipant", channel=me.channel(chat), participant=me.t("InputPeerSelf")
    )
    assert name_of(part.participant) == "ChannelParticipantAdmin"
    post = tg.world.chats.post(chat, owner, "news")
    copy = talk.box.messages[talk.box.ids[-1]]
    assert (copy.text, copy.forward.channel_post) == ("news", post.id)
