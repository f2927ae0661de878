"""Keeps the last author in each place of a target, so that one line covers consecutive posts.

Updated in the transaction that settles a call, so it matches what is in the target.
"""

from __future__ import annotations

from ..domain.messages import Draft, LastAuthor
from .engine import Db


def spoke(db: Db, mirror: int, target: int, draft: Draft) -> None:
    """Record a call's author as the last one in its place. A post without a byline clears the last author."""
    if draft.opens is not None:
        return
    if draft.voice is None:
        db.execute("DELETE FROM voice WHERE target = ? AND topic = ?", (target, draft.topic or 0))
        return
    db.execute(
        "INSERT INTO voice (target, topic, mirror, author, at, place) VALUES (?,?,?,?,?,?) "
        "ON CONFLICT (target, topic) DO UPDATE SET mirror = excluded.mirror, author = excluded.author, "
        "at = excluded.at, place = excluded.place",
        (target, draft.topic or 0, mirror, draft.voice.author, draft.voice.at, draft.voice.place),
    )


def voice(db: Db, mirror: int, target: int, topic: int) -> LastAuthor | None:
    """Return the last author there (topic 0: no topic), if the last post is this mirror's; else None."""
    row = db.execute(
        "SELECT author, at, place FROM voice WHERE target = ? AND topic = ? AND mirror = ?",
        (target, topic, mirror),
    ).fetchone()
    return LastAuthor(**dict(row)) if row else None


def others_spoke(db: Db, target: int, topic: int, message: int, *, own: bool) -> None:
    """Record that somebody else's post is now the last one there (topic 0: no topic).

    `own`: it is our account's, but perhaps not a copy: a person may use the same account.
    """
    ours = (
        own
        and db.execute(
            "SELECT 1 FROM copy WHERE target = :target AND target_id = :id UNION ALL "
            # A call is in progress there, and may have created this message.
            "SELECT 1 FROM job JOIN copy ON copy.job = job.id WHERE job.state = 'open' AND target = :target "
            "AND target_id IS NULL",
            {"target": target, "id": message},
        ).fetchone()
    )
    if not ours:
        db.execute("DELETE FROM voice WHERE target = ? AND topic = ?", (target, topic))


def forget_last_authors(db: Db, target: int) -> None:
    """Clear the last authors in all topics of a target."""
    db.execute("DELETE FROM voice WHERE target = ?", (target,))


def keep_lines(db: Db, job: int, draft: Draft) -> None:
    """Store which item has the added lines, and which lines they are: an edit has to reproduce them."""
    voice = draft.voice
    line, placed = (voice.line, voice.placed) if voice is not None else (True, True)
    if draft.host or voice is not None:
        db.execute(
            "UPDATE job SET byline = ?, placed = ?, host = ? WHERE id = ?", (line, placed, draft.host, job)
        )
