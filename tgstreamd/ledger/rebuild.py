"""Rebuilds the map: copies that were recognised in the target become the ledger's own.

Plain functions, one transaction each. Changes only jobs that wait or are parked, and are not known to be
sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..domain.messages import Value
from .engine import Db, Row
from .facts import fact
from .jobs import UNSENT, erase, finish, skip_upto
from .mirrors import known_upto_key, release

NOT_THERE = "ledger lost: not found in the target"


def known_upto(db: Db, mirror: int) -> int | None:
    """Return the position of the newest unknown copy that a mirror waits for; None where there is none."""
    found = fact(db, known_upto_key(mirror))
    return int(found) if found else None


class Lines(Value, frozen=True, kw_only=True):
    """The lines above a copy: author, topic; for an album, the item that has them."""

    chat: int
    source_id: int
    byline: bool
    placed: bool
    host: int


class Recognised(Value, frozen=True, kw_only=True):
    """The recognised copies of one source message, and the number of its parts not found."""

    chat: int
    source_id: int
    #: Ids, each with its fingerprint.
    copies: tuple[tuple[int, str], ...]
    missing: int = 0
    #: It is out of the source's order.
    late: bool = False
    #: Its text differs from the original's current one.
    edited: bool = False


def adopt_copies(
    db: Db,
    mirror: int,
    found: Sequence[Recognised],
    lines: Sequence[Lines],
    unwanted: Sequence[tuple[int, int, str]],
    upto: int,
    *,
    now: float,
    new_id: Callable[[], int],
) -> tuple[int, int]:
    """Map source messages to their copies, skip older ones that have none, and resume the mirror.

    `unwanted`: messages (chat, id) that would be skipped at their turn, with the reason. Returns the numbers
    of mapped and of skipped messages.
    """
    target = db.execute("SELECT target FROM mirror WHERE id = ?", (mirror,)).fetchone()["target"]
    jobs: set[int] = set()
    mapped = 0
    for one in found:
        row = _unsent_job(db, mirror, one.chat, one.source_id)
        if row is None:
            continue
        if row["id"] not in jobs:
            db.execute("DELETE FROM copy WHERE job = ? AND target_id IS NULL", (row["id"],))
        jobs.add(row["id"])
        mapped += 1
        places = db.execute("SELECT count(*) AS n FROM copy WHERE job = ?", (row["id"],)).fetchone()["n"]
        ids = [*one.copies, *[(None, "")] * one.missing]
        for idx, (target_id, print_) in enumerate(ids, places):
            # A part that was not found gets a row, too: the message is incomplete.
            db.execute(
                "INSERT INTO copy (random_id, job, seq, idx, mirror, chat, source_id, target, "
                "fingerprint, target_id) VALUES (?,?,0,?,?,?,?,?,?,?) "
                "ON CONFLICT (target, target_id) WHERE target_id IS NOT NULL DO NOTHING",
                (new_id(), row["id"], idx, mirror, one.chat, one.source_id, target, print_, target_id),
            )
        if one.late:
            db.execute("UPDATE job SET sub = 2 WHERE id = ?", (row["id"],))
        if one.edited:
            # The digest matches nothing: a comparison reports it, and the next edit replaces the text.
            db.execute(
                "UPDATE item SET digest = '' WHERE mirror = ? AND chat = ? AND source_id = ?",
                (mirror, one.chat, one.source_id),
            )
    for job in jobs:
        db.execute("DELETE FROM send WHERE job = ?", (job,))
        db.execute("UPDATE job SET state = 'done', reason = '', settled_at = ? WHERE id = ?", (now, job))
        erase(db, job)
    for said in lines:
        db.execute(
            "UPDATE job SET byline = ?, placed = ?, host = ? WHERE id = "
            "(SELECT job FROM item WHERE mirror = ? AND chat = ? AND source_id = ?)",
            (said.byline, said.placed, said.host, mirror, said.chat, said.source_id),
        )
    skipped = 0
    for chat, source_id, why in unwanted:
        if (row := _unsent_job(db, mirror, chat, source_id)) is not None and row["state"] == "waiting":
            finish(db, row["id"], "skipped", why, now)
            skipped += row["items"]
    skipped += skip_upto(db, mirror, upto, NOT_THERE, now)
    db.execute('DELETE FROM fact WHERE "key" = ?', (known_upto_key(mirror),))
    release(db, mirror, "waiting")
    return mapped, skipped


def _unsent_job(db: Db, mirror: int, chat: int, source_id: int) -> Row | None:
    row: Row | None = db.execute(
        "SELECT job.id, job.items, job.state FROM item JOIN job ON job.id = item.job WHERE item.mirror = ? "
        f"AND item.chat = ? AND item.source_id = ? AND job.state IN ('waiting', 'parked') AND {UNSENT}",
        (mirror, chat, source_id),
    ).fetchone()
    return row
