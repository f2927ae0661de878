"""Queues a source message once more, or maps it to a copy found again, as the operator asked.

It becomes a job of its own at the end of its lane: late copies are not checked for order. Its present copies
in the target are deleted first (`replacing`), so that there is never a second copy. Plain functions, one
transaction each.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.messages import Message
from .changes import Change
from .copies import keep_shown, pin_anew
from .engine import Db
from .enqueue import NewId, take
from .jobs import place_of
from .leftovers import leave_out
from .replacing import note_replaced
from .rows import LATE, REPLACES, Lane, encode


def album_of(db: Db, mirror: int, chat: int, source_id: int) -> list[int]:
    """Return the source messages of this message's job, itself included; empty if it is not known."""
    rows = db.execute(
        "SELECT other.source_id FROM item JOIN item AS other ON other.job = item.job "
        "WHERE item.mirror = ? AND item.chat = ? AND item.source_id = ? ORDER BY other.source_id",
        (mirror, chat, source_id),
    )
    return [row["source_id"] for row in rows]


def send_again(
    db: Db, mirror: int, messages: Sequence[Message], *, standing: Sequence[int], now: float, new_id: NewId
) -> int | None:
    """Queue these known, settled messages as one post; return the job's id, None where one is not settled.

    `standing`: their present copies in the target, deleted before anything is sent. Where there are none,
    messages of the history join the backlog: a thousand holes are filled at its pace. Does not notify
    subscribers.
    """
    lanes = [_settled_lane(db, mirror, message) for message in messages]
    if None in lanes:
        return None
    lane: Lane = "backlog" if "backlog" in lanes and not standing else "live"
    job = _job(db, mirror, lane, REPLACES if standing else LATE, messages, now)
    for message in messages:
        quiet = msgspec.structs.replace(message, silent=True)
        _move(db, mirror, quiet, job, new_id(), replaces=bool(standing), now=now)
        pin_anew(db, mirror, message.chat, message.id, now)
    if standing:
        note_replaced(db, mirror, messages[0].chat, messages[0].id, now)
    return job


def send_anew(db: Db, change: Change, new_id: NewId, now: float) -> int:
    """Queue the original as a job of its own that replaces its copy, where that cannot be edited in place."""
    message = change.message()
    job = _job(db, change.mirror, "live", REPLACES, [message], now)
    _move(db, change.mirror, message, job, new_id(), replaces=True, now=now)
    pin_anew(db, change.mirror, message.chat, message.id, now)
    note_replaced(db, change.mirror, message.chat, message.id, now, for_edit=True)
    return job


def capture(db: Db, mirror: int, messages: Sequence[Message], *, now: float, new_id: NewId) -> int:
    """Insert messages (one, or an album) that the ledger does not know, as late ones; return how many are
    new.
    """
    chat = messages[0].chat
    row = db.execute("SELECT born_to FROM feed WHERE mirror = ? AND chat = ?", (mirror, chat)).fetchone()
    born_to = row["born_to"] if row else 0
    new = 0
    for message in messages:
        lane: Lane = "backlog" if message.id <= born_to else "live"
        quiet = msgspec.structs.replace(message, silent=True)
        new += take(db, mirror, quiet, lane=lane, released=True, pts=0, now=now, new_id=new_id)
        db.execute(
            "UPDATE job SET sub = 2, sealed = 1, ord = CASE WHEN ord < :end THEN :end ELSE ord END "
            "WHERE state = 'waiting' AND attempts = 0 "
            "AND id = (SELECT job FROM item WHERE mirror = :mirror AND chat = :chat AND source_id = :id)",
            {"end": _end_position(db, mirror, messages), "mirror": mirror, "chat": chat, "id": message.id},
        )
    return new


def late(db: Db, mirror: int, messages: Sequence[Message]) -> None:
    """Mark messages as late: newer ones may have been copied already, so their order is not checked."""
    for message in messages:
        db.execute(
            "UPDATE job SET sub = 2 WHERE sub = 0 AND id = (SELECT job FROM item WHERE mirror = ? "
            "AND chat = ? AND source_id = ?)",
            (mirror, message.chat, message.id),
        )


def _job(db: Db, mirror: int, lane: Lane, sub: int, messages: Sequence[Message], now: float) -> int:
    first = messages[0]
    row = db.execute(
        "INSERT INTO job (mirror, lane, ord, sub, chat, first_id, date, items, topic, group_id, "
        "last_item_at) VALUES (?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
        (
            mirror,
            lane,
            _end_position(db, mirror, messages),
            sub,
            first.chat,
            first.id,
            first.date,
            len(messages),
            first.topic or 0,
            first.group if len(messages) > 1 else None,
            now,
        ),
    ).fetchone()
    return int(row["id"])


