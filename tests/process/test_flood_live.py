"""A flood wait of five seconds on the running program, by real time: obeyed to the second, said, and over."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from tests.compare import Reader, compare
from tests.running import LocalTelegram, RunningDaemon, until

pytestmark = pytest.mark.thorough

METHOD = "messages.sendMessage"


async def test_a_flood_of_five_seconds_in_the_middle_of_a_backlog(tmp_path: Path) -> None:
    """No message lost, none early, other methods go on, `status` and the log say until when."""
    async with LocalTelegram("backlog", count=40) as tg:
        daemon = RunningDaemon(tmp_path, tg, pace={"interval": 0.1})
        await daemon.prepare()
        # The tenth text is refused, and so is everything of that kind for five seconds.
        await tg.control("fault", method=METHOD, action="flood", seconds=5.0, skip=9)
        await daemon.start()

        async def held() -> tuple[int, str] | None:
            seen = await daemon.status()
            if not seen or not seen["mirrors"] or not seen["mirrors"][0]["hold_until"]:
                return None
            return seen["mirrors"][0]["hold_until"], seen["mirrors"][0]["hold_reason"]

        async def backlog() -> int:
            seen = await daemon.status()
            assert seen is not None
            return int(seen["mirrors"][0]["backlog"])

        async def over() -> bool | None:
            return await held() is None or None

        async def longer_or_over(than: int) -> bool | None:
            return await backlog() > than or await over()

        try:
            until_when, reason = await until(held, every=0.05)
            left = until_when - time.time()
            waiting = await backlog()
            await tg.scenario("say", text="said during the flood")
            # It is captured while nothing may be sent, unless this machine is so slow that the wait is over.
            await until(partial(longer_or_over, waiting), every=0.05)
            await until(over)
            done = await until(daemon.settled)
        finally:
            await daemon.stop()
        # No longer than it was told; that it was no shorter, the server has seen.
        assert left < 6
        assert "FLOOD_WAIT" in reason
        assert done == 41
        counters = await tg.control("counters")
        assert counters["errors"] == {"FLOOD_WAIT_5": 1}
        assert counters["violations"] == []
        assert any("FLOOD_WAIT" in line for line in daemon.log)
        login = await tg.session(tg.found["reader"])
        lines: list[str] = []
        async with Reader(login["telethon"], tg.public_key) as reader:
            equal = await compare(reader, tg.found["source"], tg.found["target"], say=lines.append)
        assert equal, "\n".join(lines)
