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
#: The account of the marks of targets: people see how fast messages come there, whoever writes them.
NOBODY = 0


def messages_to(target: int) -> str:
    """Return the key of the mark of the last message to a target."""
    return f"target:{target}"


def changes_in(target: int) -> str:
    """Return the key of the mark of the last change in a target that is no message."""
    return f"second:{target}"


def pace(db: Db, account: int) -> tuple[dict[str, Mark], str]:
    """Return the marks that bind this account, by key, and its tempo of backlogs, empty if none is stored."""
    rows = db.execute('SELECT "key", at, cost FROM mark WHERE account IN (?, ?)', (account, NOBODY))
    marks = {row["key"]: Mark(at=row["at"], cost=row["cost"]) for row in rows}
    return marks, fact(db, _tempo(account))


def set_tempo(db: Db, account: int, tempo: str) -> None:
    set_fact(db, _tempo(account), tempo)


def set_marks(db: Db, account: int, keys: Sequence[str], at: float, cost: int) -> None:
    """Store what was just done, under each of these keys."""
    for key in keys:
        whose = account if key in (MESSAGES, CHANGES, BACKLOG) else NOBODY
        db.execute(
            'INSERT INTO mark (account, "key", at, cost) VALUES (?,?,?,?) '
            'ON CONFLICT (account, "key") DO UPDATE SET at = excluded.at, cost = excluded.cost',
            (whose, key, at, cost),
        )


def last_message(db: Db, target: int) -> float:
    """Return when something was last sent there; 0 for never."""
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
    """Telegram does not know the login of this key; until when it is tried, as its first refusal said.

    No longer than `until`, whatever the wall clock was at that time.
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
    """Telegram knows the login: what it said of this one, or of one before it, is over."""
    for scope in holds(db, account):
        if scope.is_login:
            lift_hold(db, account, scope)


def clock_was_set(db: Db, by: float, now: float) -> None:
    """The wall clock was set on `by` seconds: what lies behind lies as far behind, what waits waits as long.

    But for attempts: how long Telegram remembers a `random_id` is not ours to move.
    """
    move = {"by": by, "now": now}
    # What was written since then is right already, and cannot lie ahead.
    db.execute(f"UPDATE mark SET at = {_moved('at')}", move)
    db.execute(f"UPDATE deletion SET at = {_moved('at')}", move)
    db.execute(f"UPDATE job SET last_item_at = {_moved('last_item_at')} WHERE sealed = 0", move)
    db.execute(f"UPDATE change SET first_at = {_moved('first_at')}, last_at = {_moved('last_at')}", move)
    old = {"by": by, "then": now - by, "forever": FOREVER}
    db.execute("UPDATE hold SET until = until + :by WHERE until > :then AND until < :forever", old)
    for table in ("change", "job"):
        db.execute(f"UPDATE {table} SET not_before = not_before + :by WHERE not_before > :then", old)


def _moved(column: str) -> str:
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
    """Count `n` deletions; true while deletions of this mirror wait for the operator."""
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
    """Carry out no deletion of this mirror until the operator says so; false if that stood or was lifted."""
    if why == "timer" and fact(db, _lifted(mirror)):
        return False
    changed = db.execute(
        "UPDATE mirror SET held = ?, held_code = ? WHERE id = ? AND held = ''", (reason, why, mirror)
    )
    return changed.rowcount > 0


def release_deletions(db: Db, mirror: int, now: float) -> str:
    """The operator lets held deletions go: the reason they were held for, empty where none were."""
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
