"""The marks and holds of the pace, kept so that a restart does not refill the budget; all times, moved along
with a wall clock that was set."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.clock import FOREVER
from ..domain.messages import Mark
from .engine import Db
from .rows import Hold

#: How the scope begins that says until when an unknown login is tried; the key's number follows.
LOGIN = "login:"


def marks(db: Db) -> dict[str, Mark]:
    """When something was last sent: by `target:<id>`, `account`, `backlog`."""
    return {row["key"]: Mark(at=row["at"], cost=row["cost"]) for row in db.execute("SELECT * FROM mark")}


def pace(db: Db, fact: str) -> tuple[dict[str, Mark], dict[str, Hold], str]:
    """All that says when the next send may start: marks, holds, and what is kept under that name."""
    row = db.execute("SELECT value FROM fact WHERE key = ?", (fact,)).fetchone()
    return marks(db), holds(db), row["value"] if row else ""


def set_marks(db: Db, keys: Sequence[str], at: float, cost: int) -> None:
    """So much was just done, under each of these keys."""
    for key in keys:
        db.execute(
            "INSERT INTO mark VALUES (?,?,?) "
            "ON CONFLICT DO UPDATE SET at = excluded.at, cost = excluded.cost",
            (key, at, cost),
        )


def holds(db: Db) -> dict[str, Hold]:
    """What may not be sent before when: by `account`, `method:<name>`, `chat:<id>`; and `login:<key>`."""
    return {row["scope"]: Hold(**dict(row)) for row in db.execute("SELECT * FROM hold")}


def hold_until(db: Db, scope: str, until: float, reason: str, step: int = 0) -> None:
    db.execute(
        "INSERT INTO hold VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until), "
        "reason = excluded.reason, step = excluded.step",
        (scope, until, reason, step),
    )


def lift_hold(db: Db, scope: str) -> None:
    db.execute("DELETE FROM hold WHERE scope = ?", (scope,))


def login_unknown(db: Db, key: int, until: float, reason: str) -> float:
    """Telegram does not know the login of this key; until when it is tried, as its first refusal said.

    No longer than `until`, whatever the wall clock was at that time.
    """
    scope = f"{LOGIN}{key}"
    db.execute(
        "INSERT INTO hold (scope, until, reason) VALUES (?,?,?) "
        "ON CONFLICT DO UPDATE SET until = min(until, excluded.until), reason = excluded.reason",
        (scope, until, reason),
    )
    return float(db.execute("SELECT until FROM hold WHERE scope = ?", (scope,)).fetchone()["until"])


def login_known(db: Db) -> None:
    """Telegram knows the login: what it said of this one, or of one before it, is over."""
    db.execute("DELETE FROM hold WHERE scope GLOB ?", (f"{LOGIN}*",))


def clock_was_set(db: Db, by: float, now: float) -> None:
    """The wall clock was set on `by` seconds: what lies behind lies as far behind, what waits waits as long.

    But for attempts: how long Telegram remembers a `random_id` is not ours to move.
    """
    move = {"by": by, "now": now}
    # What was written since then is right already, and cannot lie ahead.
    db.execute("UPDATE mark SET at = min(at + :by, :now)", move)
    db.execute("UPDATE deletion SET at = min(at + :by, :now)", move)
    db.execute("UPDATE job SET last_item_at = min(last_item_at + :by, :now) WHERE sealed = 0", move)
    db.execute(
        "UPDATE change SET first_at = min(first_at + :by, :now), last_at = min(last_at + :by, :now)", move
    )
    old = {"by": by, "then": now - by, "forever": FOREVER}
    db.execute("UPDATE hold SET until = until + :by WHERE until > :then AND until < :forever", old)
    for table in ("change", "job"):
        db.execute(f"UPDATE {table} SET not_before = not_before + :by WHERE not_before > :then", old)


#: More deletions than this within so many seconds are a mass deletion.
MASS, MASS_WINDOW = 50, 600.0


DELETION_HELD = "deletion held"


def brake(db: Db, mirror: int, n: int, now: float) -> bool:
    """Count `n` deletions; true while deletions of this mirror wait for the operator."""
    db.execute("DELETE FROM deletion WHERE at <= ?", (now - MASS_WINDOW,))
    if n:
        db.execute("INSERT INTO deletion VALUES (?,?,?)", (mirror, now, n))
    held = db.execute("SELECT held FROM mirror WHERE id = ?", (mirror,)).fetchone()["held"]
    total = db.execute("SELECT total(n) AS n FROM deletion WHERE mirror = ?", (mirror,)).fetchone()["n"]
    if not held and total > MASS:
        held = f"{int(total)} deletions within {int(MASS_WINDOW / 60)} minutes"
        db.execute("UPDATE mirror SET held = ? WHERE id = ?", (held, mirror))
    return bool(held)


def hold_deletions(db: Db, mirror: int, reason: str) -> bool:
    """Carry out no deletion of this mirror until the operator says so; false if that stood or was lifted."""
    lifted = db.execute('SELECT 1 FROM fact WHERE "key" = ?', (_lifted(mirror),)).fetchone()
    if lifted:
        return False
    changed = db.execute("UPDATE mirror SET held = ? WHERE id = ? AND held = ''", (reason, mirror))
    return changed.rowcount > 0


def release_deletions(db: Db, mirror: int, now: float) -> str:
    """The operator lets held deletions go: the reason they were held for, empty where none were."""
    held = db.execute("SELECT held FROM mirror WHERE id = ?", (mirror,)).fetchone()["held"]
    if held:
        db.execute("UPDATE mirror SET held = '' WHERE id = ?", (mirror,))
        db.execute("DELETE FROM deletion WHERE mirror = ?", (mirror,))
        if "timer" in held:
            # A timer's deletions are released for good, a mass deletion's only those held.
            db.execute("INSERT OR REPLACE INTO fact VALUES (?, '1')", (_lifted(mirror),))
        rows = db.execute(
            "UPDATE job SET state = 'skipped', settled_at = ? WHERE mirror = ? AND state = 'parked' "
            "AND reason = ? RETURNING id",
            (now, mirror, DELETION_HELD),
        ).fetchall()
        for row in rows:
            db.execute("UPDATE item SET payload = NULL WHERE job = ?", (row["id"],))
    return str(held)


def _lifted(mirror: int) -> str:
    return f"timer_lifted:{mirror}"
