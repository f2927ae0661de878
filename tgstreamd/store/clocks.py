"""The marks and holds of the pace: kept, so that a restart does not refill the budget."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Mark
from .engine import Db
from .records import Hold


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
    """What may not be sent before when: by `account`, `method:<name>`, `chat:<id>`."""
    return {row["scope"]: Hold(**dict(row)) for row in db.execute("SELECT * FROM hold")}


def hold_until(db: Db, scope: str, until: float, reason: str, step: int = 0) -> None:
    db.execute(
        "INSERT INTO hold VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until), "
        "reason = excluded.reason, step = excluded.step",
        (scope, until, reason, step),
    )


def lift_hold(db: Db, scope: str) -> None:
    db.execute("DELETE FROM hold WHERE scope = ?", (scope,))
