"""Reads the map from source messages to their copies, and the state of a target that follows from it.

Writes only digests of what copies show, and that a copy which replaces a pinned one must be pinned.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.messages import Message, Value
from .engine import Db
from .rows import JobState, Lane, Origin

#: The payload of a deletion whose new copy shows an edit that could not be made in place.
FOR_EDIT = b"edit"


def origin(db: Db, mirror: int, chat: int, source_id: int) -> Origin | None:
    """Return the state of a source message; None where the ledger does not know it."""
    row = db.execute(
        "SELECT job.id, job.state, job.lane, job.reason, job.topic, first.target, first.target_id, "
        "first.job AS made_by FROM item "
        "JOIN job ON job.id = item.job LEFT JOIN (SELECT target, target_id, job FROM copy "
        "WHERE copy.mirror = :mirror AND copy.chat = :chat AND copy.source_id = :id "
        "AND target_id IS NOT NULL ORDER BY seq, idx LIMIT 1) AS first ON TRUE "
        "WHERE item.mirror = :mirror AND item.chat = :chat AND item.source_id = :id",
        {"mirror": mirror, "chat": chat, "id": source_id},
    ).fetchone()
    if row is None:
        return None
    # A copy that will be deleted before the job is sent must not be answered or linked to.
    goes = row["state"] == "waiting" and row["made_by"] != row["id"]
    return Origin(
        state=row["state"],
        job=row["id"],
        lane=row["lane"],
        copy_id=None if goes else row["target_id"],
        target=0 if goes else row["target"] or 0,
        reason=row["reason"],
        topic=row["topic"],
    )


def first_copy(db: Db, job_id: int) -> int | None:
    """Return the first message of a job in the current target."""
    row = db.execute(
        "SELECT target_id FROM copy JOIN mirror ON mirror.id = copy.mirror AND mirror.target = copy.target "
        "WHERE job = ? AND target_id IS NOT NULL ORDER BY seq, idx LIMIT 1",
        (job_id,),
    ).fetchone()
    return row["target_id"] if row else None


def noted(payload: bytes | None) -> tuple[int, list[int]]:
    """Return the chat and ids that a ledger of schema 1 stored for copies to be replaced.

    0 and none in a ledger of the current schema.
    """
    if not payload or payload == FOR_EDIT:
        return 0, []
    return msgspec.msgpack.decode(payload, type=tuple[int, list[int]])


def mapped(db: Db, target: int, ids: Sequence[int]) -> set[int]:
    """Return which of these messages of the target are copies in the ledger, or about to be deleted by it."""
    known: set[int] = set()
    for row in db.execute("SELECT payload FROM change WHERE kind = 'delete' AND source_id < 0").fetchall():
        place, replaced = noted(row["payload"])
        known |= set(replaced) if place == target else set()
    return {
        target_id
        for target_id in ids
        if target_id in known
        or db.execute("SELECT 1 FROM copy WHERE target = ? AND target_id = ?", (target, target_id)).fetchone()
    }


def copies_of(db: Db, mirror: int, chat: int, source_id: int) -> list[int]:
    """Return the copies of an original in the current target, in their order."""
    rows = db.execute(
        "SELECT target_id FROM copy JOIN mirror ON mirror.id = copy.mirror AND mirror.target = copy.target "
        "WHERE copy.mirror = ? AND chat = ? AND source_id = ? AND target_id IS NOT NULL ORDER BY seq, idx",
        (mirror, chat, source_id),
    )
    return [row["target_id"] for row in rows]


def where_copied(db: Db, mirror: int, chat: int, source_id: int) -> tuple[int, list[int]]:
    """Return the chat with the copies of an original, and their ids there, in their order.

    The chat is the target, or the basic group that it was when they were made; 0 where there are none.
    """
    rows = db.execute(
        "SELECT copy.target, target_id FROM copy JOIN mirror ON mirror.id = copy.mirror "
        "WHERE copy.mirror = ? AND chat = ? AND source_id = ? AND target_id IS NOT NULL "
        "ORDER BY copy.target = mirror.target DESC, seq, idx",
        (mirror, chat, source_id),
    ).fetchall()
    place = rows[0]["target"] if rows else 0
    return place, [row["target_id"] for row in rows if row["target"] == place]


def keep_shown(db: Db, mirror: int, message: Message) -> None:
    """Store that the copy of this original shows, or will show, this state."""
    db.execute(
        "UPDATE item SET digest = ?, media_id = ? WHERE mirror = ? AND chat = ? AND source_id = ?",
        (message.content(), message.media_id, mirror, message.chat, message.id),
    )


def shown_media(db: Db, mirror: int, chat: int, source_id: int) -> int:
    """Return the id of the media in the copy of this original; 0 for none."""
    row = db.execute(
        "SELECT media_id FROM item WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, source_id)
    ).fetchone()
    return int(row["media_id"]) if row else 0


def stands(db: Db, mirror: int, chat: int, source_id: int) -> bool:
    """Return whether a copy of this original exists, in the current target or a former one."""
    row = db.execute(
        "SELECT 1 FROM copy WHERE mirror = ? AND chat = ? AND source_id = ? AND target_id IS NOT NULL",
        (mirror, chat, source_id),
    ).fetchone()
    return row is not None


def open_prints(db: Db, target: int) -> list[str]:
    """Return the fingerprints of attempts at this target whose outcome is not known."""
    rows = db.execute(
        "SELECT fingerprint FROM copy JOIN job ON job.id = copy.job WHERE copy.target = ? "
        "AND job.state IN ('open', 'parked') AND target_id IS NULL",
        (target,),
    )
    return [row["fingerprint"] for row in rows]


def highest_copy(db: Db, target: int) -> int:
    """Return the highest message of the target that the ledger maps; 0 where it maps none."""
    row = db.execute(
        "SELECT max(target_id) AS id FROM copy WHERE target = ? AND target_id IS NOT NULL", (target,)
    ).fetchone()
    return row["id"] or 0


def pin_anew(db: Db, mirror: int, chat: int, source_id: int, now: float) -> None:
    """Store a pin for a new copy, where its original is pinned; a pending pin keeps its position.

    Also for a first copy whose original was pinned before it was known.
    """
    db.execute(
        "INSERT INTO change (mirror, kind, chat, source_id, payload, first_at, last_at) "
        "SELECT mirror, 'pin', chat, source_id, ?, ?, ? FROM pinned "
        "WHERE mirror = ? AND chat = ? AND source_id = ? "
        "ON CONFLICT (mirror, kind, chat, source_id) DO NOTHING",
        (b"1", now, now, mirror, chat, source_id),
    )


#: Whether a change of an original's copy is pending.
_PENDING = (
    "EXISTS (SELECT 1 FROM change WHERE change.mirror = {0}.mirror AND change.kind IN ('edit', 'delete') "
    "AND change.given_up = '' "
    "AND change.chat = {0}.chat AND change.source_id IN ({0}.source_id, -{0}.source_id))"
)


#: Whether a waiting job will replace this copy.
_REPLACED = (
    "EXISTS (SELECT 1 FROM item JOIN job AS next ON next.id = item.job WHERE item.mirror = copy.mirror "
    "AND item.chat = copy.chat AND item.source_id = copy.source_id AND next.id <> copy.job "
    "AND next.state = 'waiting')"
)


class Entry(Value, frozen=True, kw_only=True):
    """The state of one source message."""

    source_id: int
    job: int
    kind: str
    state: JobState
    reason: str
    #: Digest of the state that the copy shows.
    digest: str
    media_id: int
    #: Its messages in the current target: the number of known ids, the first of these, the number of
    #: scheduled and that of missing ones.
    known: int
    first: int
    scheduled: int
    lacking: int
    #: Number of messages in the basic group that the target was before.
    former: int
    pending: bool


class Copied(Value, frozen=True, kw_only=True):
    """One message of a target that is a copy."""

    target_id: int
    mirror: int
    chat: int
    source_id: int
    fingerprint: str
    kind: str
    lane: Lane
    ord: int
    sub: int
    pending: bool


def entries(db: Db, mirror: int, chat: int, after: int, upto: int) -> dict[int, Entry]:
    """Return the known source messages with ids above `after` up to `upto`."""
    rows = db.execute(
        "SELECT item.source_id, job.id AS job, job.kind, job.state, job.reason, item.digest, item.media_id, "
        "(SELECT count(target_id) FROM copy WHERE copy.mirror = item.mirror AND copy.chat = item.chat "
        "AND copy.source_id = item.source_id AND copy.target = mirror.target) AS known, "
        "(SELECT coalesce(min(target_id), 0) FROM copy WHERE copy.mirror = item.mirror "
        "AND copy.chat = item.chat AND copy.source_id = item.source_id AND copy.target = mirror.target) "
        "AS first, "
        "(SELECT count(scheduled_id) FROM copy WHERE copy.mirror = item.mirror AND copy.chat = item.chat "
        "AND copy.source_id = item.source_id AND copy.target = mirror.target AND target_id IS NULL) "
        "AS scheduled, "
        "(SELECT count(*) FROM copy WHERE copy.mirror = item.mirror AND copy.chat = item.chat "
        "AND copy.source_id = item.source_id AND copy.target = mirror.target AND target_id IS NULL "
        "AND scheduled_id IS NULL) AS lacking, "
        "(SELECT count(target_id) FROM copy WHERE copy.mirror = item.mirror AND copy.chat = item.chat "
        "AND copy.source_id = item.source_id AND copy.target <> mirror.target) AS former, "
        f"{_PENDING.format('item')} AS pending "
        "FROM item JOIN job ON job.id = item.job JOIN mirror ON mirror.id = item.mirror "
        "WHERE item.mirror = ? AND item.chat = ? AND item.source_id > ? AND item.source_id <= ?",
        (mirror, chat, after, upto),
    )
    return {row["source_id"]: Entry(**{**dict(row), "pending": bool(row["pending"])}) for row in rows}


def copies_between(db: Db, target: int, after: int, upto: int) -> list[Copied]:
    """Return the copies of all mirrors in a target above `after` up to `upto`."""
    rows = db.execute(
        "SELECT copy.target_id, copy.mirror, copy.chat, copy.source_id, copy.fingerprint, job.kind, "
        f"job.lane, job.ord, job.sub, {_PENDING.format('copy')} OR {_REPLACED} AS pending FROM copy "
        "JOIN job ON job.id = copy.job "
        "WHERE copy.target = ? AND copy.target_id > ? AND copy.target_id <= ? ORDER BY copy.target_id",
        (target, after, upto),
    )
    return [Copied(**{**dict(row), "pending": bool(row["pending"])}) for row in rows]


def first_of(db: Db, mirror: int, target: int) -> int:
    """Return the first message of the target that this mirror may have sent; 0 where it sent none."""
    row = db.execute(
        "SELECT target_id FROM copy WHERE target = ? AND target_id IS NOT NULL AND mirror = ? "
        "ORDER BY target_id LIMIT 1",
        (target, mirror),
    ).fetchone()
    first = int(row["target_id"]) if row else 0
    floor = db.execute("SELECT floor FROM mirror WHERE id = ?", (mirror,)).fetchone()["floor"]
    return first if floor is None else min(first or floor + 1, floor + 1)


def feeds(db: Db, mirror: int) -> list[tuple[int, int]]:
    """Return the source chats of a mirror, former ones first, each with the id up to which it was read."""
    rows = db.execute("SELECT chat, fed_to FROM feed WHERE mirror = ? ORDER BY base, chat", (mirror,))
    return [(row["chat"], row["fed_to"]) for row in rows]
