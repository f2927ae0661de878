"""The durable queue: what is next, what was attempted, what became of it.

A job goes waiting → open (attempted, outcome not yet known) → done, skipped or parked. What a job sends
is planned into rows of `send` and `copy`, `random_id`s included, before the first call is made.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Draft, Message
from .engine import Db, Row
from .records import (
    CopyRow,
    Job,
    Lane,
    Origin,
    Send,
    decode_committed,
    decode_draft,
    decode_message,
    encode,
)


def _job(row: Row) -> Job:
    fields = {name: row[name] for name in Job.__struct_fields__}
    return Job(**{**fields, "released": bool(row["released"]), "sealed": bool(row["sealed"])})


def ahead(db: Db, mirror: int, lane: Lane, limit: int) -> list[Job]:
    """The next jobs of a lane in their order, the ones that cannot go yet included."""
    rows = db.execute(
        "SELECT * FROM job WHERE mirror = ? AND lane = ? AND state IN ('waiting', 'open') "
        "ORDER BY ord, sub, id LIMIT ?",
        (mirror, lane, limit),
    )
    return [_job(row) for row in rows]


def open_job(db: Db, target: int) -> Job | None:
    """The job of unknown outcome at this target: there is at most one, and nothing else is sent there."""
    row = db.execute(
        "SELECT job.* FROM job JOIN mirror ON mirror.id = job.mirror WHERE mirror.target = ? "
        "AND job.state = 'open' ORDER BY job.id LIMIT 1",
        (target,),
    ).fetchone()
    return _job(row) if row else None


def live_floor(db: Db, mirror: int) -> int | None:
    """While a live gap is open, no live job above this source id may go."""
    row = db.execute(
        "SELECT min(next_id) AS floor FROM gap WHERE mirror = ? AND lane = 'live'", (mirror,)
    ).fetchone()
    return None if row["floor"] is None else int(row["floor"])


def job(db: Db, job_id: int) -> Job | None:
    row = db.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
    return _job(row) if row else None


def messages(db: Db, job_id: int) -> tuple[tuple[Message, int], ...]:
    """The messages of a job that are still kept, in id order, each with the `random_id` of its birth."""
    rows = db.execute(
        "SELECT payload, random_id FROM item WHERE job = ? AND payload IS NOT NULL ORDER BY source_id",
        (job_id,),
    )
    return tuple((decode_message(row["payload"]), row["random_id"]) for row in rows)


def refresh(db: Db, job_id: int, fresh: Sequence[Message]) -> None:
    """Newly fetched media references replace the old ones; texts stay as they were captured."""
    for new in fresh:
        row = db.execute(
            "SELECT payload FROM item WHERE job = ? AND source_id = ? AND payload IS NOT NULL",
            (job_id, new.id),
        ).fetchone()
        if row is None:
            continue
        old = decode_message(row["payload"])
        if old.media is None or new.media is None or old.media.id != new.media.id:
            continue
        fields = {name: getattr(old, name) for name in Message.__struct_fields__}
        db.execute(
            "UPDATE item SET payload = ? WHERE job = ? AND source_id = ?",
            (encode(Message(**{**fields, "media": new.media})), job_id, new.id),
        )


def change_media(db: Db, job_id: int, message: Message) -> None:
    """What is kept of a message changes before its first attempt: its media becomes another thing."""
    db.execute(
        "UPDATE item SET payload = ? WHERE job = ? AND source_id = ? AND payload IS NOT NULL",
        (encode(message), job_id, message.id),
    )


def origin(db: Db, mirror: int, chat: int, source_id: int) -> Origin | None:
    """What became of a source message; None where the ledger never saw it."""
    row = db.execute(
        "SELECT job.id, job.state, job.lane, job.reason, (SELECT target_id FROM copy "
        "WHERE copy.mirror = :mirror AND copy.chat = :chat AND copy.source_id = :id "
        "AND target_id IS NOT NULL ORDER BY seq, idx LIMIT 1) "
        "AS copy_id FROM item JOIN job ON job.id = item.job "
        "WHERE item.mirror = :mirror AND item.chat = :chat AND item.source_id = :id",
        {"mirror": mirror, "chat": chat, "id": source_id},
    ).fetchone()
    if row is None:
        return None
    return Origin(
        state=row["state"], job=row["id"], lane=row["lane"], copy_id=row["copy_id"], reason=row["reason"]
    )


def first_copy(db: Db, job_id: int) -> int | None:
    """The first message that a job became."""
    row = db.execute(
        "SELECT target_id FROM copy WHERE job = ? AND target_id IS NOT NULL ORDER BY seq, idx LIMIT 1",
        (job_id,),
    ).fetchone()
    return row["target_id"] if row else None


def plan_sends(
    db: Db,
    job_id: int,
    drafts: Sequence[Draft],
    random_ids: Sequence[Sequence[int]],
    fingerprints: Sequence[Sequence[str]],
) -> None:
    """Write down what the job will send. Sends that were carried out or attempted stay as they are."""
    row = db.execute(
        "SELECT job.mirror, job.chat, mirror.target FROM job JOIN mirror ON mirror.id = job.mirror "
        "WHERE job.id = ?",
        (job_id,),
    ).fetchone()
    for seq, (draft, ids, prints) in enumerate(zip(drafts, random_ids, fingerprints, strict=True)):
        kept = db.execute("SELECT state FROM send WHERE job = ? AND seq = ?", (job_id, seq)).fetchone()
        if kept and kept["state"] != "new":
            continue
        db.execute("DELETE FROM copy WHERE job = ? AND seq = ?", (job_id, seq))
        db.execute(
            "INSERT INTO send (job, seq, draft) VALUES (?,?,?) "
            "ON CONFLICT DO UPDATE SET draft = excluded.draft, committed = NULL",
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


def sends(db: Db, job_id: int) -> list[Send]:
    """The calls of a job in their order."""
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
    run: str,
    now: float,
) -> None:
    """Before the call: from here on its outcome is unknown until it is settled or refused."""
    db.execute(
        "UPDATE send SET state = 'open', draft = ?, committed = ?, floor_id = ?, attempted_at = ?, run = ? "
        "WHERE job = ? AND seq = ?",
        (encode(draft), encode(tuple(committed)), floor_id, now, run, job_id, seq),
    )
    for idx, fingerprint in enumerate(fingerprints):
        db.execute(
            "UPDATE copy SET fingerprint = ? WHERE job = ? AND seq = ? AND idx = ?",
            (fingerprint, job_id, seq, idx),
        )
    db.execute("UPDATE job SET state = 'open', attempts = attempts + 1 WHERE id = ?", (job_id,))


def repeat(db: Db, job_id: int, seq: int) -> None:
    """The same call again, payload and `random_id` unchanged; its time stays that of the first attempt."""
    db.execute(
        "UPDATE job SET attempts = attempts + 1 WHERE id = ? AND EXISTS "
        "(SELECT 1 FROM send WHERE job = ? AND seq = ? AND state = 'open')",
        (job_id, job_id, seq),
    )


def mapped(db: Db, target: int, ids: Sequence[int]) -> set[int]:
    """Which of these messages of the target are copies that the ledger knows."""
    return {
        target_id
        for target_id in ids
        if db.execute("SELECT 1 FROM copy WHERE target = ? AND target_id = ?", (target, target_id)).fetchone()
    }


def open_prints(db: Db, target: int) -> list[str]:
    """The fingerprints of attempts at this target whose outcome is not known."""
    rows = db.execute(
        "SELECT fingerprint FROM copy JOIN job ON job.id = copy.job WHERE copy.target = ? "
        "AND job.state IN ('open', 'parked') AND target_id IS NULL",
        (target,),
    )
    return [row["fingerprint"] for row in rows]


def highest_copy(db: Db, target: int) -> int:
    """The highest message of the target that the ledger maps; 0 where it maps none."""
    row = db.execute("SELECT max(target_id) AS id FROM copy WHERE target = ?", (target,)).fetchone()
    return row["id"] or 0


def unsent(db: Db, mirror: int) -> list[tuple[int, tuple[Message, ...]]]:
    """Every unsent job of the mirror in the source's order: its first source id and its messages."""
    rows = db.execute(
        "SELECT job.id, job.first_id, item.payload FROM job JOIN item ON item.job = job.id "
        "WHERE job.mirror = ? AND job.state = 'waiting' AND job.attempts = 0 AND item.payload IS NOT NULL "
        "ORDER BY job.first_id, job.id, item.source_id",
        (mirror,),
    )
    jobs: dict[int, tuple[int, list[Message]]] = {}
    for row in rows:
        jobs.setdefault(row["id"], (row["first_id"], []))[1].append(decode_message(row["payload"]))
    return [(first, tuple(found)) for first, found in jobs.values()]


