"""Moves the mirrors of a basic group that has become a supergroup, with their rows and their map.

Ids begin anew in a supergroup, so its positions follow those of the former group. Plain functions, one
transaction each.
"""

from __future__ import annotations

from ..domain.messages import Box
from .engine import Db
from .jobs import BEGUN
from .limits import move_marks
from .mirrors import begin_box, doubt, open_gap


def moved_to(db: Db, chat: int) -> int:
    """Return the supergroup that this chat has become, or the chat itself."""
    row = db.execute("SELECT new FROM moved WHERE old = ?", (chat,)).fetchone()
    return int(row["new"]) if row else chat


def remember_move(db: Db, old: int, new: int) -> None:
    db.execute("INSERT INTO moved (old, new) VALUES (?,?) ON CONFLICT (old) DO NOTHING", (old, new))


def former_chats(db: Db, mirror: int) -> tuple[int, ...]:
    """Return the basic groups that a mirror's source was before."""
    rows = db.execute(
        "SELECT feed.chat FROM feed JOIN mirror ON mirror.id = feed.mirror WHERE feed.mirror = ? "
        "AND feed.chat <> mirror.source ORDER BY feed.chat",
        (mirror,),
    )
    return tuple(row["chat"] for row in rows)


def move_source(db: Db, mirror: int, new: int, *, end: int, newest: int, box: Box) -> bool:
    """Continue the source as `new`: first the rest of the old chat up to id `end`, then the new one.

    `box` must have been read before `newest`. Returns False where another mirror already uses the place.
    """
    old = db.execute("SELECT source FROM mirror WHERE id = ?", (mirror,)).fetchone()["source"]
    if _is_taken(db, mirror, source=new):
        return False
    open_gap(db, mirror, old, end)
    missing = db.execute("SELECT 1 FROM gap WHERE mirror = ? AND chat = ?", (mirror, old)).fetchone()
    if missing is None:
        # No more messages can come, so no album waits for more, and no push for its position.
        db.execute(
            "UPDATE job SET sealed = 1, released = 1 WHERE mirror = ? AND chat = ? "
            "AND (sealed = 0 OR released = 0)",
            (mirror, old),
        )
    base = db.execute("SELECT base FROM feed WHERE mirror = ? AND chat = ?", (mirror, old)).fetchone()
    highest = max(end, _highest_id(db, mirror, old))
    db.execute("UPDATE mirror SET source = ? WHERE id = ?", (new, mirror))
    db.execute(
        "INSERT INTO feed (mirror, chat, fed_to, born_to, base) VALUES (?,?,0,0,?) "
        "ON CONFLICT (mirror, chat) DO NOTHING",
        (mirror, new, highest + (base["base"] if base else 0)),
    )
    open_gap(db, mirror, new, newest)
    # No update reports earlier pins.
    doubt(db, mirror, new)
    begin_box(db, new, box)
    return True


def move_target(db: Db, mirror: int, new: int) -> bool:
    """Send to `new` from now on; keep the map of the old copies. Returns False where that is not possible
    yet.
    """
    old = db.execute("SELECT target FROM mirror WHERE id = ?", (mirror,)).fetchone()["target"]
    unknown = db.execute(
        "SELECT 1 FROM job JOIN mirror ON mirror.id = job.mirror "
        "WHERE job.state = 'open' AND mirror.target = ?",
        (old,),
    ).fetchone()
    if unknown is not None or _is_taken(db, mirror, target=new):
        return False
    db.execute("UPDATE mirror SET target = ?, floor = NULL WHERE id = ?", (new, mirror))
    # Unattempted plans for the old target are planned anew.
    planned = db.execute(
        f"SELECT id, {BEGUN} AS begun "
        "FROM job WHERE mirror = ? AND lane IN ('live', 'backlog') AND state IN ('waiting', 'open') "
        "AND EXISTS (SELECT 1 FROM send WHERE send.job = job.id)",
        (mirror,),
    ).fetchall()
    for job in planned:
        if job["begun"]:
            db.execute("UPDATE copy SET target = ? WHERE job = ? AND target_id IS NULL", (new, job["id"]))
            # The position belonged to the old chat's box.
            db.execute("UPDATE send SET position = NULL WHERE job = ?", (job["id"],))
        else:
            db.execute("DELETE FROM copy WHERE job = ?", (job["id"],))
            db.execute("DELETE FROM send WHERE job = ?", (job["id"],))
    move_marks(db, old, new)
    return True


def _highest_id(db: Db, mirror: int, chat: int) -> int:
    """Return the highest id of that chat that this mirror knows."""
    row = db.execute("SELECT fed_to FROM feed WHERE mirror = ? AND chat = ?", (mirror, chat)).fetchone()
    known = db.execute(
        "SELECT max(source_id) AS id FROM item WHERE mirror = ? AND chat = ?", (mirror, chat)
    ).fetchone()
    return max(row["fed_to"] if row else 0, known["id"] or 0)


def _is_taken(db: Db, mirror: int, *, source: int | None = None, target: int | None = None) -> bool:
    """Return whether another mirror already uses the places that this one would move to."""
    row = db.execute(
        "SELECT 1 FROM mirror AS other JOIN mirror AS mine ON mine.id = :mirror WHERE other.id <> mine.id "
        "AND other.source = coalesce(:source, mine.source) AND other.source_topic = mine.source_topic "
        "AND other.target = coalesce(:target, mine.target) AND other.target_topic = mine.target_topic",
        {"mirror": mirror, "source": source, "target": target},
    ).fetchone()
    return row is not None
