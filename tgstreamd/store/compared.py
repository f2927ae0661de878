"""What the ledger says about a stretch of either chat, so that they can be compared page by page. Reads only.

Each answer is a range of an index: how long a history is does not matter.
"""

from __future__ import annotations

from ..domain.messages import Value
from .engine import Db
from .records import JobState, Lane

#: Whether something is still to be done about an original's copy.
_PENDING = (
    "EXISTS (SELECT 1 FROM change WHERE change.mirror = {0}.mirror AND change.kind IN ('edit', 'delete') "
    "AND change.given_up = '' "
    "AND change.chat = {0}.chat AND change.source_id IN ({0}.source_id, -{0}.source_id))"
)
#: Whether a job that waits will put another copy in the place of this one.
_REPLACED = (
    "EXISTS (SELECT 1 FROM item CROSS JOIN job AS next ON next.id = item.job WHERE item.mirror = copy.mirror "
    "AND item.chat = copy.chat AND item.source_id = copy.source_id AND next.id <> copy.job "
    "AND next.state = 'waiting')"
)


class Entry(Value, frozen=True, kw_only=True):
    """What became of one source message."""

    source_id: int
    job: int
    kind: str
    state: JobState
    reason: str
    #: Of what the copy shows.
    digest: str
    media_id: int
    #: Its messages in what is the target now: how many are known by their ids, the first of these, how many
    #: are only scheduled, and how many should be there besides.
    known: int
    first: int
    scheduled: int
    lacking: int
    #: How many it has in the basic group that the target was before.
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
    """The source messages with ids above `after` up to `upto` that the ledger knows."""
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
        "FROM item CROSS JOIN job ON job.id = item.job CROSS JOIN mirror ON mirror.id = item.mirror "
        "WHERE item.mirror = ? AND item.chat = ? AND item.source_id > ? AND item.source_id <= ?",
        (mirror, chat, after, upto),
    )
    return {row["source_id"]: Entry(**{**dict(row), "pending": bool(row["pending"])}) for row in rows}


def copies_between(db: Db, target: int, after: int, upto: int) -> list[Copied]:
    """The copies of any mirror that stand in a target above `after` up to `upto`."""
    rows = db.execute(
        "SELECT copy.target_id, copy.mirror, copy.chat, copy.source_id, copy.fingerprint, job.kind, "
        f"job.lane, job.ord, job.sub, {_PENDING.format('copy')} OR {_REPLACED} AS pending FROM copy "
        "CROSS JOIN job ON job.id = copy.job "
        "WHERE copy.target = ? AND copy.target_id > ? AND copy.target_id <= ? ORDER BY copy.target_id",
        (target, after, upto),
    )
    return [Copied(**{**dict(row), "pending": bool(row["pending"])}) for row in rows]


def first_of(db: Db, mirror: int, target: int) -> int:
    """From which message of the target on there may be some that this mirror made; 0 where it made none."""
    row = db.execute(
        "SELECT target_id FROM copy WHERE target = ? AND target_id IS NOT NULL AND mirror = ? "
        "ORDER BY target_id LIMIT 1",
        (target, mirror),
    ).fetchone()
    first = int(row["target_id"]) if row else 0
    floor = db.execute("SELECT floor FROM mirror WHERE id = ?", (mirror,)).fetchone()["floor"]
    return first if floor is None else min(first or floor + 1, floor + 1)


def feeds(db: Db, mirror: int) -> list[tuple[int, int]]:
    """The source chats of a mirror, what it was before first: each with the id up to which it was read."""
    rows = db.execute("SELECT chat, fed_to FROM feed WHERE mirror = ? ORDER BY base, chat", (mirror,))
    return [(row["chat"], row["fed_to"]) for row in rows]