def skip_upto(db: Db, mirror: int, source_id: int, reason: str, now: float) -> int:
    """Unattempted jobs up to this source id are skipped; how many messages those were."""
    rows = db.execute(
        "UPDATE job SET state = 'skipped', reason = ?, settled_at = ? WHERE mirror = ? AND state = 'waiting' "
        "AND attempts = 0 AND first_id <= ? RETURNING id, items",
        (reason, now, mirror, source_id),
    ).fetchall()
    for row in rows:
        _erase(db, row["id"])
    return sum(row["items"] for row in rows)


def refused(db: Db, job_id: int, seq: int) -> None:
    """A definite no: nothing was sent, so the payload may change and the next attempt is a first one."""
    db.execute("UPDATE send SET state = 'new' WHERE job = ? AND seq = ? AND state = 'open'", (job_id, seq))
    db.execute("UPDATE job SET state = 'waiting' WHERE id = ? AND state = 'open'", (job_id,))


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
    """After the call: the map, the marks of the pace and the job's state, in one; true if the job is done.

    `ids` and `scheduled` go by `random_id`. Items that appear in neither stay unsent: the caller splits
    them off first.
    """
    for random_id, target_id in ids.items():
        db.execute("UPDATE copy SET target_id = ? WHERE random_id = ?", (target_id, random_id))
    for random_id, scheduled_id in scheduled.items():
        db.execute("UPDATE copy SET scheduled_id = ? WHERE random_id = ?", (scheduled_id, random_id))
    cost = len(ids) + len(scheduled)
    for key in (f"target:{target}", "account", *(["backlog"] if backlog else [])):
        db.execute(
            "INSERT INTO mark VALUES (?,?,?) "
            "ON CONFLICT DO UPDATE SET at = excluded.at, cost = excluded.cost",
            (key, now, cost),
        )
    waits = db.execute(
        "SELECT 1 FROM copy WHERE job = ? AND seq = ? AND target_id IS NULL", (job_id, seq)
    ).fetchone()
    db.execute(
        "UPDATE send SET state = ? WHERE job = ? AND seq = ?",
        ("accepted" if waits else "done", job_id, seq),
    )
    return _finish_if_done(db, job_id, now)


