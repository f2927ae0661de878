"""Benchmarks streams: one file moved by every contender in turn, side by side in one run.

Starts the peer on one core and each contender on the other; reports MB/s, processor seconds per GB and peak
memory, beside the lower bound and the peer's own share. MB and GB are powers of ten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from typing import Any

from bench.contenders import has_mtcute
from bench.machine import Process, told

PART = 512 * 1024
#: Contenders that may swap parts: reported, where others are refused for it.
MIXING = frozenset({"mtcute"})


class Track:
    """A peer with one file in it."""

    def __init__(self, peer: Process, login: dict[str, Any], account: int) -> None:
        self.peer = peer
        self._common = {"public_key": peer.ready["public_key"], "login": login, "account": account}
        self._account = account

    async def run(
        self, name: str, megabytes: int, *, latency: float = 0.0, download: float = 0.0, upload: float = 0.0,
        **options: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """Let one contender move a file of `megabytes` MB; return the cost."""
        control = self.peer.control
        document = await control("add_document", size=megabytes * 1_000_000, account=self._account)
        await control("network", latency=latency, download=download, upload=upload)
        await control("arrived")
        before = self.peer.cpu
        job = {**self._common, "document": document, **options}
        took = await told(0, *job.pop("module", ["-m", "bench.contenders"]), name, json.dumps(job))
        peer_cpu = self.peer.cpu - before
        seen = await control("arrived")
        wanted = -(-document["size"] // PART)
        if seen["parts"] != [wanted] or (seen["wrong"] and name not in MIXING):
            raise RuntimeError(f"{name} did not move the file: {seen}, {wanted} parts were wanted")
        gigabytes = document["size"] / 1e9
        return {
            "contender": name,
            "megabytes": megabytes,
            "latency_ms": latency * 1000,
            "mb_per_s": document["size"] / 1e6 / took["seconds"],
            "cpu_per_gb": took["cpu"] / gigabytes,
            "seconds": took["seconds"],
            "peak_rss_mb": took["peak_rss_mb"],
            "rss_before_mb": took["rss_before_mb"],
            "peer_cpu_per_gb": peer_cpu / gigabytes,
            "compared": seen["compared"],
            **({"wrong": seen["wrong"], "parts": wanted} if name in MIXING else {}),
            **({"shares": took["shares"]} if "shares" in took else {}),
        }


async def track(peer: Process) -> Track:
    account = await peer.control("add_account", first_name="Bench")
    return Track(peer, await peer.control("session", account=account, dc_id=2), account)


#: By latency in ms: contenders, and the MB that take each some seconds.
SIZES = {
    "sequential": {0: 150, 40: 50},
    "brief": {0: 200, 40: 80},
    "parallel": {0: 200, 40: 150},
    "telethon-files": {0: 100, 40: 50},
    "kurigram-files": {0: 150, 40: 80},
    "mtcute": {0: 150, 40: 150},
    "mtcute-ordered": {0: 100, 40: 50},
    "ours": {0: 800, 40: 500},
}
#: Parts in transfer needed at 40 ms and more; the daemon's default is 20.
DEEP = {"buffer_parts": 40, "parallel_uploads": 20}
CAP = 5_000_000


async def suite(say: Callable[[str], None]) -> dict[str, Any]:
    """Return all figures of the stream in results.json and RESULTS.md."""
    floors = [await told(0, "-m", "bench.floor", "800")]
    say(f"floor            {floors[0]['cpu_per_gb']:.2f} s/GB of processor (cryptg, hashlib)")
    async with Process(-1, "-m", "bench.peer") as peer:
        one = await track(peer)
        rows: list[dict[str, Any]] = []

        async def run(
            name: str, megabytes: int, label: str = "", times: int = 1, **options: Any
        ) -> dict[str, Any]:
            tries = [await one.run(name, megabytes, **options) for _ in range(times)]
            row = min(tries, key=lambda tried: float(tried["cpu_per_gb"]))
            row["mb_per_s"] = max(tried["mb_per_s"] for tried in tries)
            row["label"] = label or name
            say(line(row))
            return row

        for name, sizes in SIZES.items():
            if name.startswith("mtcute") and not has_mtcute():
                say(f"{name:<18} left out: needs node, and what `make third-client` brings")
                continue
            for latency, megabytes in sizes.items():
                # Repeated for the ratios, since the machine may do other work.
                times = 3 if name == "ours" else 2 if name in ("brief", "parallel") else 1
                rows.append(await run(name, megabytes, latency=latency / 1000, times=times))
        rows.append(await run("ours", 600, "ours, 40 parts", times=3, latency=0.04, **DEEP))
        floors.append(await told(0, "-m", "bench.floor", "800"))
        say("a cap of 5 MB/s on each connection, both ways, 80 ms, 4 connections a side:")
        capped = await run(
            "ours", 300, "ours, capped", latency=0.08, download=CAP, upload=CAP, connections=4, **DEEP
        )
        profile = (await one.run("ours", 500, profile=True))["shares"]
        say("where the time goes: " + ", ".join(f"{name} {share:.0%}" for name, share in profile.items()))
        say("memory, everything included:")
        memory = {
            "10 MB": await run("ours", 14, "ours, 14 MB"),
            "4 GB": await run("ours", 4000, "ours, 4 GB"),
            "slow upload": await run(
                "ours", 150, "ours, slow upload", download=25_000_000, upload=2_500_000, connections=4
            ),
        }
    floor = min(found["cpu_per_gb"] for found in floors)
    at = {(row["label"], row["latency_ms"]): row for row in rows}
    ours, deep = at["ours", 0], at["ours, 40 parts", 40]
    return {
        "cpu_over_floor": ours["cpu_per_gb"] / floor,
        "speedup_vs_brief_algorithm": ours["mb_per_s"] / at["brief", 0]["mb_per_s"],
        "speedup_vs_brief_algorithm_40ms": deep["mb_per_s"] / at["brief", 40]["mb_per_s"],
        "speedup_vs_brief_algorithm_40ms_default_depth": at["ours", 40]["mb_per_s"]
        / at["brief", 40]["mb_per_s"],
        "speedup_vs_parallel_senders": ours["mb_per_s"] / at["parallel", 0]["mb_per_s"],
        "speedup_vs_parallel_senders_40ms": deep["mb_per_s"] / at["parallel", 40]["mb_per_s"],
        "share_of_bandwidth_80ms": capped["mb_per_s"] * 1e6 / (4 * CAP),
        "peak_rss_mb": memory["4 GB"]["peak_rss_mb"],
        "peak_rss_mb_small_file": memory["10 MB"]["peak_rss_mb"],
        "peak_rss_mb_slow_upload": memory["slow upload"]["peak_rss_mb"],
        "floor_cpu_per_gb": floor,
        "floor": next(found for found in floors if found["cpu_per_gb"] == floor),
        "mb_per_s": ours["mb_per_s"],
        "mb_per_s_40ms": at["ours", 40]["mb_per_s"],
        "mb_per_s_40ms_deep": deep["mb_per_s"],
        "cpu_per_gb": ours["cpu_per_gb"],
        "peer_capacity_mb_per_s": 1000 / ours["peer_cpu_per_gb"],
        "profile": profile,
        "rows": rows,
        "capped": capped,
        "memory": memory,
    }


def line(row: dict[str, Any]) -> str:
    """Format one result for the terminal."""
    return (
        f"{row.get('label', row['contender']):<18} {row['latency_ms']:3.0f} ms  {row['mb_per_s']:6.1f} MB/s  "
        f"{row['cpu_per_gb']:5.2f} s/GB  {row['peak_rss_mb']:5.1f} MB  "
        f"(peer {row['peer_cpu_per_gb']:.2f} s/GB)"
    )


async def _quick(options: argparse.Namespace) -> None:
    floor = await told(0, "-m", "bench.floor", "500")
    print(f"floor {floor['cpu_per_gb']:.2f} s/GB", {k: round(v, 2) for k, v in floor.items()})
    async with Process(-1, "-m", "bench.peer") as peer:
        one = await track(peer)
        for name in options.contenders:
            for latency in options.latency:
                best: dict[str, Any] | None = None
                for _ in range(options.times):
                    row = await one.run(
                        name, options.megabytes, latency=latency / 1000, **json.loads(options.options)
                    )
                    if best is None or row["cpu_per_gb"] < best["cpu_per_gb"]:
                        best = row
                assert best is not None
                print(line(best), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.stream")
    parser.add_argument("contenders", nargs="*", default=["ours"])
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--latency", type=float, nargs="*", default=[0.0], help="milliseconds")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--options", default="{}", help="JSON for the contender")
    asyncio.run(_quick(parser.parse_args()))
