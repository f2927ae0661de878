"""How much room is left on the disk. Only looks; whoever warns of too little decides how little that is."""

from __future__ import annotations

import os
from pathlib import Path


def free(directory: Path) -> int | None:
    """Bytes free for us in the file system of `directory`; None where it does not say."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found.f_blocks else None
