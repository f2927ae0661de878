"""A small disk for the real program: a tmpfs in a mount namespace of its own, which ends with its holder.

Needs root (`CAN`). What lay in the directory lies on the disk. The daemon is started inside by `nsenter`; the
test reaches the same files through /proc.
Nothing is mounted where others see it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Self

#: Whether this process may mount in a namespace of its own.
CAN = os.geteuid() == 0


class SmallDisk:
    """`async with SmallDisk(path, "2m") as disk:`; `disk.seen` is `path` as this process reaches it."""

    def __init__(self, path: Path, size: str) -> None:
        self._path = path
        self._size = size

    async def __aenter__(self) -> Self:
        laid = {file.name: (file.read_bytes(), file.stat().st_mode) for file in self._path.iterdir()}
        self._holder = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
            f'mount -t tmpfs -o size={self._size} small "$1" && echo ready && exec cat',
            "sh",
            str(self._path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert await self._holder.stdout.readline() == b"ready\n", "no small disk could be mounted"
        self.seen = Path(f"/proc/{self._holder.pid}/root{self._path}")
        for name, (content, mode) in laid.items():
            (self.seen / name).write_bytes(content)
            (self.seen / name).chmod(mode)
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._holder.kill()
        await self._holder.wait()

    @property
    def inside(self) -> tuple[str, ...]:
        """A wrapper that runs a command where the disk is mounted, as its child."""
        enter = f'nsenter --target {self._holder.pid} --mount sh -c \'cd "$0" && exec "$@"\' "$PWD" "$@"'
        return ("sh", "-c", f"{enter}; exit $?", "sh")

    async def mount(self, path: Path, options: str) -> None:
        """Mount again with other options (`remount,ro`), or another small disk at `path`."""
        enter = ("nsenter", "--target", str(self._holder.pid), "--mount")
        done = await asyncio.create_subprocess_exec(
            *enter, "mount", "-t", "tmpfs", "-o", options, "small", str(path)
        )
        assert await done.wait() == 0

    async def remount(self, options: str) -> None:
        await self.mount(self._path, f"remount,{options}")

    def fill(self, leave: int = 0) -> None:
        """Let no more than `leave` bytes be free."""
        free = os.statvfs(self.seen)
        size = free.f_bavail * free.f_frsize - leave
        with contextlib.suppress(OSError), open(self.seen / "filler", "ab") as file:
            while size > 0:
                size -= file.write(bytes(min(size, 4096)))
                file.flush()

    def make_room(self) -> None:
        (self.seen / "filler").unlink(missing_ok=True)
