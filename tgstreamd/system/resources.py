"""Measures free disk space and the process's memory.

Only measures; callers decide how much is too little or too much.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path


def free(directory: Path) -> int | None:
    """Return the bytes free for us in the file system of `directory`; None where that is not known."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def resident() -> int:
    """Return the resident memory of this process in bytes; 0 where that is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()
