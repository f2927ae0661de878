"""The stream benchmark: one file moved by every contender in turn, side by side in one run.

Starts the peer on one core and each contender on the other; tells MB/s, seconds of processor per GB and peak
memory, beside the floor and the peer's own share. MB and GB are powers of ten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from bench.machine import Process, told

PART = 512 * 1024


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
        """Let one contender move a file of so many MB; what it took."""
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
        if seen["parts"] != [wanted] or seen["wrong"]:
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
        }


async def track(peer: Process) -> Track:
    account = await peer.control("add_account", first_name="Bench", premium=True)
    return Track(peer, await peer.control("session", account=account, dc_id=2), account)


def line(row: dict[str, Any]) -> str:
    """One result, for the terminal."""
    return (
        f"{row['contender']:<16} {row['latency_ms']:3.0f} ms  {row['mb_per_s']:6.1f} MB/s  "
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
