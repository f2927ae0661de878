"""The network is away for hours, comes and goes, or is slow: it comes back by itself and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import House


@pytest.mark.parametrize("hours", [1, 8, 200])
async def test_an_outage_of_hours(tmp_path: Path, hours: int) -> None:
    """Connections are refused; then everything that was said meanwhile arrives, in order and once."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        house.post(source, "before")
        await house.run()
        await house.tg.stop()
        for n in range(5):
            house.post(source, f"meanwhile {n}")
            house.clock.advance(hours * 720)
            await house.real_moment()
        if hours > 100:
            source.box_for(house.me.id).purge()
        await house.tg.start()
        house.post(source, "after")
        await house.run()
        assert house.texts(target) == ["before", *(f"meanwhile {n}" for n in range(5)), "after"]


async def test_a_line_that_comes_and_goes(tmp_path: Path) -> None:
    """Cut thirty times, in the middle of what it does."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        said = []
        for n in range(30):
            said.append(f"text {n}")
            media = house.world.media.document(size=600_000, dc_id=4) if n % 5 == 0 else None
            house.post(source, said[-1], media=media)
            house.tg.cut(house.me)
            await house.run(2)
        await house.run()
        assert house.texts(target) == said


@pytest.mark.parametrize("latency", [0.2, pytest.param(2.0, marks=pytest.mark.slow)])
async def test_a_slow_line(tmp_path: Path, latency: float) -> None:
    """Every answer comes late: no answer is taken for lost, and nothing is sent twice."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        house.tg.network.latency = latency
        house.post(source, "text")
        house.post(source, "file", media=house.world.media.document(size=600_000))
        await house.run(120)
        house.tg.network.latency = 0
        await house.run()
        assert house.texts(target) == ["text", "file"]
