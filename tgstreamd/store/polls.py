"""Which polls of the sources still take votes, as far as is known: their end may be told by no difference.

A row is there from the poll's entry until its end was seen. Plain functions, one transaction each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..domain.messages import Message
from .engine import Db
from .entry import revise

#: The newest ones that are asked about: one call.
WINDOW = 100


def open_polls(db: Db, mirror: int, chat: int) -> list[int]:
    """The newest polls of a source chat that took votes when they were last seen."""
    rows = db.execute(
        "SELECT source_id FROM poll WHERE mirror = ? AND chat = ? ORDER BY source_id DESC LIMIT ?",
        (mirror, chat, WINDOW),
    )
    return [row["source_id"] for row in rows]


def take_polls(
    db: Db, mirror: int, chat: int, asked: Collection[int], found: Sequence[Message], now: float
) -> None:
    """How these polls look now: one that has ended is an edit; one that is gone is not asked about again."""
    open_ = set()
    for message in found:
        if message.media is not None and message.media.kind == "poll" and not message.media.closed:
            open_.add(message.id)
        else:
            revise(db, mirror, message, now)
    db.executemany(
        "DELETE FROM poll WHERE mirror = ? AND chat = ? AND source_id = ?",
        [(mirror, chat, source_id) for source_id in asked if source_id not in open_],
    )
