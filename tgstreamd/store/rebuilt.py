"""A map derived anew: copies that were recognised in the target become the ledger's own.

Plain functions, one transaction each. Changes only what waits and was never attempted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..model import Value
from .engine import Db
from .mirrors import fact, known_upto_key, release
from .queue import erase, skip_upto

NOT_THERE = "ledger lost: not found in the target"


def known_upto(db: Db, mirror: int) -> int | None:
    """The place of the newest unknown copy that a mirror waits for; None where it waits for none."""
    found = fact(db, known_upto_key(mirror))
    return int(found) if found else None


class Lines(Value, frozen=True, kw_only=True):
    """What a copy names above its original's words: author, topic; of an album, by which item."""

    chat: int
    source_id: int
    byline: bool
    placed: bool
    host: int


def adopt_copies(
    db: Db,
    mirror: int,
    copies: Sequence[tuple[int, int, tuple[int, ...]]],
    lines: Sequence[Lines],
    upto: int,
    *,
    now: float,
    new_id: Callable[[], int],
) -> tuple[int, int]:
    """Map source messages (chat, id) to their copies, skip what is older and has none, and let it go on.

    How many messages were mapped, and how many skipped.
    """
    target = db.execute("SELECT target FROM mirror WHERE id = ?", (mirror,)).fetchone()["target"]
    jobs: dict[int, int] = {}
    for chat, source_id, ids in copies:
        row = db.execute(
            "SELECT job.id, job.items FROM item JOIN job ON job.id = item.job WHERE item.mirror = ? "
            "AND item.chat = ? AND item.source_id = ? AND state = 'waiting' AND attempts = 0",
            (mirror, chat, source_id),
        ).fetchone()
        if row is None:
            continue
        jobs[row["id"]] = row["items"]
        for idx, target_id in enumerate(ids):
            db.execute(
                "INSERT OR IGNORE INTO copy (random_id, job, seq, idx, mirror, chat, source_id, target, "
                "target_id) VALUES (?,?,0,?,?,?,?,?,?)",
                (new_id(), row["id"], idx, mirror, chat, source_id, target, target_id),
            )
    for job in jobs:
        db.execute("DELETE FROM copy WHERE job = ? AND target_id IS NULL", (job,))
        db.execute("DELETE FROM send WHERE job = ?", (job,))
        db.execute("UPDATE job SET state = 'done', reason = '', settled_at = ? WHERE id = ?", (now, job))
        erase(db, job)
    for said in lines:
        db.execute(
            "UPDATE job SET byline = ?, placed = ?, host = ? WHERE id = "
            "(SELECT job FROM item WHERE mirror = ? AND chat = ? AND source_id = ?)",
            (said.byline, said.placed, said.host, mirror, said.chat, said.source_id),
        )
    skipped = skip_upto(db, mirror, upto, NOT_THERE, now)
    db.execute('DELETE FROM fact WHERE "key" = ?', (known_upto_key(mirror),))
    release(db, mirror, "waiting")
    return sum(jobs.values()), skipped
