"""Locks the state directory to one process: the daemon while it runs, or a verb while it works.

The kernel releases the lock whenever the holder dies; the file itself stays and means nothing. Its text is
the holder's pid and purpose, for the message that others see.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from ..domain.clock import Clock
from ..domain.errors import StoreError, TgstreamdError

#: Seconds between two tries.
RETRY = 0.2
_HINTS = {
    errno.EACCES: "sudo, or another state.directory",
    errno.EPERM: "sudo, or another state.directory",
    errno.EROFS: "mount it for writing (`findmnt -T` and dmesg say more), or another state.directory",
    errno.ENOSPC: "the disk is full: make room and start again",
    errno.EDQUOT: "the quota is used up: make room and start again",
}


class Locked(TgstreamdError):
    """Another process has locked the state directory."""


class Lock:
    """A lock that was taken; `release()` or the end of the process releases it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def release(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def try_take(path: Path, purpose: str) -> Lock:
    """Take the lock at once. Raises Locked, or StoreError where the directory cannot be used."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        raise StoreError(f"{path.parent}: cannot be used: {error.strerror}", hint=hint) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 200).decode(errors="replace").strip()
        os.close(handle)
        what = f"another tgstreamd uses {path.parent}: {holder or 'one that just started'}"
        raise Locked(what, hint="one daemon per state directory; `tgstreamd status` asks it") from None
    with contextlib.suppress(OSError):  # on a full disk it is locked all the same, without a name
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{purpose} (pid {os.getpid()})\n".encode(), 0)
    return Lock(handle)


async def take(path: Path, purpose: str, clock: Clock, *, patience: float = 30.0) -> Lock:
    """Take the lock, waiting up to `patience` seconds for a verb that works. Raises Locked, StoreError."""
    until = clock.monotonic() + patience
    while True:
        try:
            return try_take(path, purpose)
        except Locked:
            if clock.monotonic() >= until:
                raise
        await clock.sleep_until(min(until, clock.monotonic() + RETRY))
