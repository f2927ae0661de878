"""Key exchange and the first calls, with both client libraries, over every transport that they speak."""

from __future__ import annotations

from typing import Any

import pytest
from pyrogram import raw
from pyrogram.connection import transport as kurigram_transports
from telethon import network as telethon_transports
from telethon.tl import functions

from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .conftest import Make


@pytest.mark.parametrize(
    ("transport", "name"),
    [
        ("ConnectionTcpFull", "full"),
        ("ConnectionTcpAbridged", "abridged"),
        ("ConnectionTcpIntermediate", "intermediate"),
        ("ConnectionTcpObfuscated", "obfuscated abridged"),
    ],
)
async def test_telethon_exchanges_a_key_and_asks(
    tg: TelegramServer, telethon_client: Make, transport: str, name: str
) -> None:
    client = await telethon_client(tg, connection=getattr(telethon_transports, transport))
    config = await client(functions.help.GetConfigRequest())
    assert config.this_dc == 2
    assert {(option.id, option.port) for option in config.dc_options} == {
        (dc, tg.address(dc)[1]) for dc in (2, 4)
    }
    assert await client.get_me() is None
    assert [connection.stream.name for connection in tg.connections] == [name]


@pytest.mark.parametrize(
    ("transport", "name"),
    [
        ("TCPFull", "full"),
        ("TCPAbridged", "abridged"),
        ("TCPIntermediate", "intermediate"),
        ("TCPIntermediatePadded", "padded intermediate"),
        ("TCPAbridgedO", "obfuscated abridged"),
        ("TCPIntermediateO", "obfuscated intermediate"),
    ],
)
async def test_kurigram_exchanges_a_key_and_asks(
    tg: TelegramServer, kurigram_client: Make, transport: str, name: str
) -> None:
    client = await kurigram_client(tg, transport=getattr(kurigram_transports, transport))
    config = await client.invoke(raw.functions.help.GetConfig())
    assert config.this_dc == 2
    assert name in [connection.stream.name for connection in tg.connections]


async def test_telethon_with_a_ready_key(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    client = await telethon_client(tg, account)
    me = await client.get_me()
    assert (me.id, me.username) == (account.id, "alice")


async def test_kurigram_with_a_ready_key(tg: TelegramServer, account: Account, kurigram_client: Make) -> None:
    client = await kurigram_client(tg, account)
    me: Any = await client.get_me()
    assert (me.id, me.username) == (account.id, "alice")
