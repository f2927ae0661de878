"""Keeps the mirrors: their four ids, pauses and checks, and the chats that their names were resolved to.

The four ids identify a mirror; its name is a label. Plain functions, one transaction each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..domain.messages import Box, Topic
from .changes import note_pin
from .engine import Db, Row
from .facts import fact, set_fact
from .jobs import skip_upto
from .limits import release_deletions
from .rows import MirrorRow
from .topic_jobs import adopt_topic

_FEED = "INSERT INTO feed (mirror, chat, fed_to, born_to, base) VALUES (?,?,?,?,?)"
_KINDS_OF_PAUSE = ("hold", "waiting", "lost")


def _row(row: Row) -> MirrorRow:
    return MirrorRow(
        id=row["id"],
        name=row["name"],
        source=row["source"],
        source_topic=row["source_topic"] or None,
        target=row["target"],
        target_topic=row["target_topic"] or None,
        history=row["history"],
        born_at=row["born_at"],
        active=bool(row["active"]),
        hold=row["hold"],
        waiting=row["waiting"],
        lost=row["lost"],
        unchecked=bool(row["unchecked"]),
        backlog_count=row["backlog_count"],
        backlog_since=row["backlog_since"],
        last_error=row["last_error"],
        held=row["held"],
    )


def mirror_list(db: Db, *, active_only: bool = True) -> list[MirrorRow]:
    """Return the mirrors, in the order of their creation."""
    where = "WHERE active = 1" if active_only else ""
    return [_row(row) for row in db.execute(f"SELECT * FROM mirror {where} ORDER BY id")]


def find_mirror(
    db: Db, source: int, source_topic: int | None, target: int, target_topic: int | None
) -> MirrorRow | None:
    """Return the mirror between these places, whether it is currently configured or not."""
    row = db.execute(
        "SELECT * FROM mirror WHERE source = ? AND source_topic = ? AND target = ? AND target_topic = ?",
        (source, source_topic or 0, target, target_topic or 0),
    ).fetchone()
    return _row(row) if row else None


def uncheck_all(db: Db) -> None:
    """Mark all targets unchecked: at a start each is scanned before anything is sent to it."""
    db.execute("UPDATE mirror SET unchecked = 1")


def deactivate(db: Db, mirror: int) -> None:
    """Mark a mirror as no longer configured; its rows stay."""
    db.execute("UPDATE mirror SET active = 0 WHERE id = ?", (mirror,))


def bear(
    db: Db,
    *,
    name: str,
    source: int,
    source_topic: int | None,
    target: int,
    target_topic: int | None,
    history: str,
    start: int,
    newest: int,
    box_chat: int,
    box: Box,
    count: int,
    since: int,
    waiting: str,
    now: float,
    former: tuple[int, int, int] | None = None,
    pinned: Sequence[int] = (),
) -> int:
    """Create a mirror whose backlog is the ids above `start` up to `newest`, and return its id.

    `former`: the basic group that the source was, whose ids from the second up to the third come first.
    `pinned`: the current pins, oldest first; stored in the same transaction, so that a crash cannot lose
    them. `box` must have been read before `newest`: messages in between are then seen twice, never missed.
    """
    mirror = db.execute(
        "INSERT INTO mirror (name, source, source_topic, target, target_topic, history, born_at, "
        "backlog_count, backlog_since, waiting) VALUES (?,?,?,?,?,?,?,?,?,?) RETURNING id",
        (name, source, source_topic or 0, target, target_topic or 0, history, now, count, since, waiting),
    ).fetchone()["id"]
    chat, begins, ends = former or (0, 0, 0)
    if former is not None:
        db.execute(_FEED, (mirror, chat, ends, ends, 0))
    db.execute(_FEED, (mirror, source, newest, newest, ends))
    if ends > begins:
        db.execute(
            "INSERT INTO gap (mirror, chat, lane, next_id, end_id, remaining) VALUES (?,?,'backlog',?,?,?)",
            (mirror, chat, begins, ends, 0),
        )
    if newest > start:
        db.execute(
            "INSERT INTO gap (mirror, chat, lane, next_id, end_id, remaining) VALUES (?,?,'backlog',?,?,?)",
            (mirror, source, start, newest, count),
        )
    begin_box(db, box_chat, box)
    for source_id in pinned:
        note_pin(db, mirror, source, source_id, pinned=True, now=now)
    db.execute(
        "UPDATE mirror SET hold = coalesce((SELECT value FROM fact WHERE \"key\" = ?), '') WHERE id = ?",
        (_pause_key(name), mirror),
    )
    db.execute('DELETE FROM fact WHERE "key" = ?', (_pause_key(name),))
    return int(mirror)


def pause_not_created(db: Db, name: str, reason: str) -> bool:
    """Set (if empty, remove) the reason for which a mirror will begin paused; return whether it changed."""
    changed = fact(db, _pause_key(name)) != reason
    if reason:
        set_fact(db, _pause_key(name), reason)
    else:
        db.execute('DELETE FROM fact WHERE "key" = ?', (_pause_key(name),))
    return changed


def pause_of_not_created(db: Db, name: str) -> str:
    """Return the reason for which a mirror will begin paused; empty where it will not."""
    return fact(db, _pause_key(name))


def _pause_key(name: str) -> str:
    return f"hold:{name}"


def activate(
    db: Db, mirror: int, *, name: str, was_away: bool, newest: int, box_chat: int, box: Box, waiting: str = ""
) -> None:
    """Record that a known mirror is configured (again).

    `was_away`: it was not configured at the last start, so that the time between is a gap of its own.
    """
    if waiting:
        db.execute("UPDATE mirror SET waiting = ? WHERE id = ? AND waiting = ''", (waiting, mirror))
    db.execute("UPDATE mirror SET active = 1, unchecked = 1, name = ? WHERE id = ?", (name, mirror))
    begin_box(db, box_chat, box)
    if was_away:
        row = db.execute("SELECT source FROM mirror WHERE id = ?", (mirror,)).fetchone()
        open_gap(db, mirror, row["source"], newest)
        doubt(db, mirror, row["source"])


def list_only(db: Db, mirror: int, name: str) -> None:
    """Record that a known mirror is configured, but its source cannot be read."""
    db.execute("UPDATE mirror SET active = 1, unchecked = 1, name = ? WHERE id = ?", (name, mirror))


def begin_box(db: Db, box_chat: int, box: Box) -> None:
    """Set the first position of a box; later events count."""
    db.execute(
        "INSERT INTO box (chat, pts, qts, date) VALUES (?,?,?,?) ON CONFLICT (chat) DO NOTHING",
        (box_chat, box.pts, box.qts, box.date),
    )


def open_gap(db: Db, mirror: int, chat: int, newest: int) -> None:
    """Open a gap above `fed_to` up to `newest`: it must be read before newer live jobs are sent."""
    fed = db.execute("SELECT fed_to FROM feed WHERE mirror = ? AND chat = ?", (mirror, chat)).fetchone()
    fed_to = fed["fed_to"] if fed else 0
    if newest <= fed_to:
        return
    db.execute(
        "INSERT INTO gap (mirror, chat, lane, next_id, end_id, remaining) VALUES (?,?,'live',?,?,?)",
        (mirror, chat, fed_to, newest, newest - fed_to),
    )
    db.execute(
        "INSERT INTO feed (mirror, chat, fed_to, born_to) VALUES (?,?,?,?) "
        "ON CONFLICT (mirror, chat) DO UPDATE SET fed_to = excluded.fed_to",
        (mirror, chat, newest, newest),
    )


def doubt(db: Db, mirror: int, chat: int) -> None:
    """Record that events there were missed: deletions and pins must be asked for."""
    for what in ("deleted", "pinned"):
        db.execute(
            "INSERT INTO doubt (mirror, chat, what) VALUES (?,?,?) "
            "ON CONFLICT (mirror, chat, what) DO NOTHING",
            (mirror, chat, what),
        )


def pause(db: Db, mirror: int, kind: str, reason: str) -> bool:
    """Pause for a reason of this kind (`hold`, `waiting`, `lost`); return whether that changed anything."""
    if kind not in _KINDS_OF_PAUSE:
        raise ValueError(kind)
    changed = db.execute(
        f"UPDATE mirror SET {kind} = ?, last_error = CASE ? WHEN 'lost' THEN ? ELSE last_error END "
        f"WHERE id = ? AND {kind} <> ?",
        (reason, kind, reason, mirror, reason),
    )
    return changed.rowcount > 0


def release(db: Db, mirror: int, kind: str) -> bool:
    """Lift one kind of pause; return whether there was one."""
    if kind not in _KINDS_OF_PAUSE:
        raise ValueError(kind)
    changed = db.execute(f"UPDATE mirror SET {kind} = '' WHERE id = ? AND {kind} <> ''", (mirror,))
    return changed.rowcount > 0


def resume(db: Db, mirror: int, now: float) -> tuple[str, list[str]]:
    """Lift one pause, in a fixed order (`hold`, `waiting`, `held`); return its reason and the remaining ones.

    A mirror that waits because of unknown copies continues after the newest of them: older messages are
    skipped.
    """
    row = db.execute("SELECT hold, waiting, lost, held FROM mirror WHERE id = ?", (mirror,)).fetchone()
    standing = [row[kind] for kind in (*_KINDS_OF_PAUSE, "held") if row[kind]]
    for kind in ("hold", "waiting"):
        if row[kind]:
            if kind == "waiting" and (upto := fact(db, known_upto_key(mirror))):
                skip_upto(db, mirror, int(upto), "ledger lost: the target holds it already", now)
                db.execute('DELETE FROM fact WHERE "key" = ?', (known_upto_key(mirror),))
            release(db, mirror, kind)
            return row[kind], [reason for reason in standing if reason != row[kind]]
    if row["held"]:
        released = release_deletions(db, mirror, now)
        return released, [reason for reason in standing if reason != released]
    return "", standing


def await_resume(
    db: Db,
    mirror: int,
    reason: str,
    upto: int,
    *,
    topics: Sequence[tuple[int, Topic]],
    now: float,
    new_id: Callable[[], int],
) -> None:
    """Let a mirror wait for the operator: the target holds copies up to this source id.

    `topics`: topics of the source, each with the topic of the target recognised as its copy.
    """
    db.execute("UPDATE mirror SET waiting = ?, unchecked = 0 WHERE id = ?", (reason, mirror))
    set_fact(db, known_upto_key(mirror), str(upto))
    chat = db.execute("SELECT source FROM mirror WHERE id = ?", (mirror,)).fetchone()["source"]
    for source_id, shown in topics:
        adopt_topic(db, mirror, chat, source_id, shown, now=now, new_id=new_id)


def known_upto_key(mirror: int) -> str:
    return f"known_upto:{mirror}"


def checked(db: Db, mirror: int) -> None:
    """Mark the target as scanned: the ledger knows its content."""
    db.execute("UPDATE mirror SET unchecked = 0 WHERE id = ?", (mirror,))


def set_last_error(db: Db, mirror: int, text: str) -> None:
    db.execute("UPDATE mirror SET last_error = ? WHERE id = ?", (text, mirror))


def known_name(db: Db, ref: str) -> int | None:
    """Return the chat that `ref` was first resolved to."""
    row = db.execute("SELECT chat FROM name WHERE ref = ?", (ref,)).fetchone()
    return int(row["chat"]) if row else None


def remember_name(db: Db, ref: str, chat: int) -> None:
    db.execute("INSERT INTO name (ref, chat) VALUES (?,?) ON CONFLICT (ref) DO NOTHING", (ref, chat))
