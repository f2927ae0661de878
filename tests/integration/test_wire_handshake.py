"""Key exchange and the first calls, with both client libraries, over every transport that they speak."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from pyrogram import raw
from pyrogram.connection import transport as kurigram_transports
from telethon import errors
from telethon import network as telethon_transports
from telethon.network import ConnectionTcpFull, MTProtoSender
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from tests.telegram.mtproto.keyring import AuthKey
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
    assert {(o.id, o.port, o.media_only, o.cdn) for o in config.dc_options} == {
        (2, tg.address(2)[1], False, False), (2, tg.address(2, media=True)[1], True, False),
        (4, tg.address(4)[1], False, False), (4, tg.address(4, media=True)[1], True, False),
        (203, tg.address(203)[1], False, True),
    }  # fmt: skip
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


async def test_a_key_with_a_leading_zero_byte_in_either_spelling(
    tg: TelegramServer, account: Account, telethon_client: Make, kurigram_client: Make
) -> None:
    # In one of 256 exchanges the secret begins so; Telethon drops the byte, kurigram keeps it.
    secret = b"\0\x01" + os.urandom(254)
    tg.keys.add(AuthKey(secret, 2, account.id))
    tg.keys.add(AuthKey(secret[1:], 2, account.id))
    telethon = await telethon_client(tg, key=AuthKey(secret[1:], 2, account.id))
    assert (await telethon.get_me()).id == account.id
    kurigram = await kurigram_client(tg, key=AuthKey(secret, 2, account.id))
    assert (await kurigram.get_me()).id == account.id


async def test_ordered_requests_wait_for_each_other(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    me = functions.users.GetUsersRequest([types.InputUserSelf()])
    answers = await client([me, me, me], ordered=True)
    assert [users[0].id for users in answers] == [account.id] * 3
    with pytest.raises(errors.MultiError) as caught:
        await client([functions.users.GetFullUserRequest(types.InputUser(1, 1)), me], ordered=True)
    assert tg.log.errors["MSG_WAIT_FAILED"] >= 1
    assert all(caught.value.exceptions)


@pytest.mark.parametrize("layer", [1, 181, 227, 228, 229, 300])
async def test_any_layer_is_taken(
    tg: TelegramServer, account: Account, telethon_client: Make, layer: int
) -> None:
    key = tg.authorise(account)
    client = await telethon_client(tg, key=key)
    hello = functions.InitConnectionRequest(
        1, "d", "s", "a", "en", "", "en", functions.help.GetConfigRequest()
    )
    assert (await client(functions.InvokeWithLayerRequest(layer, hello))).this_dc == 2
    assert key.layer == layer
    # What did not change is said as it always was; who asked last for a newer layer gets the newer forms.
    assert (await client(functions.updates.GetStateRequest())).pts >= 0
    me = functions.InvokeWithLayerRequest(229, functions.users.GetUsersRequest([types.InputUserSelf()]))
    assert (await client(me))[0].id == account.id


@pytest.mark.parametrize("layer", [0, -1])
async def test_what_is_no_layer_is_refused(
    tg: TelegramServer, account: Account, telethon_client: Make, layer: int
) -> None:
    client = await telethon_client(tg, account)
    with pytest.raises(errors.ConnectionLayerInvalidError):
        await client(functions.InvokeWithLayerRequest(layer, functions.help.GetConfigRequest()))


async def test_several_connections_share_a_key(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    """As in the field, where there is no place for media; where there is, tmp_sessions says how many."""
    tg.media_only = False
    key = tg.authorise(account)
    clients = [await telethon_client(tg, key=key) for _ in range(3)]
    for client in clients:
        assert (await client.get_me()).id == account.id
    assert len(key.sessions) == 3
    assert tg.keys.of_account(account.id) == [key]


@pytest.mark.parametrize("allowed", [None, 2])
async def test_more_main_sessions_than_allowed_end_the_login(
    tg: TelegramServer, account: Account, telethon_client: Make, allowed: int | None
) -> None:
    tg.tmp_sessions = allowed
    key = tg.authorise(account)
    clients = []
    for _ in range(allowed or 1):
        clients.append(await telethon_client(tg, key=key))
        for client in clients:
            assert (await client.get_me()).id == account.id
    assert key.refusal is None
    await telethon_client(tg, key=key)
    await asyncio.gather(*(client.get_me() for client in clients * 2), return_exceptions=True)
    with pytest.raises(errors.AuthKeyDuplicatedError):
        await clients[0].get_me()


async def test_a_session_that_was_replaced_is_not_counted(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    """Its connection may live on for a while, as behind a router that forgot it."""
    key = tg.authorise(account)
    for _ in range(3):
        client = await telethon_client(tg, key=key)
        for _ in range(3):
            assert (await client.get_me()).id == account.id
    assert len(tg.connections) == 3


async def test_a_place_for_media_takes_any_number_of_sessions_and_does_nothing_else(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    key = tg.authorise(account)
    main = await telethon_client(tg, key=key)
    hello = main._init_request
    senders = [MTProtoSender(main.session.auth_key, loggers=main._log) for _ in range(4)]
    for sender in senders:
        place = ConnectionTcpFull(*tg.address(2, media=True), 2, loggers=main._log)
        await sender.connect(place)
        hello.query = functions.upload.SaveFilePartRequest(1, 0, b"part")
        assert await sender.send(functions.InvokeWithLayerRequest(LAYER, hello))
    with pytest.raises(errors.MethodInvalidError):
        await senders[0].send(functions.updates.GetStateRequest())
    for sender in senders:
        await sender.disconnect()
    assert (await main.get_me()).id == account.id
    assert tg.log.at_media["upload.saveFilePart"] == 4


async def test_a_method_that_nobody_wrote_is_an_error(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    with pytest.raises(errors.RPCError):
        await client(functions.stories.GetAllStoriesRequest())
    assert tg.dispatcher.unknown[-1] == "GetAllStoriesRequest"
