"""Keeps the changes of originals after copying: edits, deletions and pins, for the change sender.

At most one change of a kind is pending for a message; it holds the newest state.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.messages import Message, Value
from .copies import keep_shown, stands
from .engine import CHATS, Db, Row
from .jobs import may_come
from .rows import decode_draft, decode_message, encode

#: An edit is sent after its original was unchanged for QUIET seconds, or LONGEST seconds after the first.
QUIET, LONGEST = 10.0, 300.0
#: https://core.telegram.org/method/channels.deleteMessages
DELETE_AT_ONCE = 100
#: Kinds whose row is kept when given up: a job waits for it, or the same change would be stored again.
KEPT = frozenset({"delete", "topic", "order", "chat"})


class Change(Value, frozen=True, kw_only=True):
    """One change to make to a copy, or to a topic or chat of the target."""

    id: int
    mirror: int
    target: int
    kind: str
    chat: int
    source_id: int
    payload: bytes
    attempts: int

    def message(self) -> Message:
        """Return the newest state of the original, for an edit."""
        return decode_message(self.payload)

    def flag(self) -> bool:
        """Return whether the message is pinned, for a pin."""
        return self.payload == b"1"

    @property
    def replaces(self) -> bool:
        """Whether it deletes copies that a newer message will replace (`replacing`)."""
        return self.kind == "delete" and self.source_id < 0


def note(db: Db, mirror: int, kind: str, chat: int, source_id: int, payload: bytes, now: float) -> None:
    """Store a change; its state replaces that of a pending one of this kind."""
    db.execute(
        "INSERT INTO change (mirror, kind, chat, source_id, payload, first_at, last_at) "
        "VALUES (?,?,?,?,?,?,?) ON CONFLICT (mirror, kind, chat, source_id) DO UPDATE "
        "SET payload = excluded.payload, last_at = excluded.last_at, given_up = '', "
        "attempts = CASE WHEN change.given_up = '' THEN change.attempts ELSE 0 END",
        (mirror, kind, chat, source_id, payload, now, now),
    )


def note_edit(db: Db, mirror: int, message: Message, *, shown: str, now: float) -> None:
    """Store an edit, unless the original looks like `shown`, its digest when the copy was made."""
    if message.content() == shown:
        # Reactions, views, a keyboard; or an edit undone before it was carried out.
        db.execute(
            "DELETE FROM change WHERE mirror = ? AND kind = 'edit' AND chat = ? AND source_id = ?",
            (mirror, message.chat, message.id),
        )
        return
    pending = db.execute(
        "SELECT payload FROM change WHERE mirror = ? AND kind = 'edit' AND chat = ? AND source_id = ?",
        (mirror, message.chat, message.id),
    ).fetchone()
    if pending and decode_message(pending["payload"]).content() == message.content():
        return
    note(db, mirror, "edit", message.chat, message.id, encode(message), now)


def note_closed_poll(db: Db, job_id: int, seq: int, now: float) -> None:
    """Store the closing of a poll as an edit: a poll is always sent open, even where votes are closed."""
    sent = db.execute("SELECT draft FROM send WHERE job = ? AND seq = ?", (job_id, seq)).fetchone()
    media = decode_draft(sent["draft"]).pieces[0].media if sent and sent["draft"] else None
    if media is None or not media.closed:
        return
    row = db.execute(
        "SELECT mirror, payload FROM item WHERE job = ? AND payload IS NOT NULL", (job_id,)
    ).fetchone()
    if row is not None:
        message = decode_message(row["payload"])
        closed = msgspec.structs.replace(message, media=media)
        db.execute(
            "INSERT INTO change (mirror, kind, chat, source_id, payload, first_at, last_at) "
            "VALUES (?,'edit',?,?,?,?,?) ON CONFLICT (mirror, kind, chat, source_id) DO NOTHING",
            # At once: no further edit is expected.
            (row["mirror"], message.chat, message.id, encode(closed), now - QUIET, now - QUIET),
        )


def note_deleted(db: Db, mirror: int, chat: int, ids: Sequence[int], now: float) -> None:
    """Store deletions of the copies of these originals; drop their pending edits and pins."""
    for source_id in ids:
        rows = db.execute(
            # The message that created a topic is kept: deleting it would delete the topic.
            "SELECT DISTINCT copy.chat FROM copy JOIN job ON job.id = copy.job WHERE job.kind = 'copy' "
            f"AND copy.mirror = :mirror AND copy.chat IN {CHATS} AND copy.source_id = :id",
            {"mirror": mirror, "chat": chat, "id": source_id},
        ).fetchall()
        for row in rows:
            db.execute(
                "DELETE FROM change WHERE mirror = ? AND kind IN ('edit', 'pin') AND chat = ? "
                "AND source_id = ?",
                (mirror, row["chat"], source_id),
            )
            note(db, mirror, "delete", row["chat"], source_id, b"", now)


def due(db: Db, now: float) -> tuple[list[Change], float | None]:
    """Return the due changes whose copies exist, oldest first, and the time of the next one."""
    ready: list[Change] = []
    soonest: float | None = None
    rows = db.execute(
        "SELECT change.*, mirror.target FROM change JOIN mirror ON mirror.id = change.mirror "
        "WHERE mirror.active = 1 AND mirror.hold = '' AND mirror.waiting = '' AND mirror.lost = '' "
        "AND change.given_up = '' "
        "AND (change.kind <> 'delete' OR mirror.held = '' OR change.source_id < 0) ORDER BY change.id"
    ).fetchall()
    for row in rows:
        at = row["not_before"]
        if row["kind"] == "edit":
            at = max(at, min(row["last_at"] + QUIET, row["first_at"] + LONGEST))
        if at > now:
            soonest = at if soonest is None else min(soonest, at)
        elif row["kind"] in ("topic", "order", "chat") or row["source_id"] < 0 or _is_copied(db, row):
            ready.append(
                Change(
                    id=row["id"],
                    mirror=row["mirror"],
                    target=row["target"],
                    kind=row["kind"],
                    chat=row["chat"],
                    source_id=row["source_id"],
                    payload=row["payload"] or b"",
                    attempts=row["attempts"],
                )
            )
    return ready, soonest


def _is_copied(db: Db, change: Row) -> bool:
    """Return whether the original is copied; drop the changes of one that never will be, not of a parked one.

    Also true for the sent part of an album that was parked or skipped later.
    """
    row = db.execute(
        "SELECT job.state FROM item JOIN job ON job.id = item.job WHERE item.mirror = ? AND item.chat = ? "
        "AND item.source_id = ?",
        (change["mirror"], change["chat"], change["source_id"]),
    ).fetchone()
    given_up = row is not None and row["state"] in ("parked", "skipped")
    if given_up and stands(db, change["mirror"], change["chat"], change["source_id"]):
        # An edit may replace all of it, and the outcome of a part may be unknown.
        return change["kind"] != "edit" or row["state"] == "skipped" or not _has_unknown_outcome(db, change)
    if row is None or row["state"] == "skipped":
        if (
            row is not None
            or change["kind"] != "pin"
            or not may_come(db, change["mirror"], change["chat"], change["source_id"])
        ):
            db.execute("DELETE FROM change WHERE id = ?", (change["id"],))
        return False
    return bool(row["state"] == "done")


def _has_unknown_outcome(db: Db, change: Row) -> bool:
    """Return whether a call with a part of this message has an unknown outcome."""
    row = db.execute(
        "SELECT 1 FROM copy JOIN send ON send.job = copy.job AND send.seq = copy.seq WHERE mirror = ? "
        "AND chat = ? AND source_id = ? AND send.state = 'open'",
        (change["mirror"], change["chat"], change["source_id"]),
    ).fetchone()
    return row is not None


def postpone_change(db: Db, change: int, not_before: float, *, tries: int = 1) -> None:
    """Postpone a change; `tries` is 0 where it did not fail itself."""
    db.execute(
        "UPDATE change SET not_before = ?, attempts = attempts + ? WHERE id = ?", (not_before, tries, change)
    )


def count_given_up(db: Db, change: Change, why: str, now: float) -> None:
    """Count a change that was given up, by kind, and keep the last one, for people."""
    db.execute(
        "INSERT INTO given_up (mirror, kind, n, source_id, reason, at) VALUES (?,?,1,?,?,?) "
        "ON CONFLICT (mirror, kind) DO UPDATE SET n = given_up.n + 1, source_id = excluded.source_id, "
        "reason = excluded.reason, at = excluded.at",
        (change.mirror, change.kind, abs(change.source_id), why, now),
    )


def change_done(
    db: Db, change: Change, prints: Sequence[str] = (), *, given_up: str = "", now: float = 0.0
) -> None:
    """End a change that was carried out, or given up (at `now`), unless a newer state was stored meanwhile.

    `prints`: the fingerprints of the copies after an edit. If it was given up, they are set to match nothing,
    which a comparison reports; no further try is made by itself.
    """
    if change.kind == "edit":
        _set_fingerprints(db, change, prints, given_up=bool(given_up))
        keep_shown(db, change.mirror, change.message())
        db.execute(
            "DELETE FROM committed WHERE source_id = ? AND job = (SELECT job FROM item WHERE mirror = ? "
            "AND chat = ? AND source_id = ?)",
            (change.source_id, change.mirror, change.chat, change.source_id),
        )
    if given_up:
        count_given_up(db, change, given_up, now)
    if given_up and change.kind in KEPT:
        db.execute(
            "UPDATE change SET given_up = ? WHERE id = ? AND payload IS NOT DISTINCT FROM ?",
            (given_up, change.id, change.payload),
        )
        return
    db.execute(
        "DELETE FROM change WHERE id = ? AND payload IS NOT DISTINCT FROM ?", (change.id, change.payload)
    )


def refused_as(db: Db, mirror: int, kind: str, chat: int, source_id: int) -> bytes | None:
    """Return the state that Telegram refused, where a change of this kind was given up; else None."""
    row = db.execute(
        "SELECT payload FROM change WHERE mirror = ? AND kind = ? AND chat = ? AND source_id = ? "
        "AND given_up <> ''",
        (mirror, kind, chat, source_id),
    ).fetchone()
    return None if row is None else row["payload"] or b""


def _set_fingerprints(db: Db, change: Change, prints: Sequence[str], *, given_up: bool) -> None:
    rows = db.execute(
        "SELECT random_id FROM copy JOIN mirror ON mirror.id = copy.mirror AND mirror.target = copy.target "
        "WHERE copy.mirror = ? AND chat = ? AND source_id = ? AND target_id IS NOT NULL ORDER BY seq, idx",
        (change.mirror, change.chat, change.source_id),
    ).fetchall()
    for row, print_ in zip(rows, ["?"] * len(rows) if given_up else prints, strict=False):
        db.execute("UPDATE copy SET fingerprint = ? WHERE random_id = ?", (print_, row["random_id"]))


def edit_attempted(db: Db, change: Change, *, replace: bool) -> None:
    """Record, before a copy is edited, that its look is unknown until the edit is known to be done.

    Otherwise an original changed back after a lost answer would seem to need no edit. `replace`: the media as
    well.
    """
    db.execute(
        "UPDATE item SET digest = '', media_id = CASE WHEN ? THEN -1 ELSE media_id END "
        "WHERE mirror = ? AND chat = ? AND source_id = ?",
        (replace, change.mirror, change.chat, change.source_id),
    )


def note_pin(db: Db, mirror: int, chat: int, source_id: int, *, pinned: bool, now: float) -> None:
    """Store that the original was pinned or unpinned."""
    note(db, mirror, "pin", chat, source_id, b"1" if pinned else b"0", now)
    if pinned:
        db.execute(
            "INSERT INTO pinned (mirror, chat, source_id) VALUES (?,?,?) "
            "ON CONFLICT (mirror, chat, source_id) DO NOTHING",
            (mirror, chat, source_id),
        )
    else:
        db.execute(
            "DELETE FROM pinned WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, source_id)
        )


def take_pinned(db: Db, mirror: int, chat: int, pinned: Sequence[int], now: float) -> None:
    """Compare with all pins of the source, oldest first: store new ones and removed ones."""
    rows = db.execute("SELECT source_id FROM pinned WHERE mirror = ? AND chat = ?", (mirror, chat))
    known = {row["source_id"] for row in rows}
    for source_id in [*(known - set(pinned)), *(one for one in pinned if one not in known)]:
        note_pin(db, mirror, chat, source_id, pinned=source_id in pinned, now=now)