def _end_position(db: Db, mirror: int, messages: Sequence[Message]) -> int:
    """Return the position after everything read so far."""
    chat = messages[0].chat
    fed = db.execute("SELECT fed_to FROM feed WHERE mirror = ? AND chat = ?", (mirror, chat)).fetchone()
    return place_of(db, mirror, chat, max(messages[-1].id, fed["fed_to"] if fed else 0))


def _settled_lane(db: Db, mirror: int, message: Message) -> Lane | None:
    """Return the lane of a message that is done or skipped; None for any other."""
    row = db.execute(
        "SELECT job.lane FROM item JOIN job ON job.id = item.job WHERE item.mirror = ? "
        "AND item.chat = ? AND item.source_id = ? AND job.state IN ('done', 'skipped')",
        (mirror, message.chat, message.id),
    ).fetchone()
    return row["lane"] if row else None


def _move(
    db: Db, mirror: int, message: Message, job: int, random_id: int, *, replaces: bool, now: float
) -> None:
    """Move a message from its former job, which counts one message less, to this one.

    `replaces`: its copies stay in the map until they are deleted, and what they show is known.
    """
    key = (mirror, message.chat, message.id)
    before = db.execute(
        "SELECT job.id, byline, placed, host FROM item JOIN job ON job.id = item.job WHERE item.mirror = ? "
        "AND item.chat = ? AND item.source_id = ?",
        key,
    ).fetchone()
    db.execute(
        "UPDATE item SET job = ?, random_id = ?, payload = ? WHERE mirror = ? AND chat = ? AND source_id = ?",
        (job, random_id, encode(message), *key),
    )
    db.execute("UPDATE job SET items = items - 1 WHERE id = ? AND items > 0", (before["id"],))
    for table in ("upload", "committed"):
        # An edit that could not be made in place has already uploaded its file.
        db.execute(
            f"UPDATE {table} SET job = ? WHERE job = ? AND source_id = ?", (job, before["id"], message.id)
        )
    # If a part of it was sent, the rest is not sent in addition.
    leave_out(db, before["id"], [message.id], now)
    db.execute(
        "DELETE FROM change WHERE kind IN ('edit', 'delete') AND mirror = ? AND chat = ? AND source_id = ?",
        key,
    )
    if replaces:
        # If these stay, an edit has to keep their lines.
        db.execute(
            "UPDATE job SET byline = ?, placed = ?, host = ? WHERE id = ?",
            (before["byline"], before["placed"], before["host"], job),
        )
        return
    db.execute("DELETE FROM copy WHERE mirror = ? AND chat = ? AND source_id = ?", key)
    keep_shown(db, mirror, message)


def found_again(
    db: Db,
    mirror: int,
    message: Message,
    copies: Sequence[tuple[int, str]],
    *,
    now: float,
    new_id: NewId,
) -> bool:
    """Map a message whose copy is gone to these messages of the target, which no job maps; return success.

    `copies`: their ids, each with its fingerprint.
    """
    for target_id, _ in copies:
        if db.execute(
            "SELECT 1 FROM copy JOIN mirror ON mirror.target = copy.target WHERE mirror.id = ? "
            "AND target_id = ?",
            (mirror, target_id),
        ).fetchone():
            return False
    key = (mirror, message.chat, message.id)
    row = db.execute(
        "SELECT job.id, mirror.target FROM item JOIN job ON job.id = item.job JOIN mirror "
        "ON mirror.id = item.mirror WHERE item.mirror = ? AND item.chat = ? AND item.source_id = ? "
        "AND job.state IN ('done', 'skipped')",
        key,
    ).fetchone()
    if row is None:
        return False
    db.execute("DELETE FROM copy WHERE mirror = ? AND chat = ? AND source_id = ?", key)
    for target_id, print_ in copies:
        db.execute(
            "INSERT INTO copy (random_id, job, seq, idx, mirror, chat, source_id, target, fingerprint, "
            "target_id) VALUES (?,?,0,(SELECT coalesce(max(idx), -1) + 1 FROM copy WHERE job = ? "
            "AND seq = 0),?,?,?,?,?,?)",
            (new_id(), row["id"], row["id"], *key, row["target"], print_, target_id),
        )
    db.execute("UPDATE job SET state = 'done', reason = '' WHERE id = ?", (row["id"],))
    pin_anew(db, *key, now)
    # Its order is not checked: somebody else decided its place.
    db.execute("UPDATE job SET sub = 2 WHERE id = ? AND items = 1", (row["id"],))
    return True


def out_of_date(db: Db, mirror: int, chat: int, source_id: int) -> None:
    """Mark a copy as different from what was sent: the next edit replaces all of it."""
    db.execute(
        "UPDATE item SET digest = '', media_id = -1 WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, chat, source_id),
    )
