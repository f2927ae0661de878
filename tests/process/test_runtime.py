"""The daemon starts from the packages of `requirements.lock` alone: nothing of the tests' leaks into it.

`make test` builds that environment and names its interpreter in `TGSTREAMD_RUNTIME`.
"""

from __future__ import annotations

import os

import pytest

from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .program import Home, mirror
from .test_verbs import QUICK, settled


@pytest.mark.skipif("TGSTREAMD_RUNTIME" not in os.environ, reason="only `make test` builds the environment")
async def test_the_lock_file_is_enough(
    home: Home, tg: TelegramServer, me: Account, other: Account, source: Chat, target: Chat
) -> None:
    home.python = os.environ["TGSTREAMD_RUNTIME"]
    tg.world.chats.post(source, other, "hello")
    home.write(mirror(source.marked_id, target.marked_id), more=QUICK)
    home.log_in(me)
    async with home.daemon() as daemon:
        assert (await settled(home, lambda seen: seen["backlog"] == 0))["done"] == 1
    assert daemon.returncode == 0
    # A proxy needs a package of its own, which another library of the tests would bring along.
    home.write(mirror(source.marked_id, target.marked_id), telegram='proxy = "socks5://127.0.0.1:1"')
    result = await home.tgstreamd("check")
    assert "ModuleNotFoundError" not in result.err
    assert result.status == 1
