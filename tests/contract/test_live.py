"""Pushes and differences: every shape in which Telegram tells of something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import SHARED
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Undecodable
from tgstreamd.domain.messages import Box, Draft, Piece
from tgstreamd.domain.updates import Push
from tgstreamd.telegram.connect import Connection

from .conftest import Connect, healed


async def push_where(connection: Connection, wanted: Callable[[Push], bool]) -> Push:
    async with asyncio.timeout(HANG):
        while not wanted(push := await connection.source.pushed()):
            pass
    return push


async def test_what_happens_is_pushed(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    await connection.source.chat(source.marked_id)
    post = tg.world.chats.post(source, other, "news")
    new = await push_where(connection, lambda p: p.message is not None)
    assert new.message is not None
    assert (new.chat, new.message.text, new.message.sender, new.edit) == (
        source.marked_id, "news", "Otto Other", False,
    )  # fmt: skip
    assert new.pts == source.box.pts
    tg.world.chats.edit(post, "old news")
    edit = await push_where(connection, lambda p: p.edit)
    assert edit.message is not None
    assert edit.message.text == "old news"
    assert edit.message.edited
    tg.world.chats.delete(post)
    gone = await push_where(connection, lambda p: bool(p.deleted))
    assert (gone.chat, gone.deleted) == (source.marked_id, (post.ids[SHARED],))
    tg.world.chats.set_noforwards(source, True)
    assert (await push_where(connection, lambda p: p.changed)).chat == source.marked_id


async def test_a_basic_group_pushes_and_tells_its_difference(
    tg: TelegramServer, me: Account, other: Account, connected: Connect
) -> None:
    group = tg.world.chats.add_group("Friends", other, [me])
    connection = await connected()
    gone = tg.world.chats.post(group, other, "oops")
    box = await connection.source.box(group.marked_id)
    post = tg.world.chats.post(group, other, "hello")
    push = await push_where(connection, lambda p: p.message is not None and p.message.text == "hello")
    assert push.message is not None
    assert (push.chat, push.message.text, push.message.sender_id) == (group.marked_id, "hello", other.id)
    tg.world.chats.edit(post, "hello all")
    tg.world.chats.delete(gone)
    difference = await connection.source.difference(group.marked_id, box)
    assert difference.final
    assert [m.text for m in difference.messages] == ["hello all"]
    assert [chat for chat, _ids in difference.deleted] == [0]
    assert (await connection.source.difference(group.marked_id, difference.box)).messages == ()


async def test_a_channel_difference_in_slices(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    box = await connection.source.box(source.marked_id)
    posts = [tg.world.chats.post(source, other, f"post {n}") for n in range(230)]
    texts: list[str] = []
    final, slices = False, 0
    while not final:
        difference = await connection.source.difference(source.marked_id, box)
        texts += [m.text for m in difference.messages]
        box, final, slices = difference.box, difference.final, slices + 1
    assert texts == [f"post {n}" for n in range(230)]
    assert slices > 2
    tg.world.chats.edit(posts[3], "changed")
    tg.world.chats.delete(posts[4], posts[5])
    difference = await connection.source.difference(source.marked_id, box)
    assert [m.text for m in difference.edits] == ["changed"]
    assert difference.deleted == ((source.marked_id, (posts[4].ids[SHARED], posts[5].ids[SHARED])),)
    assert difference.box.pts == source.box.pts


async def test_a_difference_that_is_too_long(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    box = await connection.source.box(source.marked_id)
    source.difference_limit = 5
    for n in range(20):
        tg.world.chats.post(source, other, f"post {n}")
    difference = await connection.source.difference(source.marked_id, box)
    assert difference.too_long
    assert difference.box == Box(pts=source.box.pts)


async def test_a_position_that_telegram_does_not_know_is_as_too_long(
    tg: TelegramServer, source: Chat, connected: Connect
) -> None:
    connection = await connected()
    difference = await connection.source.difference(source.marked_id, Box(pts=0))
    assert difference.too_long
    assert difference.box == Box(pts=source.box.pts)


async def test_an_own_send_comes_as_a_push_too(target: Chat, connected: Connect) -> None:
    connection = await connected()
    draft = Draft(pieces=(Piece(source_id=1, text="mine"),))
    sent = await connection.target.send(target.marked_id, draft, [1], [None])
    push = await push_where(connection, lambda p: p.message is not None)
    assert push.message is not None
    assert (push.message.id, push.message.out) == (sent.ids[1], True)


async def test_after_a_cut_everything_is_to_be_asked_for(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    await connection.source.chat(source.marked_id)
    tg.cut()
    tg.world.chats.post(source, other, "said in the gap")
    await healed(connection)
    assert await push_where(connection, lambda p: p.chat == 0)
    tg.world.chats.post(source, other, "said after it")
    push = await push_where(connection, lambda p: p.message is not None)
    assert push.message is not None
    assert push.message.text == "said after it"


async def test_an_answer_that_this_layer_cannot_read(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    connection = await connected()
    post = tg.world.chats.post(source, other, "unreadable", media=tg.world.media.plain("geo", Unreadable()))
    with pytest.raises(Undecodable):
        await connection.source.history(source.marked_id, after=0)
    assert connection.connected
    tg.world.chats.delete(post)
    assert await connection.source.history(source.marked_id, after=0)


@pytest.mark.parametrize("length", [10, 3000])
async def test_a_push_that_cannot_be_read_is_a_reason_to_ask(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect, length: int
) -> None:
    connection = await connected()
    tg.world.chats.post(source, other, "readable")
    await push_where(connection, lambda p: p.message is not None)
    # A long one comes packed, and is found to be unreadable at another place.
    tg.world.chats.post(source, other, "x" * length, media=tg.world.media.plain("geo", Unreadable()))
    async with asyncio.timeout(HANG):
        assert await connection.source.pushed() == Push(chat=0)
    assert connection.connected


class Unreadable:
    """A media of a newer layer."""

    def _bytes(self) -> bytes:
        return bytes.fromhex("efbeadde")
