"""Keeps the topics of source forums: their state, the state of their counterparts, and the difference.

A difference is a `change`, at most one for a topic; `topic_jobs` creates topics. Plain functions, one
transaction each.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.messages import GENERAL_TOPIC, Message, Topic, Value
from .changes import Change, note, refused_as
from .engine import Db, Row
from .rows import JobState, encode

#: The topic that every forum begins with, which is never created.
GENERAL = Topic(id=GENERAL_TOPIC, title="General")


class TopicRow(Value, frozen=True, kw_only=True):
    """A topic of the source, and its counterpart."""

    #: The state in the source.
    state: Topic
    #: The state in the target; None where it was not created.
    shown: Topic | None
    #: A change was attempted with an unknown outcome: the target may differ from `shown`.
    unsure: bool
    #: The target's topic (1 for General).
    copy_id: int | None
    #: State of the job that creates it; None where there is none.
    job_state: JobState | None = None


def set_forum(db: Db, mirror: int, forum: bool) -> None:
    """Store whether this mirror copies a whole forum topic by topic."""
    db.execute("UPDATE mirror SET forum = ? WHERE id = ? AND forum <> ?", (forum, mirror, forum))


def is_forum(db: Db, mirror: int) -> bool:
    row = db.execute("SELECT forum FROM mirror WHERE id = ?", (mirror,)).fetchone()
    return bool(row and row["forum"])


def topics_heard(db: Db, mirror: int, chat: int) -> int:
    """Return the newest service message about any topic: a list fetched after this call is not older."""
    row = db.execute(
        "SELECT max(seen) AS seen FROM topic WHERE mirror = ? AND chat = ?", (mirror, chat)
    ).fetchone()
    return row["seen"] or 0


def take_topics(
    db: Db, mirror: int, chat: int, topics: Sequence[Topic], *, heard: int, now: float
) -> list[Topic]:
    """Store all topics of the source; return those that were deleted since the last list.

    `heard` was read before the topics were fetched: service messages since then are newer than the list.
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
            gone.append(decode(row["state"]))
            db.execute(
                "UPDATE topic SET gone = 1 WHERE mirror = ? AND chat = ? AND source_id = ?",
                (mirror, chat, row["source_id"]),
            )
    if is_forum(db, mirror):
        compare_order(db, mirror, chat, now)
    return gone


def hear(db: Db, mirror: int, message: Message, *, live: bool, now: float) -> None:
    """Store a service message about a topic, unless a newer state is known."""
    topic = message.topic or GENERAL_TOPIC
    row = db.execute(
        "SELECT seen, state FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, message.chat, topic),
    ).fetchone()
    if row is not None and (not live or message.id <= row["seen"]):
        return
    if row is None and message.service != "TopicCreate":
        return
    before = decode(row["state"]) if row is not None else Topic(id=topic, title="")
    _learn(db, mirror, message.chat, _apply_service(before, message), now, seen=message.id)


def topic(db: Db, mirror: int, chat: int, source_id: int) -> TopicRow | None:
    """Return what is known of a topic; None where nothing is."""
    row = db.execute(
        "SELECT state, shown, unsure FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?",
        (mirror, chat, source_id),
    ).fetchone()
    if row is None:
        return None
    made = job_of(db, mirror, chat, source_id)
    copy_id = GENERAL_TOPIC if source_id == GENERAL_TOPIC else made["copy_id"] if made else None
    return TopicRow(
        state=decode(row["state"]),
        shown=decode(row["shown"]) if row["shown"] is not None else None,
        unsure=bool(row["unsure"]),
        copy_id=copy_id,
        job_state=made["state"] if made and made["kind"] == "topic" else None,
    )


def topic_attempted(db: Db, change: Change) -> None:
    """Record, before a topic of the target is changed, that its state is uncertain until that is done."""
    db.execute(
        "UPDATE topic SET unsure = 1 WHERE mirror = ? AND chat = ? AND source_id = ?",
        (change.mirror, change.chat, change.source_id),
    )


def topic_changed(db: Db, change: Change, shown: Topic) -> None:
    """Store the topic's current state in the target."""
    show(db, change.mirror, change.chat, change.source_id, shown)


def topic_list(db: Db, mirror: int, chat: int) -> list[Topic]:
    """Return the known topics of the source that have no counterpart, except General."""
    rows = db.execute(
        "SELECT state FROM topic WHERE mirror = ? AND chat = ? AND shown IS NULL ORDER BY source_id",
        (mirror, chat),
    )
    return [decode(row["state"]) for row in rows]


def _apply_service(before: Topic, message: Message) -> Topic:
    said = message.action
    return Topic(
        id=before.id,
        title=str(said.get("title", before.title)),
        closed=bool(said.get("closed", before.closed)),
        hidden=bool(said.get("hidden", before.hidden)),
        icon_color=int(said.get("color", before.icon_color)),
        icon_emoji=int(said.get("icon", before.icon_emoji)),
        pinned=before.pinned,
    )


