"""Deletions brake themselves: too many in a short time, or a timer's, wait for the operator.

Plain functions, one transaction each (design, section 2a).
"""

from __future__ import annotations

from .engine import Db

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
