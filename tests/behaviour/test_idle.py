"""Whatever cannot be read, the daemon waits for it: it never turns round and round."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat


def failing(house: House, source: Chat) -> None:
    """Telegram has trouble of its own, again and again."""
    house.tg.faults.add(Fault("updates.getChannelDifference", code=500, message="RPC_CALL_FAIL", times=None))


def frozen(house: House, source: Chat) -> None:
    house.me.frozen = True


def thrown_out(house: House, source: Chat) -> None:
    house.world.chats.kick(source, house.me)


def flooded(house: House, source: Chat) -> None:
    house.tg.faults.add(Fault("updates.getChannelDifference", "flood", seconds=900, times=None))


@pytest.mark.parametrize("trouble", [failing, frozen, thrown_out, flooded], ids=lambda one: one.__name__)
async def test_reading_waits_for_what_cannot_be_read(tmp_path: Path, trouble: object) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        house.post(source, "before")
        await house.start()
        await house.run()
        assert callable(trouble)
        trouble(house, source)
        house.post(source, "in trouble")
        await house.run(700)
        # The next poll of the source is overdue by now, and it cannot be read.
        house.clock.advance(120)
        follow = asyncio.ensure_future(house.daemon.capture.follow(lambda seconds: None))
        try:
            await house.clock.parked(1)
        finally:
            follow.cancel()
            await asyncio.wait([follow])
