"""The marks and holds of the pace, kept so that a restart does not refill the budget; all times, moved along
with a wall clock that was set."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.messages import Mark
from .engine import Db
from .records import Hold

#: Holds that only a person ends lie this far ahead; no clock moves them.
FOREVER = 4e9
#: How the scope begins that says until when an unknown login is tried; the key's number follows.
LOGIN = "login:"


def marks(db: Db) -> dict[str, Mark]:
    """When something was last sent: by `target:<id>`, `account`, `backlog`."""
    return {row["key"]: Mark(at=row["at"], cost=row["cost"]) for row in db.execute("SELECT * FROM mark")}


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
