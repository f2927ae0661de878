"""Enqueues one source message: as a job, as an item of an album, or not at all.

Inserting a known message only updates it. Called inside the transactions of `intake`; moves no position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..domain.messages import Message
from ..domain.reasons import tells
from .changes import note, note_edit
from .copies import pin_anew, stands
from .engine import CHATS, Db
from .jobs import place_of
from .leftovers import is_made_in_part, leave_out
from .limits import DELETION_HELD
from .rows import LATE, Lane, encode
from .topics import hear, is_forum

#: Telegram's limit: an album has at most ten items (https://core.telegram.org/method/messages.sendMultiMedia).
ALBUM_MAX = 10

NewId = Callable[[], int]


def take(
    db: Db,
    mirror: int,
    message: Message,
    *,
    lane: Lane,
    released: bool,
    pts: int,
    now: float,
    new_id: NewId,
) -> int:
    """Insert the message, or update it; return 1 if it is new."""
    known = db.execute(
        "SELECT item.job FROM item WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, message.chat, message.id),
    ).fetchone()
    if known:
        # A push shows an old state: the difference that overtook it may include a later edit.
        if released:
            revise(db, mirror, message, now)
            db.execute("UPDATE job SET released = 1 WHERE id = ?", (known["job"],))
        return 0
    if _is_own_copy(db, mirror, message):
        return 0
    job = None
    follows = None
    if message.group is not None:
        job, follows = _open_album(db, mirror, message.group, now)
    if job is None:
        job = _new_job(db, mirror, message, lane=lane, released=released, follows=follows, now=now)
    else:
        db.execute(
            "UPDATE job SET items = items + 1, last_item_at = ?, sealed = CASE WHEN items + 1 >= ? THEN 1 "
            "ELSE sealed END, released = CASE WHEN ? = 1 THEN 1 ELSE released END WHERE id = ?",
            (now, ALBUM_MAX, int(released), job),
        )
        db.execute(
            "UPDATE job SET first_id = CASE WHEN first_id > :id THEN :id ELSE first_id END, "
            "ord = CASE WHEN sub = 0 AND ord > :ord THEN :ord ELSE ord END WHERE id = :job",
            {"id": message.id, "ord": place_of(db, mirror, message.chat, message.id), "job": job},
        )
    db.execute(
        "INSERT INTO item (mirror, chat, source_id, job, random_id, pts, digest, media_id, payload) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        (
            mirror,
            message.chat,
            message.id,
            job,
            new_id(),
            pts,
            message.content(),
            message.media_id,
            encode(message),
        ),
    )
    if message.media is not None and message.media.kind == "poll" and not message.media.closed:
        db.execute(
            "INSERT INTO poll (mirror, chat, source_id) VALUES (?,?,?) "
            "ON CONFLICT (mirror, chat, source_id) DO NOTHING",
            (mirror, message.chat, message.id),
        )
    # Its pin may have arrived before the message, and found nothing to pin.
    pin_anew(db, mirror, message.chat, message.id, now)
    if message.service in ("TopicCreate", "TopicEdit"):
        hear(db, mirror, message, live=lane == "live", now=now)
    return 1


def _new_job(
    db: Db, mirror: int, message: Message, *, lane: Lane, released: bool, follows: int | None, now: float
) -> int:
    makes_topic = message.service == "TopicCreate" and is_forum(db, mirror)
    reason = tells(message.service) if message.service and not makes_topic else ""
    # A late item of an album follows its album.
    place = (place_of(db, mirror, message.chat, message.id), 0)
    if follows is not None:
        row = db.execute("SELECT ord FROM job WHERE id = ?", (follows,)).fetchone()
        place = (row["ord"], 1)
    row = db.execute(
        "INSERT INTO job (mirror, kind, lane, ord, sub, chat, first_id, date, topic, group_id, follows, "
        "state, reason, released, sealed, last_item_at, settled_at) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) RETURNING id",
        (
            mirror,
            "topic" if makes_topic else "copy",
            lane,
            *place,
            message.chat,
            message.id,
            message.date,
            message.topic or 0,
            message.group,
            follows,
            "skipped" if reason else "waiting",
            reason,
            released,
            message.group is None,
            now,
            now if reason else None,
        ),
    ).fetchone()
    return int(row["id"])


def _open_album(db: Db, mirror: int, group: int, now: float) -> tuple[int | None, int | None]:
    """Return the job that an item of this album joins, or the job that a late one follows."""
    rows = db.execute(
        "SELECT id, state, attempts, items, follows FROM job WHERE mirror = ? AND group_id = ? ORDER BY id",
        (mirror, group),
    ).fetchall()
    for row in rows:
        if row["state"] == "waiting" and row["attempts"] == 0 and row["items"] < ALBUM_MAX:
            return row["id"], row["follows"]
    return None, rows[0]["id"] if rows else None


def _is_own_copy(db: Db, mirror: int, message: Message) -> bool:
    """Return whether this mirror made the message; our account's other posts are source posts."""
    row = db.execute(
        "SELECT 1 FROM copy WHERE target = ? AND target_id = ? AND mirror = ?",
        (message.chat, message.id, mirror),
    ).fetchone()
    return row is not None


