"""A source message that is sent once more, or whose copy is found again: what the operator asked for.

It becomes a job of its own at the end of the live lane: late copies are not judged for order. What stands for
it in the target until then is deleted by the second clock, so that there is never a second copy. Plain
functions, one transaction each.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..model import Message
from .engine import Db
from .entry import NewId
from .queue import place_of
from .records import encode


def album_of(db: Db, mirror: int, chat: int, source_id: int) -> list[int]:
    """The source messages of the job that this one belongs to, itself included; empty if it is not known."""
    rows = db.execute(
        "SELECT other.source_id FROM item CROSS JOIN item AS other ON other.job = item.job "
        "WHERE item.mirror = ? AND item.chat = ? AND item.source_id = ? ORDER BY other.source_id",
        (mirror, chat, source_id),
    )
    return [row["source_id"] for row in rows]


def send_again(
    db: Db, mirror: int, messages: Sequence[Message], *, standing: Sequence[int], now: float, new_id: NewId
) -> int | None:
    """Queue these messages, known and settled, as one post; the job's id, None where one is not settled.

    `standing`: messages of the target that stand for them now, and are to be deleted.
    """
    first = messages[0]
    for message in messages:
        if _state(db, mirror, message) not in ("done", "skipped"):
            return None
    fed = db.execute("SELECT fed_to FROM feed WHERE mirror = ? AND chat = ?", (mirror, first.chat)).fetchone()
    job: int = db.execute(
        "INSERT INTO job (mirror, lane, ord, sub, chat, first_id, date, items, topic, group_id, "
        "last_item_at) VALUES (?,'live',?,2,?,?,?,?,?,?,?) RETURNING id",
        (
            mirror,
            place_of(db, mirror, first.chat, max(messages[-1].id, fed["fed_to"] if fed else 0)),
            first.chat,
            first.id,
            first.date,
            len(messages),
            first.topic or 0,
            first.group if len(messages) > 1 else None,
            now,
        ),
    ).fetchone()["id"]
    for message in messages:
        _move(db, mirror, message, job, new_id())
    if standing:
        db.execute(
            "INSERT OR REPLACE INTO change (mirror, kind, chat, source_id, payload, first_at, last_at) "
            "VALUES (?,'delete',?,?,?,?,?)",
            (
                mirror,
                first.chat,
                -first.id,
                msgspec.msgpack.encode((_target(db, mirror), standing)),
                now,
                now,
            ),
        )
    return job


def _target(db: Db, mirror: int) -> int:
    return int(db.execute("SELECT target FROM mirror WHERE id = ?", (mirror,)).fetchone()["target"])


def _state(db: Db, mirror: int, message: Message) -> str:
    row = db.execute(
        "SELECT job.state FROM item CROSS JOIN job ON job.id = item.job WHERE item.mirror = ? "
        "AND item.chat = ? AND item.source_id = ?",
        (mirror, message.chat, message.id),
    ).fetchone()
    return row["state"] if row else ""


def _move(db: Db, mirror: int, message: Message, job: int, random_id: int) -> None:
    """Out of the job that it belonged to, which counts one message less, into this one."""
    key = (mirror, message.chat, message.id)
    before = db.execute(
        "SELECT job FROM item WHERE mirror = ? AND chat = ? AND source_id = ?", key
    ).fetchone()["job"]
    db.execute(
        "UPDATE item SET job = ?, random_id = ?, payload = ?, digest = ?, media_id = ? "
        "WHERE mirror = ? AND chat = ? AND source_id = ?",
        (
            job,
            random_id,
            encode(message),
            message.content(),
            message.media.id if message.media is not None else 0,
            *key,
        ),
    )
    db.execute("UPDATE job SET items = items - 1 WHERE id = ? AND items > 0", (before,))
    db.execute("DELETE FROM copy WHERE mirror = ? AND chat = ? AND source_id = ?", key)
    db.execute(
        "DELETE FROM change WHERE kind IN ('edit', 'delete') AND mirror = ? AND chat = ? AND source_id = ?",
        key,
    )


def found_again(db: Db, mirror: int, message: Message, target_id: int, *, now: float, new_id: NewId) -> bool:
    """This message of the target, which no job maps, is the copy of that one, whose own is gone."""
    if db.execute(
        "SELECT 1 FROM copy JOIN mirror ON mirror.target = copy.target WHERE mirror.id = ? AND target_id = ?",
        (mirror, target_id),
    ).fetchone():
        return False
    key = (mirror, message.chat, message.id)
    row = db.execute(
        "SELECT job.id, mirror.target FROM item JOIN job ON job.id = item.job JOIN mirror "
        "ON mirror.id = item.mirror WHERE item.mirror = ? AND item.chat = ? AND item.source_id = ? "
        "AND job.state = 'done'",
        key,
    ).fetchone()
    if row is None:
        return False
    db.execute("DELETE FROM copy WHERE mirror = ? AND chat = ? AND source_id = ?", key)
    db.execute(
        "INSERT INTO copy (random_id, job, seq, idx, mirror, chat, source_id, target, target_id) "
        "VALUES (?,?,0,(SELECT coalesce(max(idx), -1) + 1 FROM copy WHERE job = ? AND seq = 0),?,?,?,?,?)",
        (new_id(), row["id"], row["id"], *key, row["target"], target_id),
    )
    # It goes where nothing is judged for order: where it stands is where somebody put it.
    db.execute("UPDATE job SET sub = 2 WHERE id = ? AND items = 1", (row["id"],))
    return True


def out_of_date(db: Db, mirror: int, chat: int, source_id: int) -> None:
    """What the copy shows is not what was sent: the next edit replaces all of it."""
    db.execute(
        "UPDATE item SET digest = '', media_id = -1 WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, chat, source_id),
    )
