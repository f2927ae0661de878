"""One look at a process and its state directory from outside: what `Sample` wants to know of them."""

from __future__ import annotations

import os
from pathlib import Path


def outside(pid: int, state: Path) -> dict[str, int]:
    """Resident memory, descriptors, threads; the ledger's and its write-ahead log's bytes."""
    wal = state / "ledger.db-wal"
    told = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    return {
        "rss": int(told["VmRSS"].split()[0]) * 1024,
        "threads": int(told["Threads"]),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "ledger": (state / "ledger.db").stat().st_size,
        "wal": wal.stat().st_size if wal.exists() else 0,
    }
