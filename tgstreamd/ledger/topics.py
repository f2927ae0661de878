"""The topics of source forums: how each looks, how its counterpart looks, and what differs.

What differs is a `change`, at most one for a topic; who makes topics is in `topic_jobs`. Plain functions,
one transaction each.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.messages import GENERAL_TOPIC, Message, Topic, Value
from .changes import Change, note, refused_as
from .engine import Db, Row
from .rows import JobState, encode

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
            gone.append(decode(row["state"]))
            db.execute(
                "UPDATE topic SET gone = 1 WHERE mirror = ? AND chat = ? AND source_id = ?",
                (mirror, chat, row["source_id"]),
            )
    if is_forum(db, mirror):
        compare_order(db, mirror, chat, now)
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
    before = decode(row["state"]) if row is not None else Topic(id=topic, title="")
    _learn(db, mirror, message.chat, _after(before, message), now, seen=message.id)


def topic(db: Db, mirror: int, chat: int, source_id: int) -> TopicRow | None:
    """What is known of a topic; None where nothing is."""
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
    """Before a topic of the target is changed: until that is known to be done, it may look either way."""
    db.execute(
        "UPDATE topic SET unsure = 1 WHERE mirror = ? AND chat = ? AND source_id = ?",
        (change.mirror, change.chat, change.source_id),
    )


def topic_changed(db: Db, change: Change, shown: Topic) -> None:
    """The target shows the topic like this now."""
    show(db, change.mirror, change.chat, change.source_id, shown)


def topic_list(db: Db, mirror: int, chat: int) -> list[Topic]:
    """The topics of the source that are known and not made, General aside."""
    rows = db.execute(
        "SELECT state FROM topic WHERE mirror = ? AND chat = ? AND shown IS NULL ORDER BY source_id",
        (mirror, chat),
    )
    return [decode(row["state"]) for row in rows]


def _after(before: Topic, message: Message) -> Topic:
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
        "ON CONFLICT DO UPDATE SET state = excluded.state, seen = max(seen, excluded.seen), gone = 0",
        (mirror, chat, topic.id, seen, encode(topic), shown),
    )
    row = db.execute(
        "SELECT shown FROM topic WHERE mirror = ? AND chat = ? AND source_id = ?", (mirror, chat, topic.id)
    ).fetchone()
    if row["shown"] is not None and is_forum(db, mirror):
        compare(db, mirror, chat, topic.id, topic, decode(row["shown"]), now)


def compare(db: Db, mirror: int, chat: int, source_id: int, state: Topic, shown: Topic, now: float) -> None:
    """What differs becomes the one pending change; what does not differ (any more) needs none."""
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
    """Whether people see the same; a colour cannot be changed once a topic is made."""
    looks = [(t.title, t.closed, t.hidden, t.icon_emoji) for t in (one, other)]
    return looks[0] == looks[1]


def show(db: Db, mirror: int, chat: int, source_id: int, shown: Topic) -> None:
    db.execute(
        "INSERT INTO topic (mirror, chat, source_id, state, shown) VALUES (?,?,?,?,?) "
        "ON CONFLICT DO UPDATE SET shown = excluded.shown, unsure = 0",
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


#: While the call is under way the target may look either way: like nothing that is wanted.
UNSURE = (-1,)


def compare_order(db: Db, mirror: int, chat: int, now: float) -> None:
    """What is pinned in the source, as far as it was made, against what the target was made to pin."""
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
    """The pinned topics of the source, by id, as the target was last made to pin them."""
    row = db.execute("SELECT pinned_topics FROM mirror WHERE id = ?", (mirror,)).fetchone()
    return msgspec.json.decode(row["pinned_topics"], type=list[int])


def order_shown(db: Db, mirror: int, order: Sequence[int]) -> None:
    """The target pins these now."""
    text = msgspec.json.encode(list(order)).decode()
    db.execute("UPDATE mirror SET pinned_topics = ? WHERE id = ?", (text, mirror))


def made_topics(db: Db, mirror: int, chat: int) -> dict[int, int]:
    """The topics of the source that were made, General aside: their ids there and in the target."""
    rows = db.execute(
        "SELECT topic.source_id, copy.target_id FROM topic JOIN copy ON copy.mirror = topic.mirror "
        "AND copy.chat = topic.chat AND copy.source_id = topic.source_id JOIN job ON job.id = copy.job "
        "WHERE topic.mirror = ? AND topic.chat = ? AND job.kind = 'topic' AND copy.target_id IS NOT NULL",
        (mirror, chat),
    )
    return {row["source_id"]: row["target_id"] for row in rows}
