"""Everything goes through the proxy: the main connection, and the files' in either data centre."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.cdn import CDN_DC
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import SHARED
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Transient
from tgstreamd.domain.messages import PART_SIZE

from .conftest import Connect


class Socks5:
    """A small SOCKS5 proxy (RFC 1928, 1929) that wants a name and a password."""

    def __init__(self, user: str, password: str) -> None:
        self._credentials = user.encode(), password.encode()
        self.ports: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _version, count = await reader.readexactly(2)
        await reader.readexactly(count)
        writer.write(b"\x05\x02")
        (length,) = (await reader.readexactly(2))[1:]
        user = await reader.readexactly(length)
        (length,) = await reader.readexactly(1)
        password = await reader.readexactly(length)
        if (user, password) != self._credentials:
            writer.write(b"\x01\x01")
            return
        writer.write(b"\x01\x00")
        _version, _command, _reserved, kind = await reader.readexactly(4)
        assert kind in (1, 3)
        length = 4 if kind == 1 else (await reader.readexactly(1))[0]
        await reader.readexactly(length)
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        self.ports.append(port)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def socks5(user: str, password: str) -> AsyncIterator[tuple[Socks5, int]]:
    proxy = Socks5(user, password)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    yield proxy, server.sockets[0].getsockname()[1]
    server.close()


async def test_a_socks5_proxy_with_a_password(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    post = tg.world.chats.post(source, other, media=tg.world.media.document(PART_SIZE, dc_id=4))
    async with socks5("me", "p@ss") as (proxy, port):
        connection = await connected(proxy=f"socks5://me:p%40ss@127.0.0.1:{port}")
        got = await connection.source.messages(source.marked_id, [post.ids[SHARED]])
        media = got[post.ids[SHARED]].media
        assert media is not None
        assert len(await connection.source.part(media, 0, PART_SIZE)) == PART_SIZE
        # The other centre's key is made over a connection of its own, before the one for parts.
        assert proxy.ports == [tg.address(2)[1], tg.address(4)[1], tg.address(4, media=True)[1]]
        await connection.close()


async def test_a_cdn_is_reached_through_the_proxy_too(
    tg: TelegramServer, source: Chat, other: Account, connected: Connect
) -> None:
    """Once for its key, once for the part."""
    made = tg.world.media.document(PART_SIZE)
    assert made.document is not None
    made.document.cdn = True
    post = tg.world.chats.post(source, other, media=made)
    async with socks5("me", "p@ss") as (proxy, port):
        connection = await connected(proxy=f"socks5://me:p%40ss@127.0.0.1:{port}")
        media = (await connection.source.messages(source.marked_id, [post.ids[SHARED]]))[
            post.ids[SHARED]
        ].media
        assert media is not None
        part = await connection.source.part(media, 0, PART_SIZE)
        assert part == made.document.blob.read(0, PART_SIZE)
        assert proxy.ports[-2:] == [tg.address(CDN_DC)[1]] * 2
        await connection.close()


async def test_a_proxy_that_refuses_is_told_as_trouble_on_the_way(connected: Connect) -> None:
    async with socks5("me", "right") as (_, port):
        with pytest.raises(Transient, match="uthentication"):
            await connected(proxy=f"socks5://me:wrong@127.0.0.1:{port}", tries=1)


async def test_a_proxy_that_is_not_there(connected: Connect) -> None:
    with pytest.raises(Transient, match=r"the proxy 127\.0\.0\.1:1 cannot be reached"):
        await connected(proxy="socks5://127.0.0.1:1", tries=1)
