"""Keeps the jobs that create topics: kind `topic`, whose source id and copy are topics.

Such a job is the topic's own TopicCreate message, or is inserted before the first post and matched by that
message later. Plain functions, one transaction each; `made` is called while a call is settled.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..domain.messages import GENERAL_TOPIC, Message, Topic
from .engine import Db
from .jobs import erase
from .rows import decode_draft, encode
from .topics import UNSURE, compare, compare_order, decode, job_of, order_shown, show, shown_order


def place_topic(
    db: Db, mirror: int, topic: Topic, *, before: int, now: float, new_id: Callable[[], int]
) -> None:
    """Put the job that creates this topic directly before the job of its first post."""
    child = db.execute("SELECT lane, ord, sub, chat, date FROM job WHERE id = ?", (before,)).fetchone()
    place = (child["lane"], child["ord"], child["sub"] - 1)
    known = job_of(db, mirror, child["chat"], topic.id)
    payload = encode(_creation(child["chat"], topic, child["date"]))
    if known is not None:
        db.execute(
            "UPDATE job SET kind = 'topic', state = 'waiting', reason = '', settled_at = NULL, released = 1, "
            "sealed = 1, lane = ?, ord = ?, sub = ? WHERE id = ? AND state IN ('waiting', 'skipped', 'done')",
            (*place, known["id"]),
        )
        db.execute("UPDATE item SET payload = ? WHERE job = ?", (payload, known["id"]))
        return
    job = db.execute(
        "INSERT INTO job (mirror, kind, lane, ord, sub, chat, first_id, date, topic, last_item_at) "
        "VALUES (?,'topic',?,?,?,?,?,?,?,?) RETURNING id",
        (mirror, *place, child["chat"], topic.id, child["date"], topic.id, now),
    ).fetchone()["id"]
    db.execute(
        "INSERT INTO item (mirror, chat, source_id, job, random_id, digest, payload) VALUES (?,?,?,?,?,?,?)",
        (mirror, child["chat"], topic.id, job, new_id(), _creation(0, topic, 0).content(), payload),
    )


def made(db: Db, job_id: int, now: float) -> None:
    """Record a created topic as shown in the target; called while its call is settled."""
    row = db.execute("SELECT kind, mirror, chat, first_id FROM job WHERE id = ?", (job_id,)).fetchone()
    if row["kind"] != "topic":
        return
    key = (row["mirror"], row["chat"], row["first_id"])
    states = db.execute(
        "SELECT state FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", key
    ).fetchone()
    draft = db.execute("SELECT draft FROM send WHERE job = ? ORDER BY seq LIMIT 1", (job_id,)).fetchone()
    opened = decode_draft(draft["draft"]).opens
    if opened is None:
        return
    shown = msgspec.structs.replace(opened, closed=False, hidden=False)
    show(db, *key, shown)
    if states is not None:
        compare(db, *key, decode(states["state"]), shown, now)
    compare_order(db, row["mirror"], row["chat"], now)


def topic_settled(db: Db, mirror: int, chat: int, source_id: int) -> bool:
    """Return whether no post of this topic waits, or may still be read from the history."""
    gap = db.execute("SELECT 1 FROM gap WHERE mirror = ? AND chat = ? LIMIT 1", (mirror, chat)).fetchone()
    waits = db.execute(
        "SELECT 1 FROM job WHERE mirror = ? AND lane IN ('live', 'backlog') "
        "AND state IN ('waiting', 'open') AND chat = ? AND topic = ? LIMIT 1",
        (mirror, chat, source_id),
    ).fetchone()
    return gap is None and waits is None


def adopt_topic(
    db: Db, mirror: int, chat: int, source_id: int, shown: Topic, *, now: float, new_id: Callable[[], int]
) -> None:
    """Record `shown`, a topic of the target, as this one's copy, recognised after the ledger was lost."""
    known = job_of(db, mirror, chat, source_id)
    if source_id == GENERAL_TOPIC or (known is not None and known["copy_id"] is not None):
        return
    if known is None:
        job = db.execute(
            "INSERT INTO job (mirror, kind, lane, ord, chat, first_id, date, topic, last_item_at) "
            "VALUES (?,'topic','backlog',?,?,?,0,?,?) RETURNING id",
            (mirror, source_id, chat, source_id, source_id, now),
        ).fetchone()["id"]
        digest = _creation(0, shown, 0).content()
        db.execute(
            "INSERT INTO item (mirror, chat, source_id, job, random_id, digest) VALUES (?,?,?,?,?,?)",
            (mirror, chat, source_id, job, new_id(), digest),
        )
    else:
        job = known["id"]
    db.execute(
        "UPDATE job SET kind = 'topic', state = 'done', reason = 'known again', settled_at = ? WHERE id = ?",
        (now, job),
    )
    target = db.execute("SELECT target FROM mirror WHERE id = ?", (mirror,)).fetchone()["target"]
    db.execute(
        "INSERT INTO copy (random_id, job, seq, idx, mirror, chat, source_id, target, target_id) "
        "VALUES (?,?,0,0,?,?,?,?,?) ON CONFLICT (target, target_id) WHERE target_id IS NOT NULL DO NOTHING",
        (new_id(), job, mirror, chat, source_id, target, shown.id),
    )
    erase(db, job)
    looks = msgspec.structs.replace(shown, id=source_id)
    show(db, mirror, chat, source_id, looks)
    row = db.execute(
        "SELECT state FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, source_id)
    ).fetchone()
    compare(db, mirror, chat, source_id, decode(row["state"]), looks, now)
    compare_order(db, mirror, chat, now)


def forget_topic(db: Db, mirror: int, chat: int, source_id: int, new_id: Callable[[], int]) -> None:
    """Forget a counterpart that was deleted in the target: the next post creates another, under a new id."""
    db.execute(
        "UPDATE topic SET shown = NULL WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, chat, source_id),
    )
    # A change refused there may be allowed in the new one.
    db.execute(
        "DELETE FROM change WHERE mirror = ? AND kind = 'topic' AND chat = ? AND source_id = ? "
        "AND given_up <> ''",
        (mirror, chat, source_id),
    )
    if source_id in shown_order(db, mirror):
        order_shown(db, mirror, UNSURE)
    row = job_of(db, mirror, chat, source_id)
    if row is not None:
        db.execute("DELETE FROM copy WHERE job = ?", (row["id"],))
        db.execute("DELETE FROM send WHERE job = ?", (row["id"],))
        db.execute("UPDATE item SET random_id = ? WHERE job = ?", (new_id(), row["id"]))
        db.execute("UPDATE job SET attempts = 0 WHERE id = ?", (row["id"],))


def _creation(chat: int, topic: Topic, date: int) -> Message:
    """Return the topic's creation as the history reports it."""
    said: dict[str, int | str | bool] = {
        "title": topic.title,
        "color": topic.icon_color,
        "icon": topic.icon_emoji,
    }
    return Message(chat=chat, id=topic.id, date=date, topic=topic.id, service="TopicCreate", action=said)
