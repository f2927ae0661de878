"""Answers that are lost or never come: what the ports raise, and that nothing is sent a second time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from telethon.tl import functions

from tests.fakes import HANG
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Rejected, Transient
from tgstreamd.domain.messages import Draft, Piece

from .conftest import Connect, healed
from .trouble import open_client

TEXT = Draft(pieces=(Piece(source_id=1, text="hello"),))


@pytest.mark.parametrize("action", ["apply-cut", "apply-half"])
async def test_a_lost_answer_is_an_unknown_outcome_and_is_not_sent_again(
    tg: TelegramServer, target: Chat, connected: Connect, action: str
) -> None:
    connection = await connected()
    port = connection.target
    before = len(target.box.ids)
    await port.account()
    tg.faults.add(Fault("messages.sendMessage", action))
    with pytest.raises(Transient):
        await port.send(target.marked_id, TEXT, [1], [None])
    assert len(target.box.ids) == before + 1
    tg.log.clear()
    sent = await port.send(target.marked_id, TEXT, [1], [None])
    assert sent.ids[1] == target.box.ids[-1]
    assert len(target.box.ids) == before + 1
    # Telethon would have repeated the first one by itself, on the new connection.
    assert tg.log.count("messages.sendMessage") == 1


async def test_a_request_that_no_packet_can_hold(target: Chat, connected: Connect) -> None:
    port = (await connected()).target
    with pytest.raises(Rejected, match="cannot be written"):
        await port.send(target.marked_id, TEXT, [1 << 70], [None])
    assert (await port.send(target.marked_id, TEXT, [1], [None])).ids


async def test_a_request_given_up_is_forgotten(tg: TelegramServer, target: Chat, connected: Connect) -> None:
    connection = await connected()
    await connection.target.account()
    tg.faults.add(Fault("messages.sendMessage", "ignore"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await connection.target.send(target.marked_id, TEXT, [1], [None])
    before = len(target.box.ids)
    tg.cut()
    await healed(connection)
    assert len(target.box.ids) == before


async def test_an_answer_that_never_comes_is_waited_for_so_long_only(
    tg: TelegramServer, me: Account, target: Chat, tmp_path: Path
) -> None:
    client = await open_client(tg, me, tmp_path)
    tg.faults.add(Fault("help.getConfig", "apply-silent"))
    with pytest.raises(Transient, match=r"help\.getConfig: no answer in time"):
        await client.call(functions.help.GetConfigRequest(), timeout=0.2)
    assert client.connected
    assert await client.call(functions.help.GetConfigRequest(), timeout=HANG)
    await client.close()
