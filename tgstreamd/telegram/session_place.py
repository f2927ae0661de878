"""Checks that a session can be saved at its path, with a trial file, before a login code is used.

Leaves nothing behind and touches no existing session.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..domain.errors import StoreError
from .session import write_file

#: Bytes of the trial file: more than a new session has.
SIZE: Final = 64 * 1024
_FULL: Final = "make room there, and log in again"
_ELSEWHERE: Final = "let telegram.session name a file on another file system"
_HINTS: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: "mount it for writing (`findmnt -T` and dmesg say more)",
    errno.EACCES: "run it with sudo, or let telegram.session name a file elsewhere",
    errno.EPERM: "run it with sudo, or let telegram.session name a file elsewhere",
}


def try_place(path: Path, write: Callable[[Path, bytes], None] = write_file) -> None:
    """Write, sync, rename and read back a file beside `path`. Raises StoreError with what to do."""
    _refuse_occupied(path)
    trial = path.with_name(f".{path.name}.trial")
    content = os.urandom(SIZE)
    try:
        write(trial, content)
        with open(trial, "rb") as file:
            there, mode = file.read(), os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise StoreError(
            f"{path}: a login cannot be kept there: {error.strerror}", hint=_hint(path, error)
        ) from None
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()
    if there != content:
        raise StoreError(
            f"{path}: a login cannot be kept there: what is written is not read back", hint=_ELSEWHERE
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreError(f"{path}: a login cannot be kept there: others could read it", hint=_ELSEWHERE)


def _refuse_occupied(path: Path) -> None:
    """Check that an existing file at `path` may be replaced."""
    try:
        there, folder = path.lstat(), path.parent.stat()
    except OSError:
        return  # nothing, or the trial says why not
    if stat.S_ISDIR(there.st_mode):
        raise StoreError(f"{path}: a login cannot be kept there: it is a directory", hint="move it away")
    me = os.geteuid()
    if folder.st_mode & stat.S_ISVTX and me not in (0, folder.st_uid, there.st_uid):
        hint = "log in as its owner, or let telegram.session name a file elsewhere"
        raise StoreError(f"{path}: a login cannot be kept there: the file is somebody else's", hint=hint)


def _hint(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"make the folder: `install -d -m 700 {shlex.quote(str(path.parent))}`"
    return _HINTS.get(error.errno or 0, _ELSEWHERE)
