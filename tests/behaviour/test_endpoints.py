"""The whole daemon at a strict data centre, and with addresses that lead nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from telethon.crypto import AuthKey
from telethon.tl import types

from tests.behaviour.test_media import shape
from tests.harness import House
from tgstreamd.telegram.session import StoredSession, to_string


async def nowhere() -> tuple[str, int]:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    return host, port


async def mirrored(house: House, *, starts: int = 1) -> None:
    """Files of both data centres and texts between them, copied as they are."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.mirror(source, target)
    for n in range(starts):
        for dc in (2, 4):
            house.post(source, f"file {n} of {dc}", media=house.world.media.document(5_000_000, dc_id=dc))
        house.post(source, f"text {n}")
        await house.start()
        await house.run()
        if n < starts - 1:
            await house.stop()
    originals, copies = house.messages(source), house.messages(target)
    assert [copy.text for copy in copies] == [original.text for original in originals]
    assert [shape(copy) for copy in copies] == [shape(original) for original in originals]


async def test_eight_file_connections_each_way_and_no_lost_login(tmp_path: Path) -> None:
    """A second session at the home centre's main address would end the login for good."""
    async with House(tmp_path) as house:
        house.options["stream"] = {"connections": 8}
        await mirrored(house)
        assert not any(key.refusal for key in house.tg.keys)
        assert [connection.media for connection in house.tg.connections].count(False) == 1
        # Nothing but parts goes over the others.
        assert set(house.tg.log.at_media) == {"upload.getFile", "upload.saveFilePart"}


async def test_the_configured_server_wins_over_a_string_session_at_every_start(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        elsewhere = StoredSession(None)
        elsewhere.set_dc(2, *await nowhere())
        elsewhere.auth_key = AuthKey(house.tg.authorise(house.me, 2).key)
        house.environ = {"TG_SESSION": to_string(elsewhere)}
        (house.folder / "session").unlink()
        await mirrored(house, starts=3)


@pytest.mark.parametrize("media", [True, False])
async def test_an_address_that_leads_nowhere_costs_nothing_but_time(tmp_path: Path, media: bool) -> None:
    async with House(tmp_path) as house:
        house.tg.told_first = [types.DcOption(dc, *await nowhere(), media_only=media) for dc in (2, 4)]
        await mirrored(house)
