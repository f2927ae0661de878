"""How many file connections there are: as many as Telegram's own clients make, or as were asked for."""

from __future__ import annotations

import asyncio

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import SHARED
from tests.telegram.world.peers import Account
from tgstreamd.domain.messages import PART_SIZE, Upload

from .conftest import Connect


@pytest.mark.parametrize(("premium", "asked", "down", "up"), [
    (False, 0, 2, 4), (True, 0, 8, 8), (False, 3, 3, 3),
])  # fmt: skip
async def test_connections_of_each_direction(
    tg: TelegramServer, me: Account, source: Chat, other: Account, connected: Connect,
    premium: bool, asked: int, down: int, up: int,
) -> None:  # fmt: skip
    me.premium = premium
    connection = await connected(connections=asked)
    post = tg.world.chats.post(source, other, media=tg.world.media.document(80 * PART_SIZE, dc_id=4))
    media = (await connection.source.messages(source.marked_id, [post.ids[SHARED]]))[post.ids[SHARED]].media
    assert media is not None
    at_home = sum(c.dc_id == 2 for c in tg.connections)
    await asyncio.gather(*(connection.source.part(media, n * PART_SIZE, PART_SIZE) for n in range(80)))
    # One more only while all are busy: of many, the last ones may not be needed on loopback.
    assert min(down, 5) <= sum(c.dc_id == 4 for c in tg.connections) <= down
    upload = Upload(file_id=5, size=80 * PART_SIZE)
    await asyncio.gather(*(connection.target.save_part(upload, n, bytes(PART_SIZE)) for n in range(80)))
    assert min(up, 5) <= sum(c.dc_id == 2 for c in tg.connections) - at_home <= up
