"""Measures how small a machine may be: the real daemon at rest, at work, and limited by a control group.

`python -m bench sizing` measures all of it; `python -m bench.sizing held` checks one claim: a file of 2 GB
within a quarter of one core and 200 MB. The peer is the full local Telegram, which compares every part.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.daemons import daemon, played, started
from bench.group import Group, Unavailable
from bench.machine import cpu_seconds
from tests.running import LocalTelegram, RunningDaemon, until

SIZE = 2_000_000_000
#: The required speed: 2 GB in about four minutes.
BRIEF = 8.5e6
#: Seconds measured at rest.
REST = 60.0
MESSAGES = 1000
#: Shares of a core and bytes of memory; the first is the claim.
HELD = ((0.25, 200_000_000), (0.10, 128_000_000))
#: Upload connections of an account without Premium.
UPLOADING = 4


async def at_rest(seconds: float = REST) -> dict[str, float]:
    """Measure one mirror with nothing to do."""
    async with played() as (_, peer), daemon(peer, interval=3.5, history="none") as running:
        began = time.perf_counter()
        await started(running)
        ready = time.perf_counter() - began
        start_cpu = cpu_seconds(running.pid)
        await asyncio.sleep(5)
        before, began = _ran(running.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        used = (_ran(running.pid) - before) / (time.perf_counter() - began)
        return {
            "ready_s": ready,
            "start_cpu_s": start_cpu,
            "rss_mb": running._number("status", "VmRSS") * 1024 / 1e6,
            "cpu_s_per_hour": used * 3600,
        }


def _ran(pid: int) -> float:
    """Return processor time to the nanosecond: a clock tick is too coarse at rest."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def messages(count: int = MESSAGES) -> dict[str, float]:
    """Measure a history of texts at full speed: processor, ledger and network bytes for each."""
    async with played() as (process, peer), daemon(peer, interval=0.01, history="all") as running:
        await started(running)
        await asyncio.sleep(2)
        cpu, wire, ledger = cpu_seconds(running.pid), on_wire(running.pid), _ledger(running)
        await process.control("texts", each=count)

        async def all_there() -> bool | None:
            return True if (await process.control("counts"))[0] >= count else None

        await until(all_there, within=300, every=0.1)
        await until(running.settled, within=60)
        sent, received = (now - then for now, then in zip(on_wire(running.pid), wire, strict=True))
        return {
            "messages": float(count),
            "cpu_s_per_1000": (cpu_seconds(running.pid) - cpu) * 1000 / count,
            "ledger_bytes_each": (_ledger(running) - ledger) / count,
            "sent_bytes_each": sent / count,
            "received_bytes_each": received / count,
            "peak_rss_mb": running.peak_memory() / 1e6,
        }


def _ledger(running: RunningDaemon) -> int:
    """Return the bytes in use in the ledger, without its write-ahead log, which is reused."""
    return (running.state / "ledger.db").stat().st_size


