"""Which topics are pinned in a forum, and in which order: what the target lacks of it is one pending change.

Only topics that were made count; one that is made later is compared anew then. Plain functions.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.messages import Topic
from .changes import note, refused_as
from .engine import Db

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
