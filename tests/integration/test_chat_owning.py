"""Conversations about chats that a client makes and ends itself, through Telethon and kurigram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import telethon.errors
from telethon.tl import functions

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .conftest import Make
from .speakers import Refused, Speaker, name_of

Speak = Callable[[Account], Awaitable[Speaker]]


async def test_a_forum_is_made_entered_and_deleted(tg: TelegramServer, speak: Speak) -> None:
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob")
    me, there = await speak(alice), await speak(bob)
    made = await me.call("channels.CreateChannel", title="Ours", about="", megagroup=True, forum=True)
    (shown,) = (chat for chat in made.chats if name_of(chat) == "Channel")
    chat = tg.world.chats.channel(shown.id)
    assert chat is not None
    assert (shown.title, bool(shown.forum), bool(shown.megagroup), bool(shown.creator)) == (
        "Ours", True, True, True
    )  # fmt: skip
    invite = await me.call("messages.ExportChatInvite", peer=me.peer(chat))
    await there.call("messages.ImportChatInvite", hash=invite.link.rpartition("+")[2])
    with pytest.raises(Refused, match="CHAT_ADMIN_REQUIRED"):
        await there.call("messages.ExportChatInvite", peer=there.peer(chat))
    with pytest.raises(Refused, match="CHAT_ADMIN_REQUIRED"):
        await there.call("channels.DeleteChannel", channel=there.channel(chat))
    await me.call("channels.DeleteChannel", channel=me.channel(chat))
    for speaker in (me, there):
        with pytest.raises(Refused, match="CHANNEL_PRIVATE"):
            await speaker.history(chat)


async def test_a_basic_group_is_made_and_upgraded(tg: TelegramServer, speak: Speak) -> None:
    alice = tg.world.peers.add_account("Alice")
    me = await speak(alice)
    made = await me.call("messages.CreateChat", users=[], title="Few")
    (shown,) = (chat for chat in made.updates.chats if name_of(chat) == "Chat")
    moved = await me.call("messages.MigrateChat", chat_id=shown.id)
    assert [name_of(chat) for chat in moved.chats] == ["Channel"]
    with pytest.raises(Refused, match="CHAT_TITLE_EMPTY"):
        await me.call("messages.CreateChat", users=[], title=" ")


async def test_a_test_number_signs_up_once(tg: TelegramServer, telethon_client: Make) -> None:
    """Numbers 99966XYYYY have a code that everybody knows: X, five times."""
    client = await telethon_client(tg)
    number = "+9996621234"
    sent = await client.send_code_request(number)
    sign_up = functions.auth.SignUpRequest(number, sent.phone_code_hash, "Tess", "", True)
    with pytest.raises(telethon.errors.PhoneCodeExpiredError):
        await client(sign_up)  # before the code
    with pytest.raises(telethon.errors.PhoneNumberUnoccupiedError):
        await client.sign_in(number, "22222", phone_code_hash=sent.phone_code_hash)
    answer = await client(sign_up)
    assert answer.user.first_name == "Tess"
    again = await telethon_client(tg)
    sent = await again.send_code_request(number)
    me = await again.sign_in(number, "22222", phone_code_hash=sent.phone_code_hash)
    assert me.id == answer.user.id
