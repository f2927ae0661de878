"""Turns source messages into jobs: from pushes, differences and history pages.

Each function is one transaction that inserts jobs *and* moves the position, so that a crash between the two
cannot exist. Inserting a known message is harmless, which makes it safe to see it twice (push and difference,
difference and gap).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..domain.messages import Box, Message
from ..domain.updates import Difference
from .changes import note_deleted, note_pin
from .engine import CHANNELS_BELOW, CHATS, Db
from .enqueue import NewId, drop_deleted, in_gap, revise, take
from .jobs import note_vanished
from .limits import brake
from .mirrors import doubt, open_gap
from .resend import late
from .rows import Gap

#: A mirror, and whether it mirrors deletions (False: drop only waiting jobs; None: only count).
Deletes = tuple[int, bool | None]

#: Seconds after its last item during which an album still waits for more.
ALBUM_WAIT = 4.0


def box(db: Db, box_chat: int) -> Box | None:
    """Return the live position of a box; None where there is none."""
    row = db.execute("SELECT * FROM box WHERE chat = ?", (box_chat,)).fetchone()
    return Box(pts=row["pts"], qts=row["qts"], date=row["date"]) if row else None


def gaps(db: Db, mirror: int | None = None) -> list[Gap]:
    """Return the open gaps of active mirrors, live ones first."""
    rows = db.execute(
        "SELECT gap.* FROM gap JOIN mirror ON mirror.id = gap.mirror "
        "WHERE mirror.active = 1 AND (:mirror IS NULL OR gap.mirror = :mirror) ORDER BY lane DESC, gap.id",
        {"mirror": mirror},
    )
    return [Gap(**dict(row)) for row in rows]


def ingest_push(
    db: Db, message: Message, *, mirrors: Sequence[int], pts: int, now: float, new_id: NewId
) -> list[int]:
    """Insert a pushed message, unreleased, for these mirrors; return those that did not know it."""
    return [
        mirror
        for mirror in mirrors
        if not in_gap(db, mirror, message, "backlog")
        and take(db, mirror, message, lane="live", released=False, pts=pts, now=now, new_id=new_id)
    ]


def take_deleted(db: Db, chat: int, ids: Sequence[int], *, deletes: Sequence[Deletes], now: float) -> None:
    """Record deleted originals: drop waiting jobs and, where deletions are mirrored, delete the copies.

    Pushes count as well: no difference reports a message that came and went after its position.
    """
    for mirror, mirrored in deletes:
        if mirrored is None:
            note_vanished(db, mirror, chat, ids)
            continue
        known = _known_ids(db, mirror, chat, ids)
        held = mirrored and brake(db, mirror, len(known), now)
        left = drop_deleted(db, mirror, chat, known, now, mirrored=mirrored, held=held)
        if mirrored:
            note_deleted(db, mirror, chat, left, now)


def take_edits(db: Db, mirror: int, messages: Sequence[Message], now: float) -> None:
    """Compare the current state of these messages with their copies; differences become edits."""
    for message in messages:
        revise(db, mirror, message, now)


def _known_ids(db: Db, mirror: int, chat: int, ids: Sequence[int]) -> list[int]:
    """Return the ids that this mirror has and has not already dropped, deleted or marked for deletion."""
    return [
        source_id
        for source_id in ids
        if db.execute(
            "SELECT 1 FROM item JOIN job ON job.id = item.job WHERE item.mirror = :mirror "
            f"AND item.chat IN {CHATS} AND item.source_id = :id AND CASE "
            "WHEN job.state IN ('done', 'skipped') THEN EXISTS (SELECT 1 FROM copy "
            "WHERE copy.mirror = item.mirror AND copy.chat = item.chat AND copy.source_id = :id) "
            "ELSE job.attempts > 0 OR payload IS NOT NULL END "
            "AND NOT EXISTS (SELECT 1 FROM change WHERE change.mirror = :mirror AND kind = 'delete' "
            "AND change.chat = item.chat AND change.source_id = :id)",
            {"mirror": mirror, "chat": chat, "id": source_id},
        ).fetchone()
    ]


def take_difference(
    db: Db,
    box_chat: int,
    difference: Difference,
    *,
    takers: Callable[[Message], Sequence[int]],
    deletes: Callable[[int], Sequence[Deletes]],
    pins: Callable[[int], Sequence[int]],
    newest: dict[int, int],
    now: float,
    new_id: NewId,
) -> list[int]:
    """Insert one difference, for every mirror of its box; return the mirror of each new message.

    `takers(message)` returns the mirrors that want it, `deletes(chat)` those that handle deletions,
    `pins(chat)` those that copy pins. `newest` holds, for a difference that was too long, each chat's newest
    id.
    """
    new: list[int] = []
    # Before the rest of an album is inserted, after which the whole album counts as released.
    went = [] if difference.too_long else _find_vanished(db, box_chat, difference)
    for message in difference.messages:
        for mirror in takers(message):
            if not in_gap(db, mirror, message, "backlog") and take(
                db, mirror, message, lane="live", released=True, pts=0, now=now, new_id=new_id
            ):
                new.append(mirror)
            db.execute(
                "UPDATE feed SET fed_to = :id WHERE mirror = :mirror AND chat = :chat AND fed_to < :id",
                {"id": message.id, "mirror": mirror, "chat": message.chat},
            )
    for chat, gone in went:
        take_deleted(db, chat, gone, deletes=deletes(chat), now=now)
    for message in difference.edits:
        for mirror in takers(message):
            revise(db, mirror, message, now)
    for chat, ids in difference.deleted:
        take_deleted(db, chat, ids, deletes=deletes(chat), now=now)
    for chat, ids, pinned in difference.pins:
        for mirror in pins(chat):
            for source_id in ids:
                note_pin(db, mirror, chat, source_id, pinned=pinned, now=now)
    chats = [chat for chat, _ in _chats_of_box(db, box_chat)]
    for chat in chats:
        _release(db, chat, "item.pts <= ?", difference.box.pts)
        if difference.too_long:
            for mirror in _mirrors_of(db, chat):
                open_gap(db, mirror, chat, newest.get(chat, 0))
                doubt(db, mirror, chat)
    _move_box(db, box_chat, difference, chats, now)
    return new


def _find_vanished(db: Db, box_chat: int, difference: Difference) -> list[tuple[int, list[int]]]:
    """Return messages pushed since the old position that the difference lacks: they were deleted meanwhile.

    A difference that covers both a message and its deletion reports neither.
    """
    row = db.execute("SELECT pts FROM box WHERE chat = ?", (box_chat,)).fetchone()
    there = {(message.chat, message.id) for message in difference.messages}
    gone: list[tuple[int, list[int]]] = []
    for chat in {chat for chat, _ in _chats_of_box(db, box_chat)} if row else ():
        rows = db.execute(
            "SELECT DISTINCT source_id FROM item WHERE pts > :old AND pts <= :new AND job IN "
            "(SELECT id FROM job WHERE chat = :chat AND released = 0 "
            "UNION SELECT id FROM job WHERE chat = :chat AND sealed = 0)",
            {"chat": chat, "old": row["pts"], "new": difference.box.pts},
        )
        ids = [found["source_id"] for found in rows if (chat, found["source_id"]) not in there]
        if ids:
            gone.append((chat, ids))
    return gone


def take_page(
    db: Db,
    gap: Gap,
    messages: Sequence[Message],
    *,
    upto: int,
    ended: bool,
    wanted: Callable[[Message], bool],
    now: float,
    new_id: NewId,
) -> int:
    """Insert one page of the history, oldest first, up to id `upto`; return the number of new messages.

    `ended`: the gap has no further messages, and is thereby closed.
    """
    new = 0
    for message in messages:
        if message.id <= gap.end_id and wanted(message):
            new += take(db, gap.mirror, message, lane=gap.lane, released=True, pts=0, now=now, new_id=new_id)
    _release(db, gap.chat, "item.mirror = ? AND item.source_id <= ?", gap.mirror, upto)
    ended = ended or upto >= gap.end_id
    # An album that touches the edge of the page stays open until the next page was read.
    last = messages[-1].group if messages and not ended else None
    db.execute(
        "UPDATE job SET sealed = 1 WHERE sealed = 0 AND chat = ? AND mirror = ? AND lane = ? "
        "AND group_id IS DISTINCT FROM ?",
        (gap.chat, gap.mirror, gap.lane, last),
    )
    if ended:
        db.execute("DELETE FROM gap WHERE id = ?", (gap.id,))
    else:
        db.execute(
            "UPDATE gap SET next_id = :upto, remaining = CASE WHEN remaining > :n THEN remaining - :n "
            "ELSE 0 END WHERE id = :gap",
            {"upto": upto, "n": len(messages), "gap": gap.id},
        )
    return new


def skip_unreadable(db: Db, gap: Gap, source_id: int, *, reason: str, now: float, new_id: NewId) -> None:
    """Park a message that cannot be read at this layer, and continue the gap after it."""
    blank = Message(chat=gap.chat, id=source_id, date=0)
    if take(db, gap.mirror, blank, lane=gap.lane, released=True, pts=0, now=now, new_id=new_id):
        db.execute(
            "UPDATE job SET state = 'parked', reason = ?, settled_at = ? WHERE id = "
            "(SELECT job FROM item WHERE mirror = ? AND chat = ? AND source_id = ?)",
            (reason, now, gap.mirror, gap.chat, source_id),
        )
    db.execute("UPDATE gap SET next_id = ? WHERE id = ?", (source_id, gap.id))


def take_lifted(
    db: Db, mirror: int, messages: Sequence[Message], *, before: int, now: float, new_id: NewId
) -> None:
    """Put the parent of a live reply (a whole album) directly before the job that answers it."""
    child = db.execute("SELECT ord FROM job WHERE id = ?", (before,)).fetchone()
    for message in messages:
        take(db, mirror, message, lane="live", released=True, pts=0, now=now, new_id=new_id)
    first = messages[0]
    row = db.execute(
        "SELECT job FROM item WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, first.chat, first.id),
    ).fetchone()
    db.execute(
        "UPDATE job SET lane = 'live', ord = ?, sub = -1, sealed = 1 WHERE id = ? AND state = 'waiting'",
        (child["ord"], row["job"]),
    )


def born_to(db: Db, mirror: int, chat: int) -> int:
    """Return the newest id when the mirror was created: later messages have to be in the ledger."""
    row = db.execute("SELECT born_to FROM feed WHERE mirror = ? AND chat = ?", (mirror, chat)).fetchone()
    return int(row["born_to"]) if row else 0


def take_missed(db: Db, mirror: int, messages: Sequence[Message], *, now: float, new_id: NewId) -> int:
    """Insert messages that the history has but no update reported; return the number of new ones."""
    new = [
        message
        for message in messages
        if not in_gap(db, mirror, message, "backlog")
        and take(db, mirror, message, lane="live", released=True, pts=0, now=now, new_id=new_id)
    ]
    late(db, mirror, new)
    return len(new)


def _release(db: Db, chat: int, condition: str, *args: int) -> None:
    db.execute(
        "UPDATE job SET released = 1 WHERE released = 0 AND chat = ? AND id IN "
        f"(SELECT item.job FROM item WHERE item.job = job.id AND {condition})",
        (chat, *args),
    )


def _chats_of_box(db: Db, box_chat: int) -> list[tuple[int, int]]:
    """Return the source chats of active mirrors that share this box (0: all basic groups)."""
    rows = db.execute(
        "SELECT feed.chat, mirror.id FROM mirror JOIN feed ON feed.mirror = mirror.id WHERE active = 1 "
        "ORDER BY mirror.id, feed.chat"
    ).fetchall()
    return [
        (row["chat"], row["id"])
        for row in rows
        if (row["chat"] == box_chat if box_chat else row["chat"] > CHANNELS_BELOW)
    ]


def _mirrors_of(db: Db, chat: int) -> list[int]:
    """Return the active mirrors that read this chat, as their source or its former chat."""
    rows = db.execute(
        "SELECT mirror.id FROM mirror JOIN feed ON feed.mirror = mirror.id "
        "WHERE active = 1 AND feed.chat = ?",
        (chat,),
    )
    return [row["id"] for row in rows]


def _move_box(db: Db, box_chat: int, difference: Difference, chats: Sequence[int], now: float) -> None:
    new = difference.box
    db.execute(
        "INSERT INTO box (chat, pts, qts, date, final_at) VALUES (?,?,?,?,?) ON CONFLICT (chat) DO UPDATE "
        "SET pts = excluded.pts, qts = excluded.qts, date = excluded.date, final_at = CASE "
        "WHEN box.final_at < excluded.final_at THEN excluded.final_at ELSE box.final_at END",
        (box_chat, new.pts, new.qts, new.date, now if difference.final else 0),
    )
    if difference.final:
        # An album is complete once a final difference, read a while after its last item, brought no more.
        for chat in set(chats):
            db.execute(
                "UPDATE job SET sealed = 1 WHERE sealed = 0 AND chat = ? AND lane = 'live' "
                "AND state = 'waiting' AND released = 1 AND last_item_at <= ?",
                (chat, now - ALBUM_WAIT),
            )


def next_seal(db: Db, chat: int) -> float | None:
    """Return when an open album of this chat may be complete: the time for another difference."""
    # Unsealed jobs are few, albums are many: `+` makes the planner use the right index.
    row = db.execute(
        "SELECT min(last_item_at) AS at FROM job JOIN mirror ON mirror.id = job.mirror WHERE active = 1 "
        "AND job.chat = ? AND lane = 'live' AND state = 'waiting' AND sealed = 0 AND +group_id IS NOT NULL",
        (chat,),
    ).fetchone()
    return None if row["at"] is None else float(row["at"]) + ALBUM_WAIT
