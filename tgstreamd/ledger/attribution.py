"""Whose post stands last in each place of a target, so that one line above several speaks for all of them.

Kept in the transaction that settles a call: what a place remembers is what stands there.
"""

from __future__ import annotations

from ..domain.messages import Draft, LastAuthor
from .engine import Db


def spoke(db: Db, mirror: int, target: int, draft: Draft) -> None:
    """A call has put this into the target. What names nobody ends what was said before it."""
    if draft.opens is not None:
        return
    if draft.voice is None:
        db.execute("DELETE FROM voice WHERE target = ? AND topic = ?", (target, draft.topic or 0))
        return
    db.execute(
        "INSERT OR REPLACE INTO voice VALUES (?,?,?,?,?,?)",
        (target, draft.topic or 0, mirror, draft.voice.author, draft.voice.at, draft.voice.place),
    )


def voice(db: Db, mirror: int, target: int, topic: int) -> LastAuthor | None:
    """Whose post of this mirror stands last there (topic 0: where no topic is); None for another's."""
    row = db.execute(
        "SELECT author, at, place FROM voice WHERE target = ? AND topic = ? AND mirror = ?",
        (target, topic, mirror),
    ).fetchone()
    return LastAuthor(**dict(row)) if row else None


def others_spoke(db: Db, target: int, topic: int, message: int, *, own: bool) -> None:
    """Somebody else's post stands last there now (topic 0: where no topic is).

    `own`: it is of our account, but perhaps none of our copies: a person writes by the same account.
    """
    ours = (
        own
        and db.execute(
            "SELECT 1 FROM copy WHERE target = :target AND target_id = :id UNION ALL "
            # A call is under way there, and this may be what it makes.
            "SELECT 1 FROM job JOIN copy ON copy.job = job.id WHERE job.state = 'open' AND target = :target "
            "AND target_id IS NULL",
            {"target": target, "id": message},
        ).fetchone()
    )
    if not ours:
        db.execute("DELETE FROM voice WHERE target = ? AND topic = ?", (target, topic))


def forget_last_authors(db: Db, target: int) -> None:
    """Who stands last there is not known any more, in none of its topics."""
    db.execute("DELETE FROM voice WHERE target = ?", (target,))


def keep_lines(db: Db, job: int, draft: Draft) -> None:
    """Where our lines stand, and whether author and topic are among them: an edit has to make it so again."""
    voice = draft.voice
    line, placed = (voice.line, voice.placed) if voice is not None else (True, True)
    if draft.host or voice is not None:
        db.execute(
            "UPDATE job SET byline = ?, placed = ?, host = ? WHERE id = ?", (line, placed, draft.host, job)
        )
