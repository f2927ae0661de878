"""Stores marks and holds, so that a restart neither sends nor asks too early; brakes mass deletions.

Moves all times of the ledger along with a wall clock that was set. `limits.holds` says what a hold blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..domain.holds import FOREVER, Hold, Scope
from ..domain.messages import Mark
from .engine import Db
from .facts import fact, set_fact

#: The marks of an account: its last message, its last other change, its last message of a backlog.
MESSAGES, CHANGES, BACKLOG = "account", "second", "backlog"
#: The account of the targets' marks: readers see how fast messages come, whichever account sends them.
NOBODY = 0


def messages_to(target: int) -> str:
    """Return the key of the mark of the last message to a target."""
    return f"target:{target}"


def changes_in(target: int) -> str:
    """Return the key of the mark of the last change in a target that is no message."""
    return f"second:{target}"


def pace(db: Db, account: int) -> tuple[dict[str, Mark], str]:
    """Return the marks that bind this account, by key, and its backlog interval, empty if none is stored."""
    rows = db.execute('SELECT "key", at, cost FROM mark WHERE account IN (?, ?)', (account, NOBODY))
    marks = {row["key"]: Mark(at=row["at"], cost=row["cost"]) for row in rows}
    return marks, fact(db, _tempo(account))


def set_tempo(db: Db, account: int, tempo: str) -> None:
    set_fact(db, _tempo(account), tempo)


def set_marks(db: Db, account: int, keys: Sequence[str], at: float, cost: int) -> None:
    """Store time and cost of a send or change, under each of these keys."""
    for key in keys:
        whose = account if key in (MESSAGES, CHANGES, BACKLOG) else NOBODY
        db.execute(
            'INSERT INTO mark (account, "key", at, cost) VALUES (?,?,?,?) '
            'ON CONFLICT (account, "key") DO UPDATE SET at = excluded.at, cost = excluded.cost',
            (whose, key, at, cost),
        )


def last_message(db: Db, target: int) -> float:
    """Return the time of the last message sent there; 0 for never."""
    query = 'SELECT at FROM mark WHERE account = ? AND "key" = ?'
    row = db.execute(query, (NOBODY, messages_to(target))).fetchone()
    return float(row["at"]) if row else 0.0


def move_marks(db: Db, old: int, new: int) -> None:
    """Copy the marks of a target that has become another chat."""
    for key in (messages_to, changes_in):
        db.execute(
            'INSERT INTO mark (account, "key", at, cost) SELECT account, ?, at, cost FROM mark '
            'WHERE "key" = ? ON CONFLICT (account, "key") DO NOTHING',
            (key(new), key(old)),
        )


def holds(db: Db, account: int) -> dict[Scope, Hold]:
    """Return the holds of this account, those that are over too."""
    query = "SELECT account, scope, until, reason, step FROM hold WHERE account = ?"
    rows = [dict(row) for row in db.execute(query, (account,))]
    found = [Hold(**row | {"scope": Scope.parse(row["scope"])}) for row in rows]
    return {hold.scope: hold for hold in found}


def hold_until(db: Db, account: int, scope: Scope, until: float, reason: str, step: int = 0) -> None:
    """Store a hold; one of the same scope that ends later keeps its end."""
    db.execute(
        "INSERT INTO hold (account, scope, until, reason, step) VALUES (?,?,?,?,?) "
        "ON CONFLICT (account, scope) DO UPDATE SET reason = excluded.reason, step = excluded.step, "
        "until = CASE WHEN excluded.until > hold.until THEN excluded.until ELSE hold.until END",
        (account, str(scope), until, reason, step),
    )


def lift_hold(db: Db, account: int, scope: Scope) -> None:
    db.execute("DELETE FROM hold WHERE account = ? AND scope = ?", (account, str(scope)))


def login_unknown(db: Db, account: int, key: int, until: float, reason: str) -> float:
    """Store that Telegram does not know the login of this key; return until when it is retried.

    That is decided at the first refusal, and never later than `until`, even if the wall clock was set.
    """
    row = db.execute(
        "INSERT INTO hold (account, scope, until, reason) VALUES (?,?,?,?) "
        "ON CONFLICT (account, scope) DO UPDATE SET reason = excluded.reason, "
        "until = CASE WHEN excluded.until < hold.until THEN excluded.until ELSE hold.until END "
        "RETURNING until",
        (account, str(Scope.login(key)), until, reason),
    ).fetchone()
    return float(row["until"])


def login_known(db: Db, account: int) -> None:
    """Remove all unknown logins: Telegram knows the account's login."""
    for scope in holds(db, account):
        if scope.is_login:
            lift_hold(db, account, scope)