def on_wire(pid: int) -> tuple[int, int]:
    """Return the bytes that a process's open connections have sent and received; 0 if `ss` does not say."""
    try:
        said = subprocess.run(["ss", "-tinHOp"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    words = [word for line in said.splitlines() if f"pid={pid}," in line for word in line.split()]
    sent, received = (
        sum(int(word.partition(":")[2]) for word in words if word.startswith(f"{name}:"))
        for name in ("bytes_sent", "bytes_received")
    )
    return sent, received


async def held(cpu: float, memory: int, *, size: int = SIZE, speed: float = 0.0) -> dict[str, Any]:
    """Measure one file through a daemon in a control group; `speed`: bytes a second of the line."""
    options = ["--upload", f"{speed / UPLOADING:.0f}"] if speed else []
    with (
        tempfile.TemporaryDirectory(prefix="tgstreamd-bench-") as folder,
        Group("tgstreamd-bench", cpu=cpu, memory=memory) as group,
    ):
        async with LocalTelegram("big_file", *options, size=size, dc=4) as tg:
            running = RunningDaemon(Path(folder), tg, log={"level": "warning"})
            await running.prepare()
            began = time.perf_counter()
            await running.start(*group.wrapper)
            first: float | None = None

            async def all_there() -> float | None:
                nonlocal first
                counters = await tg.control("counters")
                if first is None and counters["bytes_sent"]:
                    first = time.perf_counter()
                return time.perf_counter() if await running.settled() else None

            try:
                ended = await until(all_there, within=3 * size / BRIEF, every=0.25)
                rss = running.peak_memory()
            finally:
                await running.stop()
            seen = await tg.scenario("look", chat=tg.found["target"])
            arrived = [(one["size"], one["content"]) for one in seen["messages"] if one["kind"] == "document"]
            # "generated 1": the server has compared every part with the source's generator.
            if arrived != [(size, "generated 1")]:
                raise RuntimeError(f"the target does not hold the file: {arrived}")
        counted = group.counted()
        assert first is not None
        return {
            "cores": cpu,
            "limit_mb": memory / 1e6,
            "megabytes": size / 1e6,
            "line_mb_per_s": speed / 1e6,
            "seconds": ended - first,
            "seconds_from_start": ended - began,
            "mb_per_s": size / 1e6 / (ended - first),
            "peak_rss_mb": rss / 1e6,
            "group": group.kind,
            "cpu_s": counted.cpu_seconds,
            "cpu_share": counted.cpu_seconds / (ended - began),
            "periods": counted.periods,
            "throttled_periods": counted.throttled_periods,
            "throttled_s": counted.throttled_seconds,
            "group_peak_mb": counted.peak_bytes / 1e6,
            "limit_hits": counted.limit_hits,
            "killed": counted.killed,
        }


def line(row: dict[str, Any]) -> str:
    slow = f", a line of {row['line_mb_per_s']:.1f} MB/s" if row["line_mb_per_s"] else ""
    back = f"{row['throttled_periods']} of {row['periods']} periods ({row['throttled_s']:.1f} s)"
    return (
        f"  {row['cores']:.2f} core, {row['limit_mb']:.0f} MB{slow}: {row['megabytes']:,.0f} MB in "
        f"{row['seconds']:.0f} s, {row['mb_per_s']:.1f} MB/s; {row['cpu_s']:.1f} s of processor "
        f"({row['cpu_share']:.1%}), held back in {back}; RSS {row['peak_rss_mb']:.0f} MB, group "
        f"{row['group_peak_mb']:.0f} MB, limit met {row['limit_hits']} times, killed {row['killed']}"
    )


async def suite(say: Callable[[str], None]) -> dict[str, Any]:
    """Return all figures of docs/sizing.md."""
    found: dict[str, Any] = {}
    for name, measure in (("rest", at_rest), ("work", messages)):
        found[name] = await measure()
        say("  " + ", ".join(f"{key} {value:,.2f}" for key, value in found[name].items()))
    rows: list[dict[str, Any]] = []
    try:
        for cpu, memory in HELD:
            rows.append(await held(cpu, memory))
            say(line(rows[-1]))
        rows.append(await held(*HELD[0], speed=BRIEF))
        say(line(rows[-1]))
    except Unavailable as error:
        say(f"  {error}")
    return {**found, "held": rows}


if __name__ == "__main__":
    import json
    import sys

    async def _main() -> None:
        match sys.argv[1:]:
            case ["held", *rest]:
                # Cores, MB of memory, MB of file, MB/s of the line.
                cpu, mb, size, speed = (
                    float(given) for given in [*rest, *("0.25", "200", "2000", "0")[len(rest) :]]
                )
                row = await held(cpu, int(mb * 1e6), size=int(size * 1e6), speed=speed * 1e6)
                print(line(row), json.dumps(row), sep="\n")
            case ["rest"]:
                print(json.dumps(await at_rest(), indent=1))
            case ["work"]:
                print(json.dumps(await messages(), indent=1))

    asyncio.run(_main())
