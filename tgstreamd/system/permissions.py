"""What the process does for its secrets before it touches any: no core dump, no file that others can read.

A file counts as exposed where any user of the machine gets to it: its own mode lets them, and so do all the
folders above it. Changes nothing on the disk; the error says the command that does.
"""

from __future__ import annotations

import resource
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from ..domain.errors import ConfigError


def no_core_dumps() -> None:
    """A crash must not write keys and texts to a disk (`man 5 core`)."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def refuse_exposed(files: Iterable[tuple[Path, str]]) -> None:
    """Raise ConfigError for the first of `files` that everyone can read or write; each says what it holds."""
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
    """What everyone may do with it; nothing where there is none, or we cannot look."""
    try:
        return path.stat().st_mode & stat.S_IRWXO
    except OSError:
        return 0
