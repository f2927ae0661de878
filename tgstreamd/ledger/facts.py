"""Stores single facts: small texts by name, each of them owned by another module."""

from __future__ import annotations

from .engine import Db


def fact(db: Db, key: str) -> str:
    """Return what is stored under this name, or an empty string."""
    row = db.execute('SELECT value FROM fact WHERE "key" = ?', (key,)).fetchone()
    return row["value"] if row else ""


def set_fact(db: Db, key: str, value: str) -> None:
    db.execute(
        'INSERT INTO fact ("key", value) VALUES (?,?) '
        'ON CONFLICT ("key") DO UPDATE SET value = excluded.value',
        (key, value),
    )
