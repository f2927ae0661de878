"""The frame of these tests: what it promises to those who use it."""

from __future__ import annotations

from pathlib import Path

import structlog

from tests.harness import House
from tests.logged import Logs, listening
from tgstreamd.system import log_setup as program


async def test_a_push_is_heard_however_long_it_was_on_its_way(tmp_path: Path) -> None:
    """And however slow the machine is: nothing that Telegram has said until now is missed."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        house.mirror(source, house.own_supergroup("Target"))
        await house.start()
        await house.run()
        house.tg.network.latency = 0.2
        house.post(source, "late")
        [push] = await house.hear()
        assert push.message is not None
        assert push.message.text == "late"


async def test_a_push_is_heard_over_a_line_that_was_cut(tmp_path: Path) -> None:
    """What was pushed into the cut is asked for."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source")
        house.mirror(source, house.own_supergroup("Target"))
        await house.start()
        await house.run()
        house.tg.cut(house.me)
        house.post(source, "lost")
        assert any(push.chat == 0 for push in await house.hear())


def test_a_log_is_whole_and_leaves_nothing_behind(logs: Logs) -> None:
    with listening() as heard:
        structlog.get_logger().error("heard", why="it was said")
        program.configure("error", "console")
        structlog.get_logger().info("not said at all")
    structlog.get_logger().info("said afterwards")
    assert heard == [{"event": "heard", "why": "it was said", "log_level": "error"}]
    assert [entry["event"] for entry in logs] == ["said afterwards"]
