"""The libraries' own conveniences against the local Telegram, each in its own idiom.

What raw calls cannot show: that the pages, peers and updates of this server satisfy the code that both
libraries run against the real one.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pyrogram
import pytest
from telethon import events

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

Make = Callable[..., Awaitable[Any]]


@pytest.fixture
def alice(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Alice")


@pytest.fixture
def bob(tg: TelegramServer) -> Account:
    return tg.world.peers.add_account("Bob")


def _long(tg: TelegramServer, alice: Account, count: int = 250) -> Chat:
    chat = tg.world.chats.add_supergroup("Long", alice)
    for number in range(2, count + 1):
        tg.world.chats.post(chat, alice, f"m{number}")
    doomed = [chat.box.messages[i] for i in range(100, 140)]
    tg.world.chats.delete(*doomed)
    return chat


def _jpeg(tg: TelegramServer, seed: int) -> io.BytesIO:
    file = io.BytesIO(tg.world.files.jpeg(320, 200, seed))
    file.name = "p.jpg"
    return file


async def test_telethon_walks_a_history_both_ways(
    tg: TelegramServer, telethon_client: Make, alice: Account
) -> None:
    chat = _long(tg, alice)
    client = await telethon_client(tg, alice)
    await client.get_dialogs()
    back = [m.id async for m in client.iter_messages(chat.marked_id)]
    forth = [m.id async for m in client.iter_messages(chat.marked_id, reverse=True)]
    middle = [m.id async for m in client.iter_messages(chat.marked_id, reverse=True, min_id=90, max_id=150)]
    assert back == list(reversed(chat.box.ids))
    assert forth == chat.box.ids
    assert middle == [i for i in chat.box.ids if 90 < i < 150]


async def test_telethon_sends_changes_and_takes_back(
    tg: TelegramServer, telethon_client: Make, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    client, other = await telethon_client(tg, alice), await telethon_client(tg, bob)
    heard: asyncio.Queue[Any] = asyncio.Queue()
    for client_event in (events.NewMessage(), events.MessageEdited(), events.MessageDeleted()):
        other.add_event_handler(heard.put, client_event)
    await client.get_dialogs()
    await other.get_dialogs()
    sent = await client.send_message(chat.marked_id, "**hello** __there__")
    assert (sent.raw_text, len(sent.entities)) == ("hello there", 2)
    edited = await client.edit_message(chat.marked_id, sent.id, "changed")
    assert edited.raw_text == "changed"
    await client.pin_message(chat.marked_id, sent.id)
    assert chat.box.messages[sent.id].pinned
    await client.delete_messages(chat.marked_id, [sent.id])
    async with asyncio.timeout(HANG):
        kinds = [type(await heard.get()).__qualname__ for _ in range(3)]
    assert kinds[:2] == ["NewMessage.Event", "MessageEdited.Event"]
    album = await client.send_file(chat.marked_id, [_jpeg(tg, 1), _jpeg(tg, 2)], caption=["one", "two"])
    assert len({m.grouped_id for m in album}) == 1
    assert [m.raw_text for m in album] == ["one", "two"]
    forwarded = await client.forward_messages(chat.marked_id, album)
    assert [m.forward.from_id.user_id for m in forwarded] == [alice.id, alice.id]


async def test_kurigram_walks_a_history(tg: TelegramServer, kurigram_client: Make, alice: Account) -> None:
    chat = _long(tg, alice)
    client = await kurigram_client(tg, alice)
    names = [dialog.chat.title async for dialog in client.get_dialogs()]
    assert names == ["Long"]
    back = [m.id async for m in client.get_chat_history(chat.marked_id)]
    assert back == list(reversed(chat.box.ids))


async def test_kurigram_sends_changes_and_takes_back(
    tg: TelegramServer, kurigram_client: Make, alice: Account, bob: Account
) -> None:
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    client, other = await kurigram_client(tg, alice), await kurigram_client(tg, bob)
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def told(_: Any, message: Any) -> None:
        heard.put_nowait(message)

    other.add_handler(pyrogram.handlers.MessageHandler(told))
    async for _ in client.get_dialogs():
        pass
    sent = await client.send_message(chat.marked_id, "**hello** __there__")
    assert (str(sent.text), len(sent.entities)) == ("hello there", 2)
    async with asyncio.timeout(HANG):
        assert (await heard.get()).text == "hello there"
    assert (await client.edit_message_text(chat.marked_id, sent.id, "changed")).text == "changed"
    await client.pin_chat_message(chat.marked_id, sent.id)
    assert chat.box.messages[sent.id].pinned
    reply = await client.send_message(
        chat.marked_id, "reply", reply_parameters=pyrogram.types.ReplyParameters(message_id=sent.id)
    )
    assert reply.reply_to_message_id == sent.id
    assert await client.delete_messages(chat.marked_id, [sent.id]) == 1
    album = await client.send_media_group(
        chat.marked_id,
        [
            pyrogram.types.InputMediaPhoto(_jpeg(tg, 1), caption="one"),
            pyrogram.types.InputMediaPhoto(_jpeg(tg, 2)),
        ],
    )
    assert len({m.media_group_id for m in album}) == 1
    assert album[0].caption == "one"


async def test_kurigram_keeps_a_forum(tg: TelegramServer, kurigram_client: Make, alice: Account) -> None:
    chat = tg.world.chats.add_supergroup("Forum", alice, forum=True)
    client = await kurigram_client(tg, alice)
    async for _ in client.get_dialogs():
        pass
    made = await client.create_forum_topic(chat.marked_id, "Tea")
    assert chat.topics[made.id].title == "Tea"
    listed = {t.id: t.title async for t in client.get_forum_topics(chat.marked_id)}
    assert listed == {made.id: "Tea", 1: "General"}
    await client.close_forum_topic(chat.marked_id, made.id)
    assert chat.topics[made.id].closed


async def test_telethon_closes_a_gap_by_the_difference(
    tg: TelegramServer, telethon_client: Make, alice: Account, bob: Account
) -> None:
    """A lost push: Telethon sees the jump of pts at the next one and asks for what is between."""
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    client = await telethon_client(tg, alice)
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def told(event: Any) -> None:
        heard.put_nowait(event.raw_text)

    client.add_event_handler(told, events.NewMessage())
    await client.get_dialogs()
    tg.world.chats.post(chat, bob, "one")
    async with asyncio.timeout(HANG):
        assert await heard.get() == "one"
        tg.world.chats.drop_pushes(1, account=alice)
        tg.world.chats.post(chat, bob, "two")
        tg.world.chats.post(chat, bob, "three")
        assert {await heard.get(), await heard.get()} == {"two", "three"}
