"""Texts travel the whole way: history, then live posts, in order, once."""

from __future__ import annotations

from pathlib import Path

from tests.harness import House


async def test_history_then_live_posts_arrive_in_order(tmp_path: Path) -> None:
    """What stood there before the first start, and what comes after it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(5):
            house.post(source, f"old {n}")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.post(source, "new")
        await house.run()
        assert house.texts(target) == [*(f"old {n}" for n in range(5)), "new"]


async def test_a_restart_sends_nothing_twice(tmp_path: Path) -> None:
    """Posts made while it was stopped arrive; those it had copied do not come again."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "one")
        house.mirror(source, target)
        await house.start()
        await house.run()
        await house.stop()
        house.post(source, "two")
        await house.start()
        await house.run()
        assert house.texts(target) == ["one", "two"]


async def test_the_pace_is_kept(tmp_path: Path) -> None:
    """At least 3.5 s lie between two messages of one target, by the server's own dates."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        for n in range(10):
            house.post(source, str(n))
        house.mirror(source, target)
        await house.start()
        begun = house.clock.now()
        await house.run()
        assert len(house.texts(target)) == 10
        assert house.clock.now() - begun >= 9 * 3.5
