"""The local Telegram as a process of its own, driven through its control socket."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import telethon.errors
from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import StringSession
from telethon.tl import functions, types

from tests.fakes import HANG
from tests.telegram.control import ControlClient

ME = functions.users.GetUsersRequest([types.InputUserSelf()])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """What a started process says of itself, and the process under `process`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.telegram", "--control", "0", "--keys-file", str(tmp_path / "keys.json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    said = json.loads(await asyncio.wait_for(process.stdout.readline(), HANG))
    yield said | {"process": process}
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def test_a_process_is_seeded_troubled_watched_and_stopped(server: dict[str, Any]) -> None:
    rsa.add_key(server["public_key"], old=False)
    async with ControlClient(server["control"]) as control:
        number = await control("add_account", first_name="Alice", username="alice")
        login = await control("session", account="alice")
        client = TelegramClient(
            StringSession(login["telethon"]),
            1,
            "x",
            flood_sleep_threshold=0,
            request_retries=1,
            retry_delay=0.1,
        )
        await client.connect()
        assert (await client(ME))[0].id == number

        await control("fault", method="users.getUsers", action="flood", seconds=1000)
        with pytest.raises(telethon.errors.FloodWaitError):
            await client(ME)
        await control("clear_faults")
        client._flood_waited_requests.clear()
        assert await control("cut", account=number) == 1
        assert (await client(ME))[0].id == number
        await control("restart")
        assert (await client(ME))[0].id == number

        document = await control("add_document", size=4096, account="alice", seed=5)
        where = types.InputDocumentFileLocation(
            document["id"], document["access_hash"], bytes.fromhex(document["file_reference"]), ""
        )
        assert len((await client(functions.upload.GetFileRequest(where, 0, 4096))).bytes) == 4096
        assert await control("network", latency=0.01) == {"latency": 0.01, "upload": 0, "download": 0}

        counters = await control("counters")
        assert counters["methods"]["upload.getFile"] == 1
        assert counters["downloads"][str(document["id"])] == {"parts": 1, "distinct": 1, "bytes": 4096}
        assert counters["bugs"] == []
        with pytest.raises(RuntimeError, match="unknown command 'dance'"):
            await control("dance")
        with pytest.raises(RuntimeError, match="no account 'nobody'"):
            await control("session", account="nobody")
        await client.disconnect()
        await control("stop")
    process = server["process"]
    _, complaints = await asyncio.wait_for(process.communicate(), HANG)
    assert process.returncode == 0
    assert complaints == b""
