"""Which addresses connections go to: files to those for media, everything else to the main ones, in turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from telethon.crypto import AuthKey
from telethon.tl import types

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Transient
from tgstreamd.domain.messages import PART_SIZE, Upload
from tgstreamd.telegram.connect import Connection, connect
from tgstreamd.telegram.session import StoredSession, to_string
from tgstreamd.telegram.settings import Server

from .conftest import Connect, healed, log_in, settings_for
from .trouble import media_of

PARTS = 8


@pytest.fixture
async def moved(tg: TelegramServer, source: Chat, other: Account) -> Any:
    """`await moved(connection, dc)`: parts come from that data centre and others go up, all at once."""

    async def move(connection: Connection, dc: int, *, up: bool = True) -> None:
        media = await media_of(tg, connection, source, other, dc)
        upload = Upload(file_id=dc, size=PARTS * PART_SIZE)
        down = [connection.source.part(media, n * PART_SIZE, PART_SIZE) for n in range(PARTS)]
        ups = [connection.target.save_part(upload, n, bytes(PART_SIZE)) for n in range(PARTS if up else 0)]
        await asyncio.gather(*down, *ups)

    return move


def media_connections(tg: TelegramServer, dc: int) -> list[bool]:
    """Of each connection there: whether it is one for media."""
    return sorted(connection.media for connection in tg.connections if connection.dc_id == dc)


async def test_a_strict_home_centre_and_eight_file_connections_each_way(
    tg: TelegramServer, me: Account, source: Chat, connected: Connect, moved: Any
) -> None:
    """More than one main session would end the login."""
    connection = await connected(connections=8)
    await moved(connection, 2)
    for _ in range(3):
        await asyncio.gather(moved(connection, 2), *(connection.source.chat(source.marked_id) for _ in "abc"))
    main, *files = media_connections(tg, 2)
    assert not main
    assert all(files)
    assert len(files) > 1 + 2 + 4
    assert not any(key.refusal for key in tg.keys)
    # Nothing but files is asked there. The first part comes in pieces, which tell how fast the line is.
    assert set(tg.log.at_media) == {"upload.getFile", "upload.saveFilePart"}
    assert tg.log.at_media["upload.saveFilePart"] == 4 * PARTS
    assert tg.log.at_media["upload.getFile"] >= 4 * PARTS
    assert tg.log.count("upload.getFile") == tg.log.at_media["upload.getFile"]


async def test_a_foreign_centre_gets_its_key_at_its_main_address_and_files_at_the_other(
    tg: TelegramServer, connected: Connect, moved: Any
) -> None:
    connection = await connected()
    await moved(connection, 4, up=False)
    assert media_connections(tg, 4) == [True, True]
    assert tg.log.count("auth.importAuthorization") == 1
    assert set(tg.log.at_media) == {"upload.getFile"}
    # The configuration is the main connection's to ask for.
    assert all(entry.dc_id == 2 for entry in tg.log.of("help.getConfig"))


async def test_where_no_address_is_for_media_the_main_one_takes_as_many_as_telegrams_own_clients_make(
    tg: TelegramServer, me: Account, connected: Connect, moved: Any
) -> None:
    tg.media_only = False
    connection = await connected(connections=8)
    await moved(connection, 2)
    await moved(connection, 4, up=False)
    assert media_connections(tg, 2) == [False] * (1 + 2 + 4)
    assert 2 < len(media_connections(tg, 4)) <= 8


async def dead_port() -> tuple[str, int]:
    """A place where nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    place = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    return str(place[0]), int(place[1])


@pytest.mark.parametrize("dc", [2, 4])
async def test_a_media_address_that_refuses_is_waited_for_and_never_replaced_by_the_main_one(
    tg: TelegramServer, me: Account, connected: Connect, moved: Any, dc: int
) -> None:
    tg.told[dc], tg.told_media[dc] = tg.address(dc), await dead_port()
    connection = await connected()
    for _ in range(3):
        with pytest.raises(ExceptionGroup) as refused:
            async with asyncio.TaskGroup() as group:
                group.create_task(moved(connection, dc))
        assert refused.group_contains(Transient)
    assert not any(media_connections(tg, dc))
    assert dc != 2 or len(tg.connections) == 1
    assert tg.log.count("upload.getFile") == 0
    assert tg.log.count("upload.saveFilePart") == tg.log.at_media["upload.saveFilePart"]
    assert tg.log.at_media["upload.saveFilePart"] == 0 or dc == 4
    # It is there again, and Telegram says where.
    tg.told_media[dc] = tg.address(dc, media=True)
    tell_options(tg, me)
    await healed(connection)
    await moved(connection, dc)


def tell_options(tg: TelegramServer, account: Account) -> None:
    """Push the addresses to those who are connected (https://core.telegram.org/constructor/updateDcOptions)."""
    tg.push(account.id, types.UpdateShort(types.UpdateDcOptions(tg.dc_options()), datetime.now(UTC)))