def published(db: Db, target: int, scheduled_id: int, target_id: int | None, now: float) -> bool:
    """A scheduled message became real (or was given up, None): map it; true if we had sent it."""
    row = db.execute(
        "SELECT random_id, job, seq FROM copy WHERE target = ? AND scheduled_id = ? AND target_id IS NULL",
        (target, scheduled_id),
    ).fetchone()
    if row is None:
        return False
    if target_id is not None:
        db.execute("UPDATE copy SET target_id = ? WHERE random_id = ?", (target_id, row["random_id"]))
    left = db.execute(
        "SELECT 1 FROM copy WHERE job = ? AND seq = ? AND target_id IS NULL", (row["job"], row["seq"])
    ).fetchone()
    if not left or target_id is None:
        db.execute("UPDATE send SET state = 'done' WHERE job = ? AND seq = ?", (row["job"], row["seq"]))
    _finish_if_done(db, row["job"], now)
    return True


def split_off(
    db: Db, job_id: int, seq: int, *, missing: Draft, random_ids: Sequence[int], idxs: Sequence[int]
) -> None:
    """Of an album found in part, the missing items become a call of their own, `random_id`s kept."""
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


def finish(db: Db, job_id: int, state: str, reason: str, now: float) -> None:
    """End a job as skipped or parked. A parked one keeps its text."""
    db.execute(
        "UPDATE job SET state = ?, reason = ?, settled_at = ? WHERE id = ?", (state, reason, now, job_id)
    )
    if state == "skipped":
        _erase(db, job_id)


def postpone(db: Db, job_id: int, not_before: float, *, trouble: float = 0.0, reason: str = "") -> None:
    """Not before then; `trouble` adds to the connected seconds that the job has cost."""
    db.execute(
        "UPDATE job SET not_before = ?, troubled = troubled + ?, reason = ? WHERE id = ?",
        (not_before, trouble, reason, job_id),
    )


def _finish_if_done(db: Db, job_id: int, now: float) -> bool:
    row = db.execute(
        "SELECT count(*) FILTER (WHERE state = 'done') AS done, "
        "count(*) FILTER (WHERE state = 'new') AS new, count(*) AS n FROM send WHERE job = ?",
        (job_id,),
    ).fetchone()
    if row["done"] == row["n"]:
        db.execute("UPDATE job SET state = 'done', reason = '', settled_at = ? WHERE id = ?", (now, job_id))
        _erase(db, job_id)
        return True
    if row["new"]:
        # What is left has not been attempted: the job waits for its next turn, its outcome so far known.
        db.execute("UPDATE job SET state = 'waiting' WHERE id = ? AND state = 'open'", (job_id,))
    return False


def _erase(db: Db, job_id: int) -> None:
    db.execute("UPDATE item SET payload = NULL WHERE job = ?", (job_id,))
    db.execute("UPDATE send SET draft = NULL, committed = NULL WHERE job = ?", (job_id,))
    db.execute("DELETE FROM upload WHERE job = ?", (job_id,))
    db.execute("DELETE FROM committed WHERE job = ?", (job_id,))
