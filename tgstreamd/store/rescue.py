"""Originals that vanished before their turn and are copied all the same; and what chats are called.

Plain functions, one transaction each. The count of rescued messages is kept by a trigger, as every other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .engine import IN_CHAT, Db


def note_vanished(db: Db, mirror: int, chat: int, ids: Sequence[int]) -> None:
    """These were deleted in the source (chat 0: in whichever basic group has them)."""
    for source_id in ids:
        db.execute(
            # By way of `feed`, so that also an id without a chat is looked up and not searched for.
            "INSERT OR IGNORE INTO vanished SELECT item.mirror, item.chat, item.source_id FROM feed "
            "CROSS JOIN item ON item.mirror = feed.mirror AND item.chat = feed.chat "
            "AND item.source_id = :id CROSS JOIN job ON job.id = item.job "
            f"WHERE feed.mirror = :mirror AND {IN_CHAT} "
            "AND job.state IN ('waiting', 'open', 'parked')",
            {"mirror": mirror, "chat": chat, "id": source_id},
        )


def note_titles(db: Db, titles: Mapping[int, str]) -> None:
    """What these chats are called now."""
    for chat, text in titles.items():
        db.execute(
            "INSERT INTO title VALUES (?,?) ON CONFLICT DO UPDATE SET text = excluded.text", (chat, text)
        )


def titles(db: Db) -> dict[int, str]:
    """What the chats that were ever mirrored were called when they were last asked about."""
    return {row["chat"]: row["text"] for row in db.execute("SELECT chat, text FROM title")}
