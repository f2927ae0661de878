"""Handles the remaining calls of a job of which a part has been sent.

Removes messages from calls when nothing more of them is to be sent. Plain functions, called inside the
transactions of others or as one. Never changes a call that was made or attempted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from .attempts import finish_if_done
from .changes import Change, change_done
from .engine import Db
from .jobs import BEGUN
from .rows import decode_draft, encode


def is_made_in_part(db: Db, job_id: int) -> bool:
    """Return whether the target has a part of the job, or may have one."""
    return db.execute(f"SELECT 1 FROM job WHERE id = ? AND {BEGUN}", (job_id,)).fetchone() is not None


def media_to_send(db: Db, job_id: int) -> frozenset[int] | None:
    """Return the source ids whose media are still to be sent; None where the job is planned at its turn."""
    if not is_made_in_part(db, job_id):
        return None
    rows = db.execute("SELECT draft FROM send WHERE job = ? AND state IN ('new', 'open')", (job_id,))
    drafts = [decode_draft(row["draft"]) for row in rows if row["draft"] is not None]
    return frozenset(piece.source_id for each in drafts for piece in each.pieces if piece.media is not None)


def leave_out(db: Db, job_id: int, source_ids: Collection[int], now: float) -> None:
    """Send nothing more of these messages; a job that has nothing else to send is done.

    A message of which nothing was sent is removed from the job.
    """
    for source_id in source_ids:
        made = db.execute(
            "SELECT 1 FROM copy JOIN send ON send.job = copy.job AND send.seq = copy.seq "
            "WHERE copy.job = ? AND copy.source_id = ? AND send.state <> 'new'",
            (job_id, source_id),
        ).fetchone()
        gone = 0 if made else db.execute(
            "UPDATE item SET payload = NULL WHERE job = ? AND source_id = ? AND payload IS NOT NULL",
            (job_id, source_id),
        ).rowcount  # fmt: skip
        db.execute(
            "UPDATE job SET items = CASE WHEN items > :gone THEN items - :gone ELSE 0 END WHERE id = :job",
            {"gone": gone, "job": job_id},
        )
    calls = db.execute(
        "SELECT seq, draft FROM send WHERE job = ? AND state = 'new' AND draft IS NOT NULL ORDER BY seq DESC",
        (job_id,),
    ).fetchall()
    for call in calls:
        _shorten(db, job_id, call["seq"], call["draft"], source_ids)
    _end_if_done(db, job_id, now)


def edit_done(db: Db, change: Change, prints: Sequence[str], now: float) -> None:
    """End an edit: the copies show the newest state, so the unsent rest of an older one is left out.

    `prints`: the fingerprints of the copies after the edit.
    """
    calls = db.execute(
        "SELECT DISTINCT copy.job FROM copy JOIN send ON send.job = copy.job AND send.seq = copy.seq "
        "AND send.state = 'new' WHERE copy.mirror = ? AND chat = ? AND source_id = ?",
        (change.mirror, change.chat, change.source_id),
    ).fetchall()
    for call in calls:
        leave_out(db, call["job"], [change.source_id], now)
    change_done(db, change, prints)


def leave_out_deleted(db: Db, job_id: int, now: float) -> bool:
    """Leave out messages no longer stored, or about to be deleted; return whether there were any.

    A ledger of an older version may have such calls.
    """
    if not is_made_in_part(db, job_id):
        return False
    rows = db.execute(
        "SELECT DISTINCT copy.source_id FROM copy JOIN send ON send.job = copy.job AND send.seq = copy.seq "
        "AND send.state = 'new' JOIN mirror ON mirror.id = copy.mirror "
        "WHERE copy.job = ? AND (NOT EXISTS (SELECT 1 FROM item WHERE item.job = copy.job "
        "AND item.source_id = copy.source_id AND payload IS NOT NULL) "
        "OR mirror.held = '' AND EXISTS (SELECT 1 FROM change WHERE change.mirror = copy.mirror "
        "AND kind = 'delete' AND given_up = '' AND change.chat = copy.chat "
        "AND change.source_id = copy.source_id))",
        (job_id,),
    ).fetchall()
    gone = [row["source_id"] for row in rows]
    if gone:
        leave_out(db, job_id, gone, now)
    return bool(gone)


def _shorten(db: Db, job_id: int, seq: int, raw: bytes, source_ids: Collection[int]) -> None:
    """Remove these messages from an unsent call; if nothing is left of it, later calls move up."""
    draft = decode_draft(raw)
    left = [(idx, piece) for idx, piece in enumerate(draft.pieces) if piece.source_id not in source_ids]
    if len(left) == len(draft.pieces):
        return
    kept = {idx for idx, _ in left}
    for idx in range(len(draft.pieces)):
        if idx not in kept:
            db.execute("DELETE FROM copy WHERE job = ? AND seq = ? AND idx = ?", (job_id, seq, idx))
    if left:
        for place, (idx, _) in enumerate(left):
            db.execute(
                "UPDATE copy SET idx = ? WHERE job = ? AND seq = ? AND idx = ?", (place, job_id, seq, idx)
            )
        shorter = msgspec.structs.replace(draft, pieces=tuple(piece for _, piece in left))
        db.execute("UPDATE send SET draft = ? WHERE job = ? AND seq = ?", (encode(shorter), job_id, seq))
        return
    db.execute("DELETE FROM send WHERE job = ? AND seq = ?", (job_id, seq))
    behind = db.execute(
        "SELECT seq FROM send WHERE job = ? AND seq > ? ORDER BY seq", (job_id, seq)
    ).fetchall()
    for row in behind:
        for table in ("send", "copy"):
            db.execute(f"UPDATE {table} SET seq = seq - 1 WHERE job = ? AND seq = ?", (job_id, row["seq"]))


def _end_if_done(db: Db, job_id: int, now: float) -> None:
    """End a job that has nothing left to send, or let it wait for scheduled messages."""
    job = db.execute("SELECT state FROM job WHERE id = ?", (job_id,)).fetchone()
    states = {row["state"] for row in db.execute("SELECT state FROM send WHERE job = ?", (job_id,))}
    if job["state"] not in ("waiting", "parked") or not states or states & {"new", "open"}:
        return
    if "accepted" in states:
        db.execute("UPDATE job SET state = 'open', reason = '' WHERE id = ?", (job_id,))
    else:
        finish_if_done(db, job_id, now)
