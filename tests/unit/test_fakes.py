"""The clock of the tests keeps the promises of `clock.Clock`."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes import CountingIds, FakeClock
from tgstreamd.domain.clock import Clock, SystemClock
from tgstreamd.domain.ports import Ids


async def test_sleepers_wake_when_time_reaches_them() -> None:
    clock = FakeClock(monotonic=100.0)
    woken: list[str] = []
    first = asyncio.Event()

    async def sleeper(name: str, when: float) -> None:
        await clock.sleep_until(when)
        woken.append(name)
        first.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 110.0))
        group.create_task(sleeper("early", 105.0))
        await clock.parked(2)
        assert clock.next_wake == 105.0
        assert await clock.tick(2) == 5.0
        await first.wait()
        assert woken == ["early"]
        assert clock.sleeping == 1
        clock.advance_to(110.0)
    assert woken == ["early", "late"]


async def test_parked_counts_only_who_sleeps_now() -> None:
    clock = FakeClock()
    rounds = 0

    async def loop() -> None:
        nonlocal rounds
        while rounds < 3:
            await clock.sleep_until(clock.monotonic() + 3.5)
            rounds += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(loop())
        for _ in range(3):
            await clock.tick()
    assert rounds == 3
    assert clock.monotonic() == pytest.approx(1_010.5)
    assert clock.now() == pytest.approx(1_700_000_010.5)


@pytest.mark.parametrize("make", [FakeClock, SystemClock])
async def test_wait_ends_with_the_event(make: type[FakeClock | SystemClock]) -> None:
    clock: Clock = make()
    event = asyncio.Event()
    assert not await clock.wait(event, clock.monotonic() - 1)
    asyncio.get_running_loop().call_soon(event.set)
    assert await clock.wait(event, clock.monotonic() + 60)
    assert await clock.wait(event, clock.monotonic() - 1)


async def test_wait_ends_with_time() -> None:
    clock = FakeClock()
    event = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(clock.wait(event, clock.monotonic() + 60))
        await clock.tick()
    assert waiting.result() is False
    assert clock.sleeping == 0


async def test_a_cancelled_sleeper_leaves_nothing_behind() -> None:
    clock = FakeClock()
    sleeping = asyncio.create_task(clock.sleep_until(clock.monotonic() + 1))
    await clock.parked()
    sleeping.cancel()
    await asyncio.wait({sleeping})
    assert clock.sleeping == 0


async def test_only_wall_time_steps() -> None:
    clock = FakeClock(now=1000.0, monotonic=50.0)
    clock.step(-400)
    assert (clock.now(), clock.monotonic()) == (600.0, 50.0)


def test_ids_count() -> None:
    ids: Ids = CountingIds(7)
    assert [ids.random_id(), ids.random_id()] == [7, 8]