@pytest.mark.parametrize("kind", ["nobody", "silent", "ipv6", "obfuscated"])
async def test_addresses_are_tried_in_turn(
    tg: TelegramServer, connected: Connect, moved: Any, kind: str
) -> None:
    """Those where nobody answers, where a router swallows what comes, that this machine cannot reach."""
    async with silent_port() as silent:
        host, port = {
            "nobody": await dead_port(),
            "silent": silent,
            "ipv6": ("100::1", 443),
            "obfuscated": silent,
        }[kind]
        flags = {"ipv6": True} if kind == "ipv6" else {"secret": b"x" * 16} if kind == "obfuscated" else {}
        tg.told_first = [
            types.DcOption(dc, host, port, media_only=media, **flags)
            for dc in (2, 4)
            for media in (True, False)
        ]
        connection = await connected()
        connection._pool.connect_timeout = 3.0
        # A part that fails is tried again, as the pipe does.
        for _ in range(6):
            try:
                await moved(connection, 4)
                break
            except Transient:
                continue
        else:
            pytest.fail("the address that works was never tried")


@asynccontextmanager
async def silent_port() -> AsyncIterator[tuple[str, int]]:
    """A place that takes connections and says nothing."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[:2]
    server.close()


async def test_the_main_connection_goes_on_at_another_address(
    tg: TelegramServer, me: Account, tmp_path: Path
) -> None:
    """The configured one is tried first at every start, and then what was named before."""
    path = tmp_path / "session"
    log_in(tg, me, path)
    connection = await connect(settings_for(tg, path), tries=1)
    await connection.close()
    dead, port = await dead_port()
    gone = Server(dc_id=2, address=dead, port=port, public_key=tg.public_key_pem)
    stored = StoredSession.load(path)
    # The server that is configured moved away; this login knows from it where else it is.
    stored.origin = f"{dead}:{port}"
    stored.dirty = True
    stored.save()
    settings = msgspec.structs.replace(settings_for(tg, path), server=gone)
    connection = await connect(settings, tries=1)
    assert await connection.account()
    await connection.close()


async def test_over_ipv6(me: Account, tg: TelegramServer, tmp_path: Path, source: Chat, moved: Any) -> None:
    """An address in the configuration, or in a string session, is used as it is."""
    await tg.stop()
    tg.ipv6 = True
    await tg.start()
    path = tmp_path / "session"
    log_in(tg, me, path)
    configured = settings_for(tg, path)
    assert configured.server is not None
    six = msgspec.structs.replace(configured.server, address="::1")
    connection = await connect(msgspec.structs.replace(configured, server=six), tries=1)
    assert {at.host for at in tg.connections} == {"::1"}
    await moved(connection, 4)
    await connection.close()
    stored = StoredSession.load(path)
    assert any(address.ipv6 and address.media_only for address in stored.addresses)
    # As one that was made elsewhere, for no configured server.
    string = to_string(stored)
    connection = await connect(
        msgspec.structs.replace(configured, server=None, session=None, session_string=string), tries=1
    )
    assert {at.host for at in tg.connections} == {"::1"}
    await connection.close()


async def test_a_string_session_of_another_centre_is_asked_for_at_the_configured_server(
    tg: TelegramServer, tmp_path: Path
) -> None:
    """Whatever address it holds; also from the second start on."""
    far = tg.world.peers.add_account("Fay", phone="+10000000009", home_dc=4)
    elsewhere = StoredSession(None)
    elsewhere.set_dc(4, *await dead_port())
    elsewhere.auth_key = AuthKey(tg.authorise(far, 4).key)
    settings = settings_for(tg, tmp_path / "session", session_string=to_string(elsewhere))
    for _ in range(2):
        connection = await connect(settings, tries=1)
        assert (await connection.account()).id == far.id
        await connection.close()


@pytest.mark.parametrize("dc", [2, 4])
async def test_a_connection_that_telegram_has_forgotten_says_again_who_it_is(
    tg: TelegramServer, me: Account, source: Chat, other: Account, connected: Connect, moved: Any, dc: int
) -> None:
    """`CONNECTION_NOT_INITED` on one that lives; nothing was carried out, so nothing is carried out twice."""
    connection = await connected()
    await moved(connection, dc)
    before = set(tg.connections)
    for key in tg.keys:
        key.layer = None
    assert await connection.account()
    assert (await connection.source.chat(source.marked_id)).id == source.marked_id
    for key in tg.keys:
        key.layer = None
    await moved(connection, dc)
    assert before == tg.connections
    assert tg.log.errors["CONNECTION_NOT_INITED"] >= 2
    assert tg.log.count("auth.importAuthorization") == (dc == 4)
