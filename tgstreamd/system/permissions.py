"""Protects secrets before the process reads any: no core dump, no file that others can read.

A file is exposed if any user of the machine can reach it: its own mode and those of all its directories allow
it. Changes nothing on the disk; the error names the command that does.
"""

from __future__ import annotations

import resource
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from ..domain.errors import ConfigError


def no_core_dumps() -> None:
    """Disable core dumps: a crash must not write keys and texts to a disk (`man 5 core`)."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def refuse_exposed(files: Iterable[tuple[Path, str]]) -> None:
    """Raise ConfigError for the first of `files` that everyone can read or write; each names its content."""
    for path, holds in files:
        mode = _open_to_all(path)
        if mode & stat.S_IROTH:
            what = "read"
        elif mode & stat.S_IWOTH:
            what = "write"
        else:
            continue
        if any(not _open_to_all(folder) & stat.S_IXOTH for folder in path.absolute().parents):
            continue
        raise ConfigError(
            f"{path}: every user of this machine can {what} it, and it holds {holds}",
            hint=f"`chmod o= {shlex.quote(str(path))}`",
        )


def _open_to_all(path: Path) -> int:
    """Return everyone's permission bits; 0 where the file does not exist or cannot be examined."""
    try:
        return path.stat().st_mode & stat.S_IRWXO
    except OSError:
        return 0
