"""Keeps the pending checks: deletions and pins that may have been missed, and open polls.

A difference that was too long reports neither. A pending check is a row, inserted in the transaction that
gave the events up, so that a crash cannot lose it. Plain functions, one transaction each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from ..domain.messages import Message, Value
from .changes import take_pinned
from .engine import Db
from .enqueue import revise
from .intake import Deletes, take_deleted

#: Number of a mirror's newest messages that are checked: ten calls.
WINDOW = 1000


class PendingCheck(Value, frozen=True, kw_only=True):
    """A source chat of a mirror in which deletions, or pins, may have been missed."""

    mirror: int
    chat: int
    what: Literal["deleted", "pinned"] = "deleted"


def doubts(db: Db) -> list[PendingCheck]:
    """Return the pending checks of the configured mirrors."""
    rows = db.execute(
        "SELECT doubt.mirror, doubt.chat, what FROM doubt JOIN mirror ON mirror.id = doubt.mirror "
        "WHERE mirror.active = 1 ORDER BY doubt.mirror, doubt.chat, what"
    )
    return [PendingCheck(**dict(row)) for row in rows]


def doubtful(db: Db, doubt: PendingCheck, *, mirrored: bool) -> list[int]:
    """Return the newest ids whose deletion would matter, newest first.

    Those are waiting and parked ones and, where deletions are `mirrored`, copied ones.
    """
    found: set[int] = set()
    waiting = db.execute(
        # Newest first: the uncertain messages are the latest ones.
        "SELECT source_id FROM job JOIN item ON item.job = job.id WHERE job.mirror = ? "
        "AND lane IN ('live', 'backlog') AND state IN ('waiting', 'open') AND job.chat = ? "
        "AND job.kind = 'copy' AND payload IS NOT NULL ORDER BY source_id DESC LIMIT ?",
        (doubt.mirror, doubt.chat, WINDOW),
    )
    found.update(row["source_id"] for row in waiting)
    parked = db.execute(
        "SELECT source_id FROM job JOIN item ON item.job = job.id WHERE state = 'parked' AND job.mirror = ? "
        "AND job.chat = ? AND payload IS NOT NULL ORDER BY source_id DESC LIMIT ?",
        (doubt.mirror, doubt.chat, WINDOW),
    )
    found.update(row["source_id"] for row in parked)
    if mirrored:
        copied = db.execute(
            "SELECT DISTINCT copy.source_id FROM copy JOIN job ON job.id = copy.job WHERE copy.mirror = ? "
            "AND copy.chat = ? AND job.kind = 'copy' AND target_id IS NOT NULL "
            "ORDER BY copy.source_id DESC LIMIT ?",
            (doubt.mirror, doubt.chat, WINDOW),
        )
        found.update(row["source_id"] for row in copied)
    return sorted(found, reverse=True)[:WINDOW]


def answer_doubt(
    db: Db, doubt: PendingCheck, gone: Sequence[int], *, deletes: Sequence[Deletes], settled: bool, now: float
) -> None:
    """Record these ids as deleted. `settled`: no other id has to be checked."""
    take_deleted(db, doubt.chat, gone, deletes=deletes, now=now)
    if settled:
        forget_doubt(db, doubt)


def answer_pinned(db: Db, doubt: PendingCheck, pinned: Sequence[int], now: float) -> None:
    """Record the current pins, oldest first."""
    take_pinned(db, doubt.mirror, doubt.chat, pinned, now)
    forget_doubt(db, doubt)


def forget_doubt(db: Db, doubt: PendingCheck) -> None:
    """Remove a check that is settled, or does not matter to this mirror."""
    db.execute(
        "DELETE FROM doubt WHERE mirror = ? AND chat = ? AND what = ?", (doubt.mirror, doubt.chat, doubt.what)
    )


#: Number of newest polls that are checked: one call.
POLL_WINDOW = 100


def open_polls(db: Db, mirror: int, chat: int) -> list[int]:
    """Return the newest polls of a source chat that were open when last seen."""
    rows = db.execute(
        "SELECT source_id FROM poll WHERE mirror = ? AND chat = ? ORDER BY source_id DESC LIMIT ?",
        (mirror, chat, POLL_WINDOW),
    )
    return [row["source_id"] for row in rows]


def take_polls(
    db: Db, mirror: int, chat: int, asked: Collection[int], found: Sequence[Message], now: float
) -> None:
    """Record the state of these polls: a closed one is an edit; a missing one is not checked again."""
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
