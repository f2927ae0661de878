"""The topics of source forums: how each looks, how its counterpart looks, and the jobs that make them.

A topic is made by a job of kind `topic`, whose source id is the topic's and whose copy is the topic of the
target. What changes later is a `change`, at most one for a topic. Plain functions, one transaction each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ..model import GENERAL_TOPIC, Message, Topic, Value
from .changes import Change, note
from .engine import Db, Row
from .queue import erase
from .records import JobState, decode_draft, encode

#: What every forum begins with, and what is never made.
GENERAL = Topic(id=GENERAL_TOPIC, title="General")


class TopicRow(Value, frozen=True, kw_only=True):
    """A topic of the source, and what became of it."""

    #: As the source shows it.
    state: Topic
    #: As the target shows it; None where it was not made.
    shown: Topic | None
    #: A change was begun, and nobody knows how far it came: it may look otherwise.
    unsure: bool
    #: The target's topic (1 for General).
    copy_id: int | None
    #: Of the job that makes it; empty where there is none.
    job_state: JobState | None = None


def set_forum(db: Db, mirror: int, forum: bool) -> None:
    """Whether this mirror copies a whole forum topic by topic."""
    db.execute("UPDATE mirror SET forum = ? WHERE id = ? AND forum <> ?", (forum, mirror, forum))


def is_forum(db: Db, mirror: int) -> bool:
    row = db.execute("SELECT forum FROM mirror WHERE id = ?", (mirror,)).fetchone()
    return bool(row and row["forum"])


def topics_heard(db: Db, mirror: int, chat: int) -> int:
    """The newest service message about any topic: what is asked for after this is not older than that."""
    row = db.execute(
        "SELECT max(seen) AS seen FROM topic WHERE mirror = ? AND chat = ?", (mirror, chat)
    ).fetchone()
    return row["seen"] or 0


def take_topics(
    db: Db, mirror: int, chat: int, topics: Sequence[Topic], *, heard: int, now: float
) -> list[Topic]:
    """All topics as the source shows them; those that were deleted since they were last listed.

    `heard` was asked for before the topics were: what was heard of one meanwhile is newer than the list.
    """
    newer = {
        row["source_id"]
        for row in db.execute(
            "SELECT source_id FROM topic WHERE mirror = ? AND chat = ? AND seen > ?", (mirror, chat, heard)
        )
    }
    for topic in topics:
        if topic.id not in newer:
            _learn(db, mirror, chat, topic, now)
    there = {topic.id for topic in topics}
    gone = []
    rows = db.execute(
        "SELECT source_id, state FROM topic WHERE mirror = ? AND chat = ? AND gone = 0", (mirror, chat)
    ).fetchall()
    for row in rows:
        if row["source_id"] not in there and topics:
            gone.append(_decode(row["state"]))
            db.execute(
                "UPDATE topic SET gone = 1 WHERE mirror = ? AND chat = ? AND source_id = ?",
                (mirror, chat, row["source_id"]),
            )
    return gone


def hear(db: Db, mirror: int, message: Message, *, live: bool, now: float) -> None:
    """A service message about a topic. What history says of one that is known is older than that."""
    topic = message.topic or GENERAL_TOPIC
    row = db.execute(
        "SELECT seen, state FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, message.chat, topic),
    ).fetchone()
    if row is not None and (not live or message.id <= row["seen"]):
        return
    if row is None and message.service != "TopicCreate":
        return
    before = _decode(row["state"]) if row is not None else Topic(id=topic, title="")
    _learn(db, mirror, message.chat, _after(before, message), now, seen=message.id)


def topic(db: Db, mirror: int, chat: int, source_id: int) -> TopicRow | None:
    """What is known of a topic; None where nothing is."""
    row = db.execute(
        "SELECT state, shown, unsure FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, chat, source_id),
    ).fetchone()
    if row is None:
        return None
    made = _job(db, mirror, chat, source_id)
    copy_id = GENERAL_TOPIC if source_id == GENERAL_TOPIC else made["copy_id"] if made else None
    return TopicRow(
        state=_decode(row["state"]),
        shown=_decode(row["shown"]) if row["shown"] is not None else None,
        unsure=bool(row["unsure"]),
        copy_id=copy_id,
        job_state=made["state"] if made and made["kind"] == "topic" else None,
    )


def place_topic(
    db: Db, mirror: int, topic: Topic, *, before: int, now: float, new_id: Callable[[], int]
) -> None:
    """Put the job that makes this topic directly before the job of its first post."""
    child = db.execute("SELECT lane, ord, sub, chat, date FROM job WHERE id = ?", (before,)).fetchone()
    place = (child["lane"], child["ord"], child["sub"] - 1)
    known = _job(db, mirror, child["chat"], topic.id)
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
        "INSERT INTO item VALUES (?,?,?,?,?,0,?,0,?)",
        (mirror, child["chat"], topic.id, job, new_id(), _creation(0, topic, 0).content(), payload),
    )


def made(db: Db, job_id: int, now: float) -> None:
    """Within the transaction that settles a call: if it made a topic, the target shows it from now on."""
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
    _show(db, *key, shown)
    if states is not None:
        _compare(db, *key, _decode(states["state"]), shown, now)


def topic_attempted(db: Db, change: Change) -> None:
    """Before a topic of the target is changed: until that is known to be done, it may look either way."""
    db.execute(
        "UPDATE topic SET unsure = 1 WHERE mirror = ? AND chat = ? AND source_id = ?",
        (change.mirror, change.chat, change.source_id),
    )


def topic_changed(db: Db, change: Change, shown: Topic) -> None:
    """The target shows the topic like this now."""
    _show(db, change.mirror, change.chat, change.source_id, shown)


def topic_settled(db: Db, mirror: int, chat: int, source_id: int) -> bool:
    """Whether no post of this topic still waits, or may still come out of the history."""
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
    """The ledger was lost, and `shown`, a topic of the target, is known again as what this one became."""
    known = _job(db, mirror, chat, source_id)
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
            "INSERT INTO item VALUES (?,?,?,?,?,0,?,0,NULL)", (mirror, chat, source_id, job, new_id(), digest)
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
        "VALUES (?,?,0,0,?,?,?,?,?) ON CONFLICT DO NOTHING",
        (new_id(), job, mirror, chat, source_id, target, shown.id),
    )
    erase(db, job)
    looks = msgspec.structs.replace(shown, id=source_id)
    _show(db, mirror, chat, source_id, looks)
    row = db.execute(
        "SELECT state FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, source_id)
    ).fetchone()
    _compare(db, mirror, chat, source_id, _decode(row["state"]), looks, now)


def topic_list(db: Db, mirror: int, chat: int) -> list[Topic]:
    """The topics of the source that are known and not made, General aside."""
    rows = db.execute(
        "SELECT state FROM topic WHERE mirror = ? AND chat = ? AND shown IS NULL ORDER BY source_id",
        (mirror, chat),
    )
    return [_decode(row["state"]) for row in rows]


def forget_topic(db: Db, mirror: int, chat: int, source_id: int, new_id: Callable[[], int]) -> None:
    """Its counterpart was deleted in the target: the next post of it makes another, under another id."""
    db.execute(
        "UPDATE topic SET shown = NULL WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, chat, source_id),
    )
    row = _job(db, mirror, chat, source_id)
    if row is not None:
        db.execute("DELETE FROM copy WHERE job = ?", (row["id"],))
        db.execute("DELETE FROM send WHERE job = ?", (row["id"],))
        db.execute("UPDATE item SET random_id = ? WHERE job = ?", (new_id(), row["id"]))
        db.execute("UPDATE job SET attempts = 0 WHERE id = ?", (row["id"],))


def _creation(chat: int, topic: Topic, date: int) -> Message:
    """What the history says, or would say, of the topic's creation."""
    said: dict[str, int | str | bool] = {
        "title": topic.title,
        "color": topic.icon_color,
        "icon": topic.icon_emoji,
    }
    return Message(chat=chat, id=topic.id, date=date, topic=topic.id, service="TopicCreate", action=said)


