"""Limits a process by a control group to a share of a core and an amount of memory, and reads its counters.

Works with cgroup 2 and with the older controllers, whichever is writable (root). Creates one group below the
root group, and removes it; touches no other.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Self

import msgspec

MOUNT = Path("/sys/fs/cgroup")
#: Period in microseconds over which a share of a core is granted; systemd's default too.
PERIOD = 100_000


class Unavailable(Exception):
    """No group can be created here."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel's counters of a group."""

    cpu_seconds: float
    #: Periods in which it ran, in how many of them it was throttled, and for how long in total.
    periods: int
    throttled_periods: int
    throttled_seconds: float
    #: Peak memory charged to it, page cache included, and how often it reached its limit.
    peak_bytes: int
    limit_hits: int
    killed: int


class Group:
    """A control group: `with Group("name", cpu=0.25, memory=200_000_000) as group`, then start a process by
    its `wrapper`."""

    def __init__(self, name: str, *, cpu: float, memory: int) -> None:
        self._name = f"{name}-{os.getpid()}"
        self._cpu = cpu
        self._memory = memory
        self._folders: list[Path] = []
        self.kind = ""

    def __enter__(self) -> Self:
        try:
            if (MOUNT / "cgroup.controllers").exists():
                self._unified()
            else:
                self._older()
        except OSError as error:
            self.__exit__()
            raise Unavailable(f"no control group can be made here: {error}") from error
        return self

    def _unified(self) -> None:
        self.kind = "cgroup 2"
        (MOUNT / "cgroup.subtree_control").write_text("+cpu +memory")
        folder = self._made(MOUNT / self._name)
        (folder / "cpu.max").write_text(f"{int(self._cpu * PERIOD)} {PERIOD}")
        (folder / "memory.max").write_text(str(self._memory))
        if (folder / "memory.swap.max").exists():
            (folder / "memory.swap.max").write_text("0")

    def _older(self) -> None:
        self.kind = "cgroup 1"
        folder = self._made(MOUNT / "cpu" / self._name)
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD))
        (folder / "cpu.cfs_quota_us").write_text(str(int(self._cpu * PERIOD)))
        folder = self._made(MOUNT / "cpuacct" / self._name)
        folder = self._made(MOUNT / "memory" / self._name)
        (folder / "memory.limit_in_bytes").write_text(str(self._memory))
        if (folder / "memory.memsw.limit_in_bytes").exists():
            (folder / "memory.memsw.limit_in_bytes").write_text(str(self._memory))

    def _made(self, folder: Path) -> Path:
        if folder not in self._folders:
            folder.mkdir(exist_ok=folder.resolve() in {known.resolve() for known in self._folders})
            self._folders.append(folder)
        return folder

    @property
    def wrapper(self) -> list[str]:
        """Return a command that enters the group, and then runs what follows as its child."""
        enter = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in self._folders)
        return ["sh", "-c", f'{enter}; "$@"; exit $?', "sh"]

    def counted(self) -> Counted:
        if self.kind == "cgroup 2":
            return self._counted_unified()
        stat = _table(self._folder("cpu") / "cpu.stat")
        memory = self._folder("memory")
        oom = _table(memory / "memory.oom_control")
        return Counted(
            cpu_seconds=int((self._folder("cpuacct") / "cpuacct.usage").read_text()) / 1e9,
            periods=stat["nr_periods"],
            throttled_periods=stat["nr_throttled"],
            throttled_seconds=stat["throttled_time"] / 1e9,
            peak_bytes=int((memory / "memory.max_usage_in_bytes").read_text()),
            limit_hits=int((memory / "memory.failcnt").read_text()),
            killed=oom.get("oom_kill", 0),
        )

    def _counted_unified(self) -> Counted:
        folder = self._folders[0]
        stat, events = _table(folder / "cpu.stat"), _table(folder / "memory.events")
        return Counted(
            cpu_seconds=stat["usage_usec"] / 1e6,
            periods=stat["nr_periods"],
            throttled_periods=stat["nr_throttled"],
            throttled_seconds=stat["throttled_usec"] / 1e6,
            peak_bytes=int((folder / "memory.peak").read_text()),
            limit_hits=events["max"],
            killed=events["oom_kill"],
        )

    def _folder(self, controller: str) -> Path:
        return MOUNT / controller / self._name

    def __exit__(self, *_: object) -> None:
        for folder in reversed(self._folders):
            for _try in range(50):  # the kernel needs a moment after the last process has ended
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    pass
                except OSError:
                    time.sleep(0.02)
                    continue
                break


def _table(file: Path) -> dict[str, int]:
    rows = (line.split() for line in file.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}
