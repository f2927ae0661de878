"""Runs the processes of a benchmark: pins them, measures their use, and describes this machine.

A client is pinned to the first core and its peer to the last, so that neither takes from the other. Starts
and ends only processes of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any, Self

from tests.telegram.control import ControlClient

ROOT = Path(__file__).resolve().parent.parent
CORES = sorted(os.sched_getaffinity(0))
TICKS = os.sysconf("SC_CLK_TCK")


def pinned(core: int, *command: str) -> list[str]:
    """Return the command pinned to one core, if that is possible."""
    if len(CORES) < 2 or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(CORES[core]), *command]


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_rss_mb(pid: int | str = "self") -> float:
    """Return the peak memory of a process, in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def described() -> dict[str, Any]:
    """Return a description of this machine."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "cores": len(CORES),
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "pinned": len(CORES) > 1 and shutil.which("taskset") is not None,
    }


class Process:
    """A Python program that reports when it is ready: `async with Process(core, "-m", "bench.peer") as
    peer`."""

    def __init__(self, core: int, *arguments: str) -> None:
        self._command = pinned(core, sys.executable, *arguments)

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, limit=1 << 24, start_new_session=True
        )
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._command} did not start: exit {await self._process.wait()}")
        self.ready: dict[str, Any] = json.loads(line)
        self.control = await ControlClient(self.ready["control"]).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.control.__aexit__()
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def cpu(self) -> float:
        return cpu_seconds(self._process.pid)


async def told(core: int, *arguments: str, timeout: float = 600.0) -> dict[str, Any]:
    """Run a Python program to its end; return the JSON object of its last line."""
    process = await asyncio.create_subprocess_exec(
        *pinned(core, sys.executable, *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments[:3])} failed: exit {process.returncode}")
    return dict(json.loads(out.splitlines()[-1]))
