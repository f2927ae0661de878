"""Keeps the calls of a job: planned before the first is made, attempted, repeated, refused, settled.

Planning writes rows of `send` and `copy`, `random_id`s included. A call is open from its attempt until its
outcome is known; settling it maps its copies, updates the pace's marks and ends the job, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from ..domain.messages import FILE_KINDS, Box, Draft
from .accounts import READER
from .attribution import keep_lines, spoke
from .changes import note_closed_poll
from .copies import pin_anew
from .engine import Db
from .jobs import BEGUN, erase
from .limits import BACKLOG, MESSAGES, messages_to, set_marks
from .rows import CopyRow, Send, decode_box, decode_committed, decode_draft, encode
from .topic_jobs import made


def plan_sends(
    db: Db,
    job_id: int,
    drafts: Sequence[Draft],
    random_ids: Sequence[Sequence[int]],
    fingerprints: Sequence[Sequence[str]],
) -> None:
    """Store the calls that the job will make. Calls already carried out or attempted stay unchanged."""
    row = db.execute(
        "SELECT job.mirror, job.chat, mirror.target FROM job JOIN mirror ON mirror.id = job.mirror "
        "WHERE job.id = ?",
        (job_id,),
    ).fetchone()
    # An album planned as single messages may be sent as an album again: each id moves to another call.
    db.execute(
        "DELETE FROM copy WHERE job = ? AND target_id IS NULL AND scheduled_id IS NULL "
        "AND seq IN (SELECT seq FROM send WHERE job = ? AND state = 'new')",
        (job_id, job_id),
    )
    for seq, (draft, ids, prints) in enumerate(zip(drafts, random_ids, fingerprints, strict=True)):
        kept = db.execute("SELECT state FROM send WHERE job = ? AND seq = ?", (job_id, seq)).fetchone()
        if kept and kept["state"] != "new":
            continue
        db.execute(
            "INSERT INTO send (job, seq, draft) VALUES (?,?,?) "
            "ON CONFLICT (job, seq) DO UPDATE SET draft = excluded.draft, committed = NULL",
            (job_id, seq, encode(draft)),
        )
        for idx, (piece, random_id, fingerprint) in enumerate(zip(draft.pieces, ids, prints, strict=True)):
            db.execute(
                "INSERT INTO copy (random_id, job, seq, idx, mirror, chat, source_id, target, fingerprint) "
                "VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    random_id,
                    job_id,
                    seq,
                    idx,
                    row["mirror"],
                    row["chat"],
                    piece.source_id,
                    row["target"],
                    fingerprint,
                ),
            )
    db.execute(
        "DELETE FROM copy WHERE job = ? AND seq >= ? AND target_id IS NULL AND scheduled_id IS NULL",
        (job_id, len(drafts)),
    )
    db.execute("DELETE FROM send WHERE job = ? AND seq >= ? AND state = 'new'", (job_id, len(drafts)))
    if drafts:
        keep_lines(db, job_id, drafts[0])


def sends(db: Db, job_id: int) -> list[Send]:
    """Return the calls of a job in their order."""
    result = []
    for row in db.execute("SELECT * FROM send WHERE job = ? ORDER BY seq", (job_id,)).fetchall():
        copies = db.execute(
            "SELECT random_id, source_id, fingerprint, scheduled_id, target_id FROM copy "
            "WHERE job = ? AND seq = ? ORDER BY idx",
            (job_id, row["seq"]),
        )
        result.append(
            Send(
                job=job_id,
                seq=row["seq"],
                state=row["state"],
                draft=decode_draft(row["draft"]) if row["draft"] is not None else Draft(pieces=()),
                committed=decode_committed(row["committed"]) if row["committed"] is not None else (),
                floor_id=row["floor_id"],
                attempted_at=row["attempted_at"],
                run=row["run"],
                copies=tuple(CopyRow(**dict(copy)) for copy in copies),
                position=decode_box(row["position"]) if row["position"] is not None else None,
            )
        )
    return result


def attempt(
    db: Db,
    job_id: int,
    seq: int,
    *,
    draft: Draft,
    committed: Sequence[bytes | None],
    fingerprints: Sequence[str],
    floor_id: int,
    position: Box | None = None,
    run: str,
    now: float,
) -> None:
    """Record an attempt before the call: its outcome is unknown until it is settled or refused."""
    db.execute(
        "UPDATE send SET state = 'open', draft = ?, committed = ?, floor_id = ?, attempted_at = ?, run = ?, "
        "position = ? WHERE job = ? AND seq = ?",
        (
            encode(draft),
            encode(tuple(committed)),
            floor_id,
            now,
            run,
            encode(position) if position is not None else None,
            job_id,
            seq,
        ),
    )
    for idx, fingerprint in enumerate(fingerprints):
        db.execute(
            "UPDATE copy SET fingerprint = ? WHERE job = ? AND seq = ? AND idx = ?",
            (fingerprint, job_id, seq, idx),
        )
    db.execute("UPDATE job SET state = 'open', attempts = attempts + 1 WHERE id = ?", (job_id,))
    db.execute(
        "UPDATE mirror SET floor = ? WHERE floor IS NULL AND id = (SELECT mirror FROM job WHERE id = ?)",
        (floor_id, job_id),
    )


def repeat(db: Db, job_id: int, seq: int) -> None:
    """Record a repetition, payload and `random_id` unchanged; its time stays that of the first attempt."""
    db.execute(
        "UPDATE job SET attempts = attempts + 1 WHERE id = ? AND EXISTS "
        "(SELECT 1 FROM send WHERE job = ? AND seq = ? AND state = 'open')",
        (job_id, job_id, seq),
    )


def refused(db: Db, job_id: int, seq: int) -> None:
    """Record a definite refusal: nothing was sent, so the payload may change and the next attempt is a first
    one.
    """
    db.execute("UPDATE send SET state = 'new' WHERE job = ? AND seq = ? AND state = 'open'", (job_id, seq))
    db.execute("UPDATE job SET state = 'waiting' WHERE id = ? AND state = 'open'", (job_id,))


def vanished(db: Db, job_id: int, seq: int, new_id: Callable[[], int]) -> None:
    """Record that the message was sent and deleted since: the next attempt is a first one, under new ids."""
    copies = db.execute(
        "SELECT random_id, chat, source_id FROM copy WHERE job = ? AND seq = ? AND target_id IS NULL",
        (job_id, seq),
    ).fetchall()
    for copy in copies:
        anew = new_id()
        db.execute(
            "UPDATE item SET random_id = ? WHERE job = ? AND chat = ? AND source_id = ? AND random_id = ?",
            (anew, job_id, copy["chat"], copy["source_id"], copy["random_id"]),
        )
        db.execute("UPDATE copy SET random_id = ? WHERE random_id = ?", (anew, copy["random_id"]))
    refused(db, job_id, seq)
    # If another part was sent, the job stays an attempted one: changes of that part matter.
    db.execute(
        f"UPDATE job SET troubled = 0, attempts = CASE WHEN NOT ({BEGUN}) THEN 0 "
        "WHEN attempts < 1 THEN 1 ELSE attempts END WHERE id = ?",
        (job_id,),
    )


def settle(
    db: Db,
    job_id: int,
    seq: int,
    *,
    ids: dict[int, int],
    scheduled: dict[int, int],
    target: int,
    backlog: bool,
    now: float,
) -> bool:
    """Record a known outcome: map the copies, mark the pace, update the job's state; return whether it is
    done.

    `ids` and `scheduled` are by `random_id`. Items that appear in neither stay unsent: the caller splits them
    off first.
    """
    _count_files(db, job_id, seq, target)
    for random_id, target_id in ids.items():
        db.execute("UPDATE copy SET target_id = ? WHERE random_id = ?", (target_id, random_id))
    for random_id, scheduled_id in scheduled.items():
        db.execute("UPDATE copy SET scheduled_id = ? WHERE random_id = ?", (scheduled_id, random_id))
    cost = len(ids) + len(scheduled)
    set_marks(db, READER, [messages_to(target), MESSAGES, *([BACKLOG] if backlog else [])], now, cost)
    if ids:
        made(db, job_id, now)
    note_closed_poll(db, job_id, seq, now)
    waits = db.execute(
        "SELECT 1 FROM copy WHERE job = ? AND seq = ? AND target_id IS NULL", (job_id, seq)
    ).fetchone()
    db.execute(
        "UPDATE send SET state = ? WHERE job = ? AND seq = ?",
        ("accepted" if waits else "done", job_id, seq),
    )
    return finish_if_done(db, job_id, now)


def published(db: Db, target: int, scheduled_id: int, target_id: int | None, now: float) -> bool:
    """Map a scheduled message that was published, or given up (None); return whether it was ours."""
    row = db.execute(
        "SELECT random_id, job, seq, mirror, chat, source_id FROM copy "
        "WHERE target = ? AND scheduled_id = ? AND target_id IS NULL",
        (target, scheduled_id),
    ).fetchone()
    if row is None:
        return False
    if target_id is not None:
        db.execute("UPDATE copy SET target_id = ? WHERE random_id = ?", (target_id, row["random_id"]))
        # If the job had been given up, there was nothing to pin before.
        pin_anew(db, row["mirror"], row["chat"], row["source_id"], now)
    left = db.execute(
        "SELECT 1 FROM copy WHERE job = ? AND seq = ? AND target_id IS NULL", (row["job"], row["seq"])
    ).fetchone()
    if not left or target_id is None:
        db.execute("UPDATE send SET state = 'done' WHERE job = ? AND seq = ?", (row["job"], row["seq"]))
    finish_if_done(db, row["job"], now)
    return True


def split_off(
    db: Db, job_id: int, seq: int, *, missing: Draft, random_ids: Sequence[int], idxs: Sequence[int]
) -> None:
    """Move the missing items of an album found in part to a call of their own, keeping their `random_id`s."""
    db.execute("UPDATE send SET seq = seq + 1000 WHERE job = ? AND seq > ?", (job_id, seq))
    db.execute("UPDATE copy SET seq = seq + 1000 WHERE job = ? AND seq > ?", (job_id, seq))
    db.execute("UPDATE send SET seq = seq - 999 WHERE job = ? AND seq > 1000", (job_id,))
    db.execute("UPDATE copy SET seq = seq - 999 WHERE job = ? AND seq > 1000", (job_id,))
    db.execute("INSERT INTO send (job, seq, draft) VALUES (?,?,?)", (job_id, seq + 1, encode(missing)))
    for idx, random_id in enumerate(random_ids):
        db.execute("UPDATE copy SET seq = ?, idx = ? WHERE random_id = ?", (seq + 1, idx, random_id))
    row = db.execute("SELECT draft, committed FROM send WHERE job = ? AND seq = ?", (job_id, seq)).fetchone()
    draft = decode_draft(row["draft"])
    gone = set(idxs)
    kept = [piece for idx, piece in enumerate(draft.pieces) if idx not in gone]
    fields = {name: getattr(draft, name) for name in Draft.__struct_fields__}
    db.execute(
        "UPDATE send SET draft = ? WHERE job = ? AND seq = ?",
        (encode(Draft(**{**fields, "pieces": tuple(kept)})), job_id, seq),
    )


def finish_if_done(db: Db, job_id: int, now: float) -> bool:
    """End the job if its last call is done; return whether it was."""
    row = db.execute(
        "SELECT count(*) FILTER (WHERE state = 'done') AS done, "
        "count(*) FILTER (WHERE state = 'new') AS new, count(*) AS n FROM send WHERE job = ?",
        (job_id,),
    ).fetchone()
    if row["done"] == row["n"]:
        db.execute("UPDATE job SET state = 'done', reason = '', settled_at = ? WHERE id = ?", (now, job_id))
        erase(db, job_id)
        return True
    if row["new"]:
        # The rest has not been attempted: the job waits for its next turn; its outcome so far is known.
        db.execute("UPDATE job SET state = 'waiting' WHERE id = ? AND state = 'open'", (job_id,))
    return False


def _count_files(db: Db, job_id: int, seq: int, target: int) -> None:
    """Record the last author in the target, and count how the call's files were sent: streamed or by
    reference.
    """
    row = db.execute(
        "SELECT job.mirror, job.lane, send.draft, send.committed FROM send JOIN job ON job.id = send.job "
        "WHERE send.job = ? AND send.seq = ? AND send.state IN ('new', 'open') AND send.draft IS NOT NULL",
        (job_id, seq),
    ).fetchone()
    if row is None:
        return
    committed = decode_committed(row["committed"]) if row["committed"] is not None else ()
    draft = decode_draft(row["draft"])
    spoke(db, row["mirror"], target, draft)
    for piece, raw in zip_longest(draft.pieces, committed):
        if piece is None or piece.media is None or piece.media.kind not in FILE_KINDS:
            continue
        way = "referenced" if raw is None else "streamed"
        for state, n in ((way, 1), (f"{way}_bytes", piece.media.size)):
            db.execute(
                "INSERT INTO tally (mirror, lane, state, n) VALUES (?,?,?,?) "
                "ON CONFLICT (mirror, lane, state) DO UPDATE SET n = tally.n + excluded.n",
                (row["mirror"], row["lane"], state, n),
            )
