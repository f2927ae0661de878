"""Conversations about a chat's title, description and photo, through Telethon and kurigram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker

Speak = Callable[[Account], Awaitable[Speaker]]


async def test_title_and_description(tg: TelegramServer, speak: Speak) -> None:
    alice, bob = tg.world.peers.add_account("Alice"), tg.world.peers.add_account("Bob")
    chat = tg.world.chats.add_supergroup("Group", alice, [bob])
    me, guest = await speak(alice), await speak(bob)
    answer = await me.call("channels.EditTitle", channel=me.channel(chat), title="Friends")
    said = [type(u.message.action).__name__ for u in answer.updates if hasattr(u, "message")]
    assert said == ["MessageActionChatEditTitle"]
    assert await me.call("messages.EditChatAbout", peer=me.peer(chat), about="of tea")
    full = await guest.call("channels.GetFullChannel", channel=guest.channel(chat))
    assert (full.chats[0].title, full.full_chat.about) == ("Friends", "of tea")
    for name, error, fields in (
        ("channels.EditTitle", "CHAT_NOT_MODIFIED", {"channel": me.channel(chat), "title": "Friends"}),
        ("messages.EditChatAbout", "CHAT_ABOUT_NOT_MODIFIED", {"peer": me.peer(chat), "about": "of tea"}),
        ("messages.EditChatAbout", "CHAT_ABOUT_TOO_LONG", {"peer": me.peer(chat), "about": "x" * 256}),
    ):
        with pytest.raises(Refused, match=error):
            await me.call(name, **fields)
    with pytest.raises(Refused, match="CHAT_ADMIN_REQUIRED"):
        await guest.call("channels.EditTitle", channel=guest.channel(chat), title="Mine")


async def test_photo(tg: TelegramServer, speak: Speak) -> None:
    alice = tg.world.peers.add_account("Alice")
    chat = tg.world.chats.add_group("Group", alice)
    me = await speak(alice)
    data = tg.world.files.jpeg(640, 480)
    assert await me.call("upload.SaveFilePart", file_id=9, file_part=0, bytes=data)
    file = me.t("InputFile", id=9, parts=1, name="photo.jpg", md5_checksum="")
    await me.call("messages.EditChatPhoto", chat_id=chat.id, photo=me.t("InputChatUploadedPhoto", file=file))
    full = await me.call("messages.GetFullChat", chat_id=chat.id)
    assert full.full_chat.chat_photo.sizes
    await me.call("messages.EditChatPhoto", chat_id=chat.id, photo=me.t("InputChatPhotoEmpty"))
    with pytest.raises(Refused, match="CHAT_NOT_MODIFIED"):
        await me.call("messages.EditChatPhoto", chat_id=chat.id, photo=me.t("InputChatPhotoEmpty"))


async def test_the_icons_that_anyone_may_use(tg: TelegramServer, speak: Speak) -> None:
    me = await speak(tg.world.peers.add_account("Alice"))
    icons = await me.call(
        "messages.GetStickerSet", stickerset=me.t("InputStickerSetEmojiDefaultTopicIcons"), hash=0
    )
    assert len(icons.documents) == icons.set.count > 0
