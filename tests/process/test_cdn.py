"""A popular file through the real daemon: from the CDN, verified, in bounded memory.

Another process can only be watched: this test polls, by the clock of this machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import LocalTelegram, RunningDaemon, until

from .test_big_file import MEGABYTE, PART, copied

pytestmark = pytest.mark.thorough


def loaded(daemon: RunningDaemon) -> bool:
    """Whether the process has the library that only CDNs need."""
    return "/cryptography/" in Path(f"/proc/{daemon.pid}/maps").read_text()


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(20 * MEGABYTE, id="20MB"),
        pytest.param(300 * MEGABYTE, id="300MB", marks=pytest.mark.slow),
    ],
)
async def test_a_file_from_a_cdn_costs_hardly_more_memory(tmp_path: Path, size: int) -> None:
    """Idle, the daemon has nothing of it loaded; one piece is a lie, and comes from the file's centre."""
    lie = size // 2 // PART * PART
    async with LocalTelegram("big_file", size=1000) as tg:
        daemon = RunningDaemon(tmp_path, tg)
        await daemon.prepare()
        await daemon.start()
        try:
            await until(daemon.settled, within=60)
            before = daemon.peak_memory()
            assert not loaded(daemon)
            await tg.scenario("send_file", chat=tg.found["source"], size=size, dc=4, cdn=True, lie=lie)

            async def done() -> bool | None:
                return await daemon.settled() == 4 or None

            await until(done, within=240)
            assert loaded(daemon)
            peak = daemon.peak_memory()
            counters = await tg.control("counters")
        finally:
            await daemon.stop()
        assert (await copied(tg))[-1] == ("", "document", size, f"generated {size + 1}")
    print(f"peak memory {before / MEGABYTE:.0f} MB before, {peak / MEGABYTE:.0f} MB with the CDN")
    assert counters["methods"]["upload.getCdnFile"] >= -(-size // PART)
    assert 0 < peak < 100 * MEGABYTE