def _learn(db: Db, mirror: int, chat: int, topic: Topic, now: float, *, seen: int = 0) -> None:
    shown = encode(GENERAL) if topic.id == GENERAL_TOPIC else None
    db.execute(
        "INSERT INTO topic (mirror, chat, source_id, seen, state, shown) VALUES (?,?,?,?,?,?) "
        "ON CONFLICT (mirror, chat, source_id) DO UPDATE SET state = excluded.state, gone = 0, "
        "seen = CASE WHEN topic.seen < excluded.seen THEN excluded.seen ELSE topic.seen END",
        (mirror, chat, topic.id, seen, encode(topic), shown),
    )
    row = db.execute(
        "SELECT shown FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, topic.id)
    ).fetchone()
    if row["shown"] is not None and is_forum(db, mirror):
        compare(db, mirror, chat, topic.id, topic, decode(row["shown"]), now)


def compare(db: Db, mirror: int, chat: int, source_id: int, state: Topic, shown: Topic, now: float) -> None:
    """Store a difference as the one pending change; without a difference, remove it."""
    row = db.execute(
        "SELECT unsure FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, source_id)
    ).fetchone()
    if same(state, shown) and not row["unsure"]:
        db.execute(
            "DELETE FROM change WHERE mirror = ? AND kind = 'topic' AND chat = ? AND source_id = ?",
            (mirror, chat, source_id),
        )
        return
    refused = refused_as(db, mirror, "topic", chat, source_id)
    if refused is None or not same(decode(refused), state):
        note(db, mirror, "topic", chat, source_id, encode(state), now)


def same(one: Topic, other: Topic) -> bool:
    """Return whether two topics look the same; a colour cannot be changed once a topic is created."""
    looks = [(t.title, t.closed, t.hidden, t.icon_emoji) for t in (one, other)]
    return looks[0] == looks[1]


def show(db: Db, mirror: int, chat: int, source_id: int, shown: Topic) -> None:
    db.execute(
        "INSERT INTO topic (mirror, chat, source_id, state, shown) VALUES (?,?,?,?,?) "
        "ON CONFLICT (mirror, chat, source_id) DO UPDATE SET shown = excluded.shown, unsure = 0",
        (mirror, chat, source_id, encode(shown), encode(shown)),
    )


def job_of(db: Db, mirror: int, chat: int, source_id: int) -> Row | None:
    row: Row | None = db.execute(
        "SELECT job.id, job.kind, job.state, (SELECT target_id FROM copy WHERE copy.mirror = item.mirror "
        "AND copy.chat = item.chat AND copy.source_id = item.source_id AND target_id IS NOT NULL) AS copy_id "
        "FROM item JOIN job ON job.id = item.job "
        "WHERE item.mirror = ? AND item.chat = ? AND item.source_id = ?",
        (mirror, chat, source_id),
    ).fetchone()
    return row


def decode(payload: bytes) -> Topic:
    return msgspec.msgpack.decode(payload, type=Topic)


KIND = "order"


#: Marks an attempted change: the target's order is uncertain, and matches no wanted one.
UNSURE = (-1,)


def compare_order(db: Db, mirror: int, chat: int, now: float) -> None:
    """Compare the source's pinned topics, as far as they have counterparts, with the target's."""
    rows = db.execute(
        "SELECT state FROM topic WHERE mirror = ? AND chat = ? AND shown IS NOT NULL AND gone = 0",
        (mirror, chat),
    ).fetchall()
    topics = [msgspec.msgpack.decode(row["state"], type=Topic) for row in rows]
    wanted = [topic.id for topic in sorted(topics, key=lambda topic: topic.pinned) if topic.pinned]
    if wanted == shown_order(db, mirror):
        db.execute("DELETE FROM change WHERE mirror = ? AND kind = ?", (mirror, KIND))
    elif refused_as(db, mirror, KIND, chat, 0) != (payload := msgspec.msgpack.encode(wanted)):
        note(db, mirror, KIND, chat, 0, payload, now)


def shown_order(db: Db, mirror: int) -> list[int]:
    """Return the pinned topics of the source, by id, as they were last pinned in the target."""
    row = db.execute("SELECT pinned_topics FROM mirror WHERE id = ?", (mirror,)).fetchone()
    return msgspec.json.decode(row["pinned_topics"], type=list[int])


def order_shown(db: Db, mirror: int, order: Sequence[int]) -> None:
    """Store the topics that are pinned in the target now."""
    text = msgspec.json.encode(list(order)).decode()
    db.execute("UPDATE mirror SET pinned_topics = ? WHERE id = ?", (text, mirror))


def made_topics(db: Db, mirror: int, chat: int) -> dict[int, int]:
    """Return the ids of the source's topics with those of their counterparts, except General."""
    rows = db.execute(
        "SELECT topic.source_id, copy.target_id FROM topic JOIN copy ON copy.mirror = topic.mirror "
        "AND copy.chat = topic.chat AND copy.source_id = topic.source_id JOIN job ON job.id = copy.job "
        "WHERE topic.mirror = ? AND topic.chat = ? AND job.kind = 'topic' AND copy.target_id IS NOT NULL",
        (mirror, chat),
    )
    return {row["source_id"]: row["target_id"] for row in rows}
