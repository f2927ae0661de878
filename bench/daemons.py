"""Measures the whole daemon from outside: a backlog against the pace, live latency, a hundred idle mirrors.

Each measurement starts a local Telegram on one core and the real daemon on the other, with a ledger of its
own. The pace is faster than the real 3.5 s, so that a benchmark ends; it is in the results.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import tomli_w

from bench.machine import CORES, Process, cpu_seconds
from tests.running import API, RunningDaemon, until

#: Seconds between messages in the backlog's measurement.
BACKLOG_INTERVAL = 1.0
BACKLOG = 200
LIVE_INTERVAL = 0.1
LIVE_EVERY = 0.4


class _Peer:
    """Presents a peer process as the Telegram that `RunningDaemon` expects."""

    def __init__(self, process: Process, stage: dict[str, Any]) -> None:
        self._control = process.control
        source, target = stage["pairs"][0]
        self.found = {"source": source, "target": target, "account": stage["account"]}
        self.pairs: list[tuple[int, int]] = stage["pairs"]
        self.public_key = str(process.ready["public_key"])
        self.address = tuple(process.ready["dcs"]["2"])

    async def session(self, account: int) -> dict[str, Any]:
        return dict(await self._control("session", account=account))


@asynccontextmanager
async def played(mirrors: int = 1) -> AsyncIterator[tuple[Process, _Peer]]:
    """Start a local Telegram with chats for benchmarks."""
    async with Process(-1, "-m", "bench.peer", "--plain") as process:
        yield process, _Peer(process, await process.control("stage", mirrors=mirrors))


@asynccontextmanager
async def daemon(peer: _Peer, *, interval: float, **mirror: Any) -> AsyncIterator[RunningDaemon]:
    """Prepare a daemon, not started, over every pair of chats."""
    with tempfile.TemporaryDirectory(prefix="tgstreamd-bench-") as folder:
        running = RunningDaemon(Path(folder), peer)  # type: ignore[arg-type]  # has what is used of one
        await running.prepare()
        host, port = peer.address
        server = {"dc_id": 2, "address": host, "port": port, "public_key": "server.pem"}
        tree = {
            "telegram": {**API, "server": server},
            "mirror": [
                {"name": f"mirror-{n}", "source": source, "target": target, **mirror}
                for n, (source, target) in enumerate(peer.pairs)
            ],
            "pace": {"interval": interval, "account_interval": 0.0},
            "state": {"directory": str(running.state)},
            "log": {"format": "console", "level": "warning"},
        }
        (running.folder / "config.toml").write_text(tomli_w.dumps(tree))
        try:
            yield running
        finally:
            if running.running:
                await running.stop()


async def started(running: RunningDaemon) -> None:
    """Start it and wait until all its mirrors run."""
    await running.start()
    if len(CORES) > 1:
        os.sched_setaffinity(running.pid, {CORES[0]})

    async def ready() -> bool | None:
        if not running.running:
            raise RuntimeError("the daemon ended by itself:\n" + "\n".join(list(running.log)[-25:]))
        seen = await running.status()
        return True if seen and seen["state"] == "running" else None

    await until(ready, within=120)


async def backlog() -> dict[str, float]:
    """Measure 200 messages with media at a pace, 40 ms away and 5 MB/s a connection: the delay behind the
    pace."""
    async with played() as (process, peer), daemon(peer, interval=BACKLOG_INTERVAL, history="all") as running:
        mixed = await process.control("mixed", count=BACKLOG)
        await process.control("network", latency=0.04, download=5e6, upload=5e6)
        began = time.perf_counter()
        await started(running)
        ready = time.perf_counter() - began

        async def first() -> float | None:
            return time.perf_counter() if (await process.control("counts"))[0] else None

        async def all_there() -> float | None:
            return time.perf_counter() if (await process.control("counts"))[0] >= BACKLOG else None

        sent_first = await until(first, within=60, every=0.02)
        ended = await until(all_there, within=BACKLOG * BACKLOG_INTERVAL * 3 + 60, every=0.05)
        return {
            "messages": float(BACKLOG),
            "megabytes": mixed["bytes"] / 1e6,
            "interval_s": BACKLOG_INTERVAL,
            "ready_s": ready,
            "wall_s": ended - began,
            "time_over_pace": (ended - began) / (BACKLOG * BACKLOG_INTERVAL),
            "from_first_over_pace": (ended - sent_first) / ((BACKLOG - 1) * BACKLOG_INTERVAL),
            "cpu_s": cpu_seconds(running.pid),
            "peak_rss_mb": running.peak_memory() / 1e6,
        }


async def live(times: int = 50) -> dict[str, float]:
    """Measure milliseconds from a post in the source to its copy in the target, without waiting for the
    pace."""
    found: dict[str, float] = {"samples": float(times)}
    async with played() as (process, peer), daemon(peer, interval=LIVE_INTERVAL, history="none") as running:
        await started(running)
        await process.control("live", kind="photo", times=3, every=LIVE_EVERY)
        for latency in (0, 50):
            await process.control("network", latency=latency / 1000)
            for kind in ("text", "photo"):
                taken = sorted(await process.control("live", kind=kind, times=times, every=LIVE_EVERY))
                name = f"{kind}_{{}}_ms" if latency == 0 else f"{kind}_{{}}_ms_at_{latency}ms"
                found[name.format("p50")] = taken[len(taken) // 2] * 1000
                found[name.format("p99")] = taken[min(len(taken) - 1, int(len(taken) * 0.99))] * 1000
    return found


async def idle(mirrors: int = 100, seconds: float = 60.0, each: int = 5) -> dict[str, float]:
    """Measure a hundred mirrors: their cost while nothing happens, and whether each gets its turn."""
    async with played(mirrors) as (process, peer):
        await process.control("texts", each=each)
        async with daemon(peer, interval=0.05, history="none") as running:
            began = time.perf_counter()
            await started(running)
            ready = time.perf_counter() - began
            at_start = running.peak_memory() / 1e6
            await asyncio.sleep(5)
            before, began = cpu_seconds(running.pid), time.perf_counter()
            await asyncio.sleep(seconds)
            used = (cpu_seconds(running.pid) - before) / (time.perf_counter() - began)
            now = running._number("status", "VmRSS") * 1024 / 1e6
            # All post at once: measures the order of service.
            before, began = cpu_seconds(running.pid), time.perf_counter()
            await process.control("texts", each=each)
            spread = 0

            async def all_there() -> bool | None:
                nonlocal spread
                counts = await process.control("counts")
                spread = max(spread, max(counts) - min(counts))
                return True if min(counts) >= each else None

            await until(all_there, within=240, every=0.1)
            took = time.perf_counter() - began
            return {
                "mirrors": float(mirrors),
                "ready_s": ready,
                "rss_mb_at_start": at_start,
                "rss_mb_idle": now,
                "cpu_s_per_hour": used * 3600,
                "burst_messages": float(mirrors * each),
                "burst_s": took,
                "burst_cpu_ms_per_message": (cpu_seconds(running.pid) - before) / (mirrors * each) * 1000,
                "most_ahead_of_another_mirror": float(spread),
                "peak_rss_mb": running.peak_memory() / 1e6,
            }


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(asyncio.run({"backlog": backlog, "live": live, "idle": idle}[sys.argv[1]]()), indent=1))
