"""What is pinned in the sources, as far as is known: what changes about it is a change of the copy.

Plain functions, called inside the transactions of other rooms.
"""

from __future__ import annotations

from collections.abc import Sequence

from .changes import note
from .engine import Db


def note_pin(db: Db, mirror: int, chat: int, source_id: int, *, pinned: bool, now: float) -> None:
    """The original was pinned or unpinned."""
    note(db, mirror, "pin", chat, source_id, b"1" if pinned else b"0", now)
    if pinned:
        db.execute("INSERT OR IGNORE INTO pinned VALUES (?,?,?)", (mirror, chat, source_id))
    else:
        db.execute(
            "DELETE FROM pinned WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, source_id)
        )


def take_pinned(db: Db, mirror: int, chat: int, pinned: Sequence[int], now: float) -> None:
    """All that is pinned in the source, oldest first: what is new among it, and what is no more."""
    rows = db.execute("SELECT source_id FROM pinned WHERE mirror = ? AND chat = ?", (mirror, chat))
    known = {row["source_id"] for row in rows}
    for source_id in [*(known - set(pinned)), *(one for one in pinned if one not in known)]:
        note_pin(db, mirror, chat, source_id, pinned=source_id in pinned, now=now)