def _after(before: Topic, message: Message) -> Topic:
    said = message.action
    return Topic(
        id=before.id,
        title=str(said.get("title", before.title)),
        closed=bool(said.get("closed", before.closed)),
        hidden=bool(said.get("hidden", before.hidden)),
        icon_color=int(said.get("color", before.icon_color)),
        icon_emoji=int(said.get("icon", before.icon_emoji)),
    )


def _learn(db: Db, mirror: int, chat: int, topic: Topic, now: float, *, seen: int = 0) -> None:
    shown = encode(GENERAL) if topic.id == GENERAL_TOPIC else None
    db.execute(
        "INSERT INTO topic (mirror, chat, source_id, seen, state, shown) VALUES (?,?,?,?,?,?) "
        "ON CONFLICT DO UPDATE SET state = excluded.state, seen = max(seen, excluded.seen), gone = 0",
        (mirror, chat, topic.id, seen, encode(topic), shown),
    )
    row = db.execute(
        "SELECT shown FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, topic.id)
    ).fetchone()
    if row["shown"] is not None and is_forum(db, mirror):
        _compare(db, mirror, chat, topic.id, topic, _decode(row["shown"]), now)


def _compare(db: Db, mirror: int, chat: int, source_id: int, state: Topic, shown: Topic, now: float) -> None:
    """What differs becomes the one pending change; what does not differ (any more) needs none."""
    row = db.execute(
        "SELECT unsure FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, source_id)
    ).fetchone()
    if same(state, shown) and not row["unsure"]:
        db.execute(
            "DELETE FROM change WHERE mirror = ? AND kind = 'topic' AND chat = ? AND source_id = ?",
            (mirror, chat, source_id),
        )
    else:
        note(db, mirror, "topic", chat, source_id, encode(state), now)


def same(one: Topic, other: Topic) -> bool:
    """Whether people see the same; a colour cannot be changed once a topic is made."""
    looks = [(t.title, t.closed, t.hidden, t.icon_emoji) for t in (one, other)]
    return looks[0] == looks[1]


def _show(db: Db, mirror: int, chat: int, source_id: int, shown: Topic) -> None:
    db.execute(
        "INSERT INTO topic (mirror, chat, source_id, state, shown) VALUES (?,?,?,?,?) "
        "ON CONFLICT DO UPDATE SET shown = excluded.shown, unsure = 0",
        (mirror, chat, source_id, encode(shown), encode(shown)),
    )


def _job(db: Db, mirror: int, chat: int, source_id: int) -> Row | None:
    row: Row | None = db.execute(
        "SELECT job.id, job.kind, job.state, (SELECT target_id FROM copy WHERE copy.mirror = item.mirror "
        "AND copy.chat = item.chat AND copy.source_id = item.source_id AND target_id IS NOT NULL) AS copy_id "
        "FROM item JOIN job ON job.id = item.job "
        "WHERE item.mirror = ? AND item.chat = ? AND item.source_id = ?",
        (mirror, chat, source_id),
    ).fetchone()
    return row


def _decode(payload: bytes) -> Topic:
    return msgspec.msgpack.decode(payload, type=Topic)
