"""Readings made by hand: what a meter would have seen."""

from __future__ import annotations

from typing import Any

from tgstreamd.web.reading import Process, Reading

PROCESS = Process(cpu_seconds=12.5, memory_rss=70_000_000, open_fds=20, max_fds=1024)


def mirror(name: str = "main", **values: Any) -> dict[str, Any]:
    """One of the status' mirrors."""
    counts = (
        "done", "skipped", "parked", "rescued", "backlog", "waiting_live", "waiting_history", "lag_seconds",
        "streamed", "streamed_bytes", "by_reference", "by_reference_bytes", "changes",
    )  # fmt: skip
    return {
        "name": name, **dict.fromkeys(counts, 0), "skipped_by": {}, "paused": "", "note": "",
        "eta_seconds": 0, "last_sent_at": None, **values,
    }  # fmt: skip


def reading(*mirrors: dict[str, Any], status: dict[str, Any] | None = None, **values: Any) -> Reading:
    """A healthy daemon's, but for what is given."""
    shown = {
        "version": "1.2.3", "state": "running", "note": "", "account": None, "mirrors": list(mirrors),
        "transfers": [], "holds": [], "window": 20, "buffer_parts": 20, "interval": 3.5,
        "backlog_interval": 3.5, **(status or {}),
    }  # fmt: skip
    given: dict[str, Any] = {
        "at": 1000.0,
        "started_at": 900.0,
        "status": shown,
        "process": PROCESS,
        "connected": True,
    }
    return Reading(**(given | values))