def in_gap(db: Db, mirror: int, message: Message, lane: Lane) -> bool:
    row = db.execute(
        "SELECT 1 FROM gap WHERE mirror = ? AND chat = ? AND lane = ? AND next_id < ? AND end_id >= ?",
        (mirror, message.chat, lane, message.id, message.id),
    ).fetchone()
    return row is not None


def revise(db: Db, mirror: int, message: Message, now: float) -> None:
    """Store the newest state of a message; after an attempt, store a change instead."""
    row = db.execute(
        "SELECT job.state, job.attempts, item.digest FROM item JOIN job ON job.id = item.job "
        "WHERE item.mirror = ? AND item.chat = ? AND item.source_id = ?",
        (mirror, message.chat, message.id),
    ).fetchone()
    if row is None:
        return
    if row["state"] in ("waiting", "parked") and row["attempts"] == 0:
        key = (mirror, message.chat, message.id)
        db.execute(
            "UPDATE item SET payload = ? WHERE mirror = ? AND chat = ? AND source_id = ? "
            "AND payload IS NOT NULL",
            (encode(message), *key),
        )
        if not stands(db, *key):
            # Otherwise its old copy still exists and shows the old state.
            db.execute(
                "UPDATE item SET digest = ?, media_id = ? WHERE mirror = ? AND chat = ? AND source_id = ? "
                "AND payload IS NOT NULL",
                (message.content(), message.media_id, *key),
            )
    elif row["state"] != "skipped" or stands(db, mirror, message.chat, message.id):
        note_edit(db, mirror, message, shown=row["digest"], now=now)


def drop_deleted(
    db: Db, mirror: int, chat: int, ids: Sequence[int], now: float, *, mirrored: bool, held: bool
) -> list[int]:
    """Drop messages deleted before their turn: skip an unattempted one (`held`: park), or an album's item.

    Unless deletions are `mirrored`, a message that is sent once more stays: it had a copy. Returns the ids
    not dropped: their copies exist or are being made.
    """
    left = []
    for source_id in ids:
        row = db.execute(
            "SELECT job.id, job.items, job.state, job.sub, reason, attempts, payload IS NULL AS gone, "
            "item.chat FROM item JOIN job ON job.id = item.job WHERE item.mirror = :mirror "
            f"AND item.chat IN {CHATS} AND item.source_id = :id",
            {"mirror": mirror, "chat": chat, "id": source_id},
        ).fetchone()
        if row is None or row["reason"] == DELETION_HELD:
            continue
        if row["state"] == "skipped":
            # The sent part of an album that was given up still exists.
            left += [source_id] if stands(db, mirror, row["chat"], source_id) else []
            continue
        again = row["sub"] >= LATE and not mirrored
        waits = row["state"] in ("waiting", "parked")
        if waits and row["attempts"] and mirrored and not held and is_made_in_part(db, row["id"]):
            # A part of the job was sent: delete this message's copy, and do not send the rest of it.
            leave_out(db, row["id"], [source_id], now)
            left.append(source_id)
            continue
        if not waits or row["attempts"] or again:
            left.append(source_id)
        elif row["gone"]:
            # Reported again, by the difference after the push: the rest of its album still counts.
            continue
        elif row["items"] == 1:
            state, reason = ("parked", DELETION_HELD) if held else ("skipped", "deleted before its turn")
            db.execute(
                "UPDATE job SET state = ?, reason = ?, settled_at = ? WHERE id = ?",
                (state, reason, now, row["id"]),
            )
            if not held:
                db.execute("UPDATE item SET payload = NULL WHERE job = ?", (row["id"],))
        elif not held:
            db.execute(
                "UPDATE item SET payload = NULL WHERE job = ? AND source_id = ?", (row["id"], source_id)
            )
            db.execute("UPDATE job SET items = items - 1 WHERE id = ?", (row["id"],))
        else:
            _hold_item(db, mirror, row["id"], row["chat"], source_id, now)
    return left


def _hold_item(db: Db, mirror: int, job: int, chat: int, source_id: int, now: float) -> None:
    """Send the item with its album, and hold its deletion for the operator; park a job deleted entirely."""
    note(db, mirror, "delete", chat, source_id, b"", now)
    left = db.execute(
        "SELECT 1 FROM item WHERE job = ? AND payload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM change "
        "WHERE kind = 'delete' AND change.mirror = item.mirror AND change.chat = item.chat "
        "AND change.source_id = item.source_id) LIMIT 1",
        (job,),
    ).fetchone()
    if left is None:
        db.execute(
            "UPDATE job SET state = 'parked', reason = ?, settled_at = ? WHERE id = ?",
            (DELETION_HELD, now, job),
        )
        db.execute(
            "DELETE FROM change WHERE kind = 'delete' AND mirror = ? AND chat = ? AND source_id IN "
            "(SELECT source_id FROM item WHERE job = ?)",
            (mirror, chat, job),
        )
