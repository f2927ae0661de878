"""The durable queue: the next jobs, their messages, and their ends.

A job goes waiting → open (attempted, outcome not yet known) → done, skipped or parked. Its calls are planned
into rows of `send` and `copy`, `random_id`s included, before the first one is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ..domain.messages import Message
from .engine import CHATS, Db, Row
from .rows import LATE, Heads, Job, Lane, decode_message, encode

#: The old copies of a job that sends something again are still to be deleted (`replacing`).
WAITS_FOR_DELETION = (
    f"(job.sub >= {LATE} AND EXISTS (SELECT 1 FROM item JOIN change ON change.mirror = item.mirror "
    "AND change.kind = 'delete' AND change.chat = item.chat AND change.source_id = -item.source_id "
    "WHERE item.job = job.id))"
)

LANES: tuple[Lane, Lane] = ("live", "backlog")


def _job(row: Row) -> Job:
    fields = {name: row[name] for name in Job.__struct_fields__}
    flags = {name: bool(row[name]) for name in ("released", "sealed", "byline", "placed")}
    return Job(**{**fields, **flags})


def place_of(db: Db, mirror: int, chat: int, source_id: int) -> int:
    """Return a message's position in the mirror's order: those of a former basic group come first."""
    row = db.execute("SELECT base FROM feed WHERE mirror = ? AND chat = ?", (mirror, chat)).fetchone()
    return source_id + (row["base"] if row is not None else 0)


def may_come(db: Db, mirror: int, chat: int, source_id: int) -> bool:
    """Return whether an unknown message may still arrive: from the history, or as a new one."""
    row = db.execute(
        "SELECT 1 FROM gap WHERE mirror = :mirror AND chat = :chat AND next_id < :id AND end_id >= :id "
        "UNION ALL SELECT 1 FROM feed WHERE mirror = :mirror AND chat = :chat AND fed_to < :id",
        {"mirror": mirror, "chat": chat, "id": source_id},
    ).fetchone()
    return row is not None


def ahead(db: Db, mirror: int, lane: Lane, limit: int) -> list[Job]:
    """Return the next jobs of a lane in their order, including those that cannot be sent yet.

    A job whose old copies are still to be deleted blocks nobody, and is left out.
    """
    rows = db.execute(
        "SELECT * FROM job WHERE mirror = ? AND lane = ? AND state IN ('waiting', 'open') "
        f"AND NOT {WAITS_FOR_DELETION} ORDER BY ord, sub, id LIMIT ?",
        (mirror, lane, limit),
    )
    return [_job(row) for row in rows]


def heads(db: Db, mirror: int) -> Heads:
    """Return the jobs that may be sent next."""
    row = db.execute(
        "SELECT (SELECT coalesce(sum(n), 0) FROM tally WHERE mirror = :mirror AND lane = 'backlog' "
        "AND state IN ('waiting', 'open')) + (SELECT coalesce(sum(remaining), 0) FROM gap "
        "WHERE mirror = :mirror "
        "AND lane = 'backlog') AS left, "
        "EXISTS (SELECT 1 FROM gap WHERE mirror = :mirror AND lane = 'backlog') AS unread",
        {"mirror": mirror},
    ).fetchone()
    live, backlog = (next(iter(ahead(db, mirror, lane, 1)), None) for lane in LANES)
    return Heads(live=live, backlog=backlog, left=int(row["left"]), unread=bool(row["unread"]))


def count_ahead(db: Db, mirror: int, lane: Lane, most: int) -> int:
    """Count the next jobs of a lane, up to `most`."""
    row = db.execute(
        "SELECT count(*) AS n FROM (SELECT 1 FROM job WHERE mirror = ? AND lane = ? "
        f"AND state IN ('waiting', 'open') AND NOT {WAITS_FOR_DELETION} LIMIT ?)",
        (mirror, lane, most),
    ).fetchone()
    return int(row["n"])


def media_ahead(db: Db, mirrors: Sequence[int], limit: int) -> list[list[Job]]:
    """Return those with media of the next jobs of each lane of these mirrors, live before backlog."""
    return [
        [job for job in ahead(db, mirror, lane, limit) if _has_media(db, job)]
        for mirror in mirrors
        for lane in LANES
    ]


def _has_media(db: Db, job: Job) -> bool:
    found = db.execute(
        "SELECT 1 FROM item WHERE job = ? AND media_id <> 0 AND payload IS NOT NULL LIMIT 1", (job.id,)
    )
    return found.fetchone() is not None


def open_job(db: Db, target: int) -> Job | None:
    """Return this target's job of unknown outcome: there is at most one, and it blocks the target."""
    row = db.execute(
        "SELECT job.* FROM job JOIN mirror ON mirror.id = job.mirror WHERE mirror.target = ? "
        "AND job.state = 'open' ORDER BY job.id LIMIT 1",
        (target,),
    ).fetchone()
    return _job(row) if row else None


