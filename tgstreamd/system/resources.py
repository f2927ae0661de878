"""How much room there is on the disk, and how much of the memory is ours.

Only looks; whoever warns of too little, or too much, decides what that is.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path


def free(directory: Path) -> int | None:
    """Bytes free for us in the file system of `directory`; None where it does not say."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def resident() -> int:
    """Bytes of resident memory of this process now; 0 where nobody says."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()