def clock_was_set(db: Db, by: float, now: float) -> None:
    """Move times by `by` seconds: past events stay as long ago, waits stay as long.

    Times of attempts are not moved: how long Telegram remembers a `random_id` does not depend on us.
    """
    move = {"by": by, "now": now}
    # Times written since then are right already, and cannot be in the future.
    db.execute(f"UPDATE mark SET at = {_shift('at')}", move)
    db.execute(f"UPDATE deletion SET at = {_shift('at')}", move)
    db.execute(f"UPDATE job SET last_item_at = {_shift('last_item_at')} WHERE sealed = 0", move)
    db.execute(f"UPDATE change SET first_at = {_shift('first_at')}, last_at = {_shift('last_at')}", move)
    old = {"by": by, "then": now - by, "forever": FOREVER}
    db.execute("UPDATE hold SET until = until + :by WHERE until > :then AND until < :forever", old)
    for table in ("change", "job"):
        db.execute(f"UPDATE {table} SET not_before = not_before + :by WHERE not_before > :then", old)


def _shift(column: str) -> str:
    return f"CASE WHEN {column} + :by < :now THEN {column} + :by ELSE :now END"


def _tempo(account: int) -> str:
    """Return the name of the fact with the widened interval of an account's backlogs."""
    return f"backlog_tempo:{account}"


#: Why deletions are held until the operator releases them.
HeldFor = Literal["mass", "timer"]
#: More deletions than this within so many seconds are a mass deletion.
MASS, MASS_WINDOW = 50, 600.0


DELETION_HELD = "deletion held"


def brake(db: Db, mirror: int, n: int, now: float) -> bool:
    """Count `n` deletions; return whether deletions of this mirror wait for the operator."""
    db.execute("DELETE FROM deletion WHERE at <= ?", (now - MASS_WINDOW,))
    if n:
        db.execute("INSERT INTO deletion (mirror, at, n) VALUES (?,?,?)", (mirror, now, n))
    held = db.execute("SELECT held FROM mirror WHERE id = ?", (mirror,)).fetchone()["held"]
    query = "SELECT coalesce(sum(n), 0) AS n FROM deletion WHERE mirror = ?"
    total = db.execute(query, (mirror,)).fetchone()["n"]
    if held or total <= MASS:
        return bool(held)
    reason = f"{int(total)} deletions within {int(MASS_WINDOW / 60)} minutes"
    return hold_deletions(db, mirror, "mass", reason)


def hold_deletions(db: Db, mirror: int, why: HeldFor, reason: str) -> bool:
    """Hold deletions of this mirror for the operator; return False if they were held or released already."""
    if why == "timer" and fact(db, _lifted(mirror)):
        return False
    changed = db.execute(
        "UPDATE mirror SET held = ?, held_code = ? WHERE id = ? AND held = ''", (reason, why, mirror)
    )
    return changed.rowcount > 0


def release_deletions(db: Db, mirror: int, now: float) -> str:
    """Release held deletions; return the reason for which they were held, empty where none were."""
    held, why = db.execute("SELECT held, held_code FROM mirror WHERE id = ?", (mirror,)).fetchone()
    if held:
        db.execute("UPDATE mirror SET held = '', held_code = '' WHERE id = ?", (mirror,))
        db.execute("DELETE FROM deletion WHERE mirror = ?", (mirror,))
        if why == "timer":
            # A timer's deletions are released for good, a mass deletion's only those held.
            set_fact(db, _lifted(mirror), "1")
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