def live_floor(db: Db, mirror: int) -> int | None:
    """Return the position beyond which no live job may be sent while a live gap is open."""
    row = db.execute(
        "SELECT min(next_id + coalesce((SELECT base FROM feed WHERE feed.mirror = gap.mirror "
        "AND feed.chat = gap.chat), 0)) AS floor FROM gap WHERE mirror = ? AND lane = 'live'",
        (mirror,),
    ).fetchone()
    return None if row["floor"] is None else int(row["floor"])


def job(db: Db, job_id: int) -> Job | None:
    row = db.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
    return _job(row) if row else None


def messages(db: Db, job_id: int) -> tuple[tuple[Message, int], ...]:
    """Return the stored messages of a job by id, each with the `random_id` that it was created with."""
    rows = db.execute(
        "SELECT payload, random_id FROM item WHERE job = ? AND payload IS NOT NULL ORDER BY source_id",
        (job_id,),
    )
    return tuple((decode_message(row["payload"]), row["random_id"]) for row in rows)


def refresh(db: Db, job_id: int, fresh: Sequence[Message]) -> None:
    """Replace media references with newly fetched ones; texts stay as they were captured."""
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
    """Replace a stored message whose media changes before its first attempt."""
    db.execute(
        "UPDATE item SET payload = ? WHERE job = ? AND source_id = ? AND payload IS NOT NULL",
        (encode(message), job_id, message.id),
    )


#: The position of a job in the source's order, wherever it is in its lane.
_PLACE = (
    "job.first_id + coalesce((SELECT base FROM feed WHERE feed.mirror = job.mirror "
    "AND feed.chat = job.chat), 0)"
)


#: A call of the job was carried out, accepted, or has an unknown outcome.
BEGUN = "EXISTS (SELECT 1 FROM send WHERE send.job = job.id AND send.state <> 'new')"
#: No call was attempted, or all were definitely refused.
UNSENT = f"NOT {BEGUN}"


def unsent(
    db: Db, mirror: int, state: Literal["waiting", "parked"] = "waiting"
) -> list[tuple[int, tuple[Message, ...]]]:
    """Return every unsent job of the mirror in the source's order: its position and its messages."""
    # The first condition on the state matches the index, so that settled jobs are not read.
    states = "('waiting', 'open')" if state == "waiting" else "('parked')"
    rows = db.execute(
        f"SELECT job.id, {_PLACE} AS place, item.payload FROM job JOIN item ON item.job = job.id "
        f"WHERE job.mirror = ? AND job.lane IN ('live', 'backlog') AND job.state IN {states} "
        f"AND job.state = ? AND {UNSENT} AND item.payload IS NOT NULL "
        "ORDER BY place, job.id, item.source_id",
        (mirror, state),
    )
    jobs: dict[int, tuple[int, list[Message]]] = {}
    for row in rows:
        jobs.setdefault(row["id"], (row["place"], []))[1].append(decode_message(row["payload"]))
    return [(place, tuple(found)) for place, found in jobs.values()]


