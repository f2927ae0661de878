"""The comparing client reads what stands there: a copy made by hand is one, and a wrong byte is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from telethon.tl import types

from tests.compare import Reader, compare
from tests.telegram.control import session_string
from tests.telegram.server import TelegramServer
from tests.telegram.world import World
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

Posts = Callable[[World, Chat, Account, int], None]


def posts(world: World, chat: Chat, who: Account, seed: int) -> None:
    """A little of everything; `seed` decides the contents of the file."""
    make, chats = world.media, world.chats
    first = chats.post(chat, who, "hello you", entities=[types.MessageEntityBold(0, 5)])
    chats.post(chat, who, "a file", media=make.document(700_000, seed=seed, dc_id=4))
    chats.post(chat, who, "", media=make.voice(dc_id=2))
    chats.post_album(chat, who, [(make.photo(), "two"), make.photo(640, 480, dc_id=4)])
    chats.post(chat, who, "an answer", reply_to=first, quote="hello")


def missing(world: World, chat: Chat, who: Account, seed: int) -> None:
    posts(world, chat, who, seed)
    world.chats.delete(chat.box.messages[chat.box.ids[-3]])


def retouched(world: World, chat: Chat, who: Account, seed: int) -> None:
    posts(world, chat, who, seed)
    world.chats.edit(chat.box.messages[chat.box.ids[1]], "hello you")


@pytest.mark.parametrize(
    ("copy", "seed", "said"),
    [
        (posts, 1, ""),
        (posts, 2, "digest is"),
        (missing, 1, "is missing"),
        (retouched, 1, "entities is ()"),
    ],
)
async def test_a_reader_tells_a_copy_from_what_is_none(copy: Posts, seed: int, said: str) -> None:
    world = World()
    otto, cora = world.peers.add_account("Otto"), world.peers.add_account("Cora")
    source = world.chats.add_supergroup("Source", otto, [cora])
    target = world.chats.add_supergroup("Target", otto, [cora])
    posts(world, source, otto, 1)
    copy(world, target, otto, seed)
    async with TelegramServer(world) as tg:
        login: dict[str, Any] = session_string(tg, cora)
        lines: list[str] = []
        async with Reader(login["telethon"], tg.public_key_pem) as reader:
            equal = await compare(reader, source.marked_id, target.marked_id, say=lines.append)
        assert not tg.bugs
    assert equal == (not said)
    assert said in "\n".join(lines)
