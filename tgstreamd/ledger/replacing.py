"""Deletes copies, in particular before new ones are sent in their place.

A job that sends something again waits while there is a change of kind `delete` with the negative id of one of
its messages. Until that is settled the old copies stay in the map: if Telegram refuses the deletion, they
remain the copies. Plain functions, one transaction each.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.messages import Message
from .changes import Change, count_given_up, note_edit
from .copies import FOR_EDIT, keep_shown, noted, where_copied
from .engine import Db, Row
from .jobs import erase
from .leftovers import leave_out
from .rows import decode_message

#: Reasons why a message was not sent once more: its old copy stays.
KEPT_COPY = "its old copy cannot be deleted"
NO_NEW_COPY = "its new copy cannot be made"


def note_replaced(
    db: Db, mirror: int, chat: int, source_id: int, now: float, *, for_edit: bool = False
) -> None:
    """Store that the copies of this message's job are to be deleted before it is sent.

    Ids that an older schema stored there, and no map knows, are deleted with them.
    """
    db.execute(
        "INSERT INTO change (mirror, kind, chat, source_id, payload, first_at, last_at) "
        "VALUES (?,'delete',?,?,?,?,?) ON CONFLICT (mirror, kind, chat, source_id) DO UPDATE "
        "SET last_at = excluded.last_at, attempts = 0, given_up = ''",
        (mirror, chat, -source_id, FOR_EDIT if for_edit else b"", now, now),
    )


def copies_of_change(db: Db, change: Change) -> tuple[int, list[int]]:
    """Return the messages that a change concerns, and their chat: the target, or its former basic group.

    0 and none where there are none.
    """
    if not change.replaces:
        return where_copied(db, change.mirror, change.chat, change.source_id)
    place, ids = noted(change.payload)
    for source_id in _items(db, change):
        for copy in _old_copies(db, change, source_id):
            place = place or copy["target"]
            ids += [copy["target_id"]] if copy["target"] == place else []
    return place, sorted(set(ids))


def deleted(db: Db, done: Sequence[Change], now: float) -> bool:
    """Record deleted copies; return whether something can be sent in their place now."""
    for change in done:
        if change.replaces:
            items = _items(db, change)
            for source_id in items:
                _forget_old(db, change, source_id)
            _show_payloads(db, change, items)
        elif _forget_all(db, change, now):
            # A part with an unknown outcome may exist as well: then it is deleted, too.
            continue
        db.execute("DELETE FROM change WHERE id = ?", (change.id,))
    return any(change.replaces for change in done)


def deletion_refused(
    db: Db, change: Change, standing: Sequence[int], why: str, now: float, *, because: str = KEPT_COPY
) -> list[int]:
    """Record that some of these copies remain, `because` of a reason; return the messages not sent therefore.

    Remaining copies keep their place in the map. Of an album, only items whose copies are gone are sent.
    """
    if not change.replaces:
        for copy in where_copied(db, change.mirror, change.chat, change.source_id)[1]:
            if copy not in standing:
                db.execute(
                    "DELETE FROM copy WHERE mirror = ? AND chat = ? AND source_id = ? AND target_id = ?",
                    (change.mirror, change.chat, change.source_id, copy),
                )
        db.execute("UPDATE change SET given_up = ? WHERE id = ?", (why, change.id))
        count_given_up(db, change, why, now)
        return []
    items = _items(db, change)
    job = _job_of(db, change)
    db.execute("DELETE FROM change WHERE id = ?", (change.id,))
    if job is None or job["state"] not in ("waiting", "parked"):
        return []
    kept = [
        source_id
        for source_id in items
        if {copy["target_id"] for copy in _old_copies(db, change, source_id)} & set(standing)
    ]
    # For ids stored by schema 1 it is unknown whose copies they are.
    kept = kept or items
    gone = [source_id for source_id in items if source_id not in kept]
    for source_id in gone:
        _forget_old(db, change, source_id)
    _show_payloads(db, change, gone)
    for source_id in kept:
        _keep_shown(db, change, source_id, now)
    skipped = job["id"] if not gone else _move_out(db, job, change, kept)
    db.execute(
        "UPDATE job SET state = 'skipped', reason = ?, settled_at = ? WHERE id = ?",
        (f"{because}: {why}", now, skipped),
    )
    erase(db, skipped)
    return kept


def _job_of(db: Db, change: Change) -> Row | None:
    row: Row | None = db.execute(
        "SELECT job.* FROM item JOIN job ON job.id = item.job WHERE item.mirror = ? AND item.chat = ? "
        "AND item.source_id = ?",
        (change.mirror, change.chat, abs(change.source_id)),
    ).fetchone()
    return row


def _items(db: Db, change: Change) -> list[int]:
    """Return the messages of the job that waits for this deletion."""
    job = _job_of(db, change)
    if job is None:
        return []
    rows = db.execute("SELECT source_id FROM item WHERE job = ? ORDER BY source_id", (job["id"],))
    return [row["source_id"] for row in rows]


def _old_copies(db: Db, change: Change, source_id: int) -> list[Row]:
    """Return the copies of a message that its job did not make, those in the current target first."""
    return db.execute(
        "SELECT copy.target, copy.target_id FROM copy JOIN item ON item.mirror = copy.mirror "
        "AND item.chat = copy.chat AND item.source_id = copy.source_id JOIN mirror "
        "ON mirror.id = copy.mirror WHERE copy.mirror = ? AND copy.chat = ? AND copy.source_id = ? "
        "AND copy.job <> item.job AND copy.target_id IS NOT NULL "
        "ORDER BY copy.target = mirror.target DESC, copy.target_id",
        (change.mirror, change.chat, source_id),
    ).fetchall()


def _forget_all(db: Db, change: Change, now: float) -> bool:
    """Remove the copies of a message from the map, and its unsent rest from its job.

    Returns whether a call of unknown outcome has another part of it, which stays.
    """
    key = (change.mirror, change.chat, change.source_id)
    calls = db.execute(
        "SELECT copy.job, send.state FROM copy JOIN send ON send.job = copy.job AND send.seq = copy.seq "
        "WHERE copy.mirror = ? AND chat = ? AND source_id = ? AND target_id IS NULL",
        key,
    ).fetchall()
    for job in {call["job"] for call in calls if call["state"] == "new"}:
        leave_out(db, job, [change.source_id], now)
    unknown = any(call["state"] in ("open", "accepted") for call in calls)
    which = "AND target_id IS NOT NULL" if unknown else ""
    db.execute(f"DELETE FROM copy WHERE mirror = ? AND chat = ? AND source_id = ? {which}", key)
    return unknown


def _forget_old(db: Db, change: Change, source_id: int) -> None:
    """Remove the copies of a message that its job did not make from the map."""
    db.execute(
        "DELETE FROM copy WHERE mirror = :mirror AND chat = :chat AND source_id = :id AND job <> "
        "(SELECT job FROM item WHERE item.mirror = :mirror AND item.chat = :chat AND item.source_id = :id)",
        {"mirror": change.mirror, "chat": change.chat, "id": source_id},
    )


def _show_payloads(db: Db, change: Change, items: Sequence[int]) -> None:
    """Store that the next copy shows the messages to be sent."""
    for source_id in items:
        if (kept := _stored_message(db, change, source_id)) is not None:
            keep_shown(db, change.mirror, kept[0])


def _keep_shown(db: Db, change: Change, source_id: int, now: float) -> None:
    """Keep the old copy. An edit that it does not show is made in place, unless that was tried."""
    if (kept := _stored_message(db, change, source_id)) is None:
        return
    message, shown = kept
    if change.payload == FOR_EDIT:
        # Its fingerprint matches nothing, which a comparison reports; no try is made by itself.
        keep_shown(db, change.mirror, message)
        db.execute(
            "UPDATE copy SET fingerprint = '?' WHERE mirror = ? AND chat = ? AND source_id = ?",
            (change.mirror, change.chat, source_id),
        )
    else:
        note_edit(db, change.mirror, message, shown=shown, now=now)


def _stored_message(db: Db, change: Change, source_id: int) -> tuple[Message, str] | None:
    """Return the message to be sent, and the digest that its copy shows; None where none is stored."""
    row = db.execute(
        "SELECT payload, digest FROM item WHERE mirror = ? AND chat = ? AND source_id = ?",
        (change.mirror, change.chat, source_id),
    ).fetchone()
    if row is None or row["payload"] is None:
        return None
    return decode_message(row["payload"]), row["digest"]


def _move_out(db: Db, job: Row, change: Change, items: Sequence[int]) -> int:
    """Move those items of an album that are not sent again to a job of their own; return its id."""
    fields = dict(job) | {"items": len(items), "first_id": items[0]}
    del fields["id"]
    made = db.execute(
        f"INSERT INTO job ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))}) RETURNING id",
        tuple(fields.values()),
    ).fetchone()["id"]
    for source_id in items:
        db.execute(
            "UPDATE item SET job = ? WHERE mirror = ? AND chat = ? AND source_id = ?",
            (made, change.mirror, change.chat, source_id),
        )
    db.execute(
        "UPDATE job SET items = CASE WHEN items > :n THEN items - :n ELSE 0 END, "
        "first_id = (SELECT min(source_id) FROM item WHERE item.job = job.id) WHERE id = :job",
        {"n": len(items), "job": job["id"]},
    )
    return int(made)