def skip_upto(db: Db, mirror: int, place: int, reason: str, now: float) -> int:
    """Skip unsent waiting jobs up to this position; return the number of their messages."""
    rows = db.execute(
        "UPDATE job SET state = 'skipped', reason = ?, settled_at = ? WHERE mirror = ? AND state = 'waiting' "
        f"AND {UNSENT} AND {_PLACE} <= ? RETURNING id, items",
        (reason, now, mirror, place),
    ).fetchall()
    for row in rows:
        keep_old_copies(db, row["id"])
        erase(db, row["id"])
    return sum(row["items"] for row in rows)


def keep_old_copies(db: Db, job_id: int) -> None:
    """Cancel the deletions that this job waits for: nothing is sent in their place."""
    db.execute(
        "DELETE FROM change WHERE kind = 'delete' AND source_id < 0 AND (mirror, chat, -source_id) IN "
        "(SELECT mirror, chat, source_id FROM item WHERE job = ?)",
        (job_id,),
    )


def finish(db: Db, job_id: int, state: str, reason: str, now: float) -> None:
    """End a job as skipped or parked. A parked one keeps its text."""
    db.execute(
        "UPDATE job SET state = ?, reason = ?, settled_at = ? WHERE id = ?", (state, reason, now, job_id)
    )
    if state == "skipped":
        erase(db, job_id)


def postpone(db: Db, job_id: int, not_before: float, *, trouble: float = 0.0, reason: str = "") -> None:
    """Postpone a job; `trouble` adds to the connected seconds of its own failures."""
    db.execute(
        "UPDATE job SET not_before = ?, troubled = troubled + ?, reason = ? WHERE id = ?",
        (not_before, trouble, reason, job_id),
    )


def erase(db: Db, job_id: int) -> None:
    _erase_columns(db, "item", job_id, "payload")
    _erase_columns(db, "send", job_id, "draft", "committed", "position")
    db.execute("DELETE FROM upload WHERE job = ?", (job_id,))
    db.execute("DELETE FROM committed WHERE job = ?", (job_id,))


def _erase_columns(db: Db, table: str, job_id: int, *columns: str) -> None:
    """Erase columns of a job's rows, but keep the rows.

    Reinserts the rows instead of updating them: rows that shrink in place leave their pages three quarters
    empty for ever, and the ledger would be twice as large (`make soak`).
    """
    for row in db.execute(f"DELETE FROM {table} WHERE job = ? RETURNING *", (job_id,)).fetchall():
        kept = dict(row) | dict.fromkeys(columns)
        names, marks = ", ".join(kept), ", ".join("?" * len(kept))
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(kept.values()))


def note_vanished(db: Db, mirror: int, chat: int, ids: Sequence[int]) -> None:
    """Record messages deleted in the source (chat 0: in whichever basic group has them)."""
    for source_id in ids:
        db.execute(
            "INSERT INTO vanished (mirror, chat, source_id) SELECT item.mirror, item.chat, item.source_id "
            "FROM item JOIN job ON job.id = item.job WHERE item.mirror = :mirror "
            f"AND item.chat IN {CHATS} AND item.source_id = :id "
            "AND job.state IN ('waiting', 'open', 'parked') ON CONFLICT (mirror, chat, source_id) DO NOTHING",
            {"mirror": mirror, "chat": chat, "id": source_id},
        )


def note_titles(db: Db, titles: Mapping[int, str]) -> None:
    """Store the current titles of these chats."""
    for chat, text in titles.items():
        db.execute(
            "INSERT INTO title (chat, text) VALUES (?,?) "
            "ON CONFLICT (chat) DO UPDATE SET text = excluded.text",
            (chat, text),
        )


def titles(db: Db) -> dict[int, str]:
    """Return the last known titles of all chats that were ever mirrored."""
    return {row["chat"]: row["text"] for row in db.execute("SELECT chat, text FROM title")}
