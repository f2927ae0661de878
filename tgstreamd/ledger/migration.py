"""Creates a new ledger, migrates an older one, and shows an older one to read-only users.

`schema.sql` creates a new one; `migrations/NNNN.sql` migrates the previous schema to NNNN. Beside it,
`NNNN.view.sql` has TEMP views, each named like a table, that show a ledger of the previous schema as one of
NNNN. They refer to tables as `main.TABLE`, without an alias, so that views can be stacked.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ..domain.errors import StoreError

#: `PRAGMA user_version` of a ledger created by this program.
SCHEMA = 4

#: The remedy for a ledger that cannot be read.
ANEW = (
    "put a backup in its place; or move ledger.db* away and start: a mirror whose target holds copies waits, "
    "and `tgstreamd rebuild` derives its map anew"
)
_BODY = re.compile(r"^CREATE VIEW \S+ AS\s+", re.IGNORECASE)
_TABLE = re.compile(r"\bmain\.(\w+)")


@dataclass(frozen=True)
class Schema:
    """The schema that the program knows: its number, and the folder with the scripts."""

    number: int
    scripts: Traversable

    def migrate(self, db: sqlite3.Connection, path: Path) -> None:
        """Migrate the ledger to this schema, completely or, whatever happens in between, not at all.

        Foreign keys must be off: a table that is replaced is dropped. Raises StoreError for a file that is no
        ledger, or has a newer schema.
        """
        if self._version(db, path) == self.number:
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been quicker.
            for script in self._scripts_after(self._version(db, path)):
                for statement in _statements(script):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {self.number}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def show(self, db: sqlite3.Connection, path: Path) -> bool:
        """Show a ledger as if it had been migrated; return False where it is still to be created.

        Raises the errors of `migrate`.
        """
        version = self._version(db, path)
        if version == 0:
            return False
        shown: dict[str, str] = {}
        for number in range(version + 1, self.number + 1):
            db.executescript(self._read(f"{number:04}.view.sql"))
            shown |= {name: _stack_view(shown, body) for name, body in _take_views(db).items()}
        for name, body in shown.items():
            db.execute(f"CREATE TEMP VIEW {name} AS {body}")
        return True

    def _scripts_after(self, version: int) -> list[str]:
        if version == 0:
            return [(self.scripts / "schema.sql").read_text()]
        return [self._read(f"{number:04}.sql") for number in range(version + 1, self.number + 1)]

    def _read(self, name: str) -> str:
        return (self.scripts / "migrations" / name).read_text()

    def _version(self, db: sqlite3.Connection, path: Path) -> int:
        """Return the schema number; 0 for a ledger yet to be created. Raises StoreError for other files."""
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > self.number:
            raise StoreError(
                f"{path} was written by a newer tgstreamd (schema {version}, this one knows {self.number})",
                hint="install that version again, or move the ledger away to begin anew",
            )
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and not {"mirror", "job", "copy"} <= tables:
            raise StoreError(f"{path} is a database, but no ledger", hint=ANEW)
        return version


def _take_views(db: sqlite3.Connection) -> dict[str, str]:
    """Return the SELECTs of the TEMP views, and drop these."""
    rows = db.execute("SELECT name, sql FROM sqlite_temp_master WHERE type = 'view'").fetchall()
    for row in rows:
        db.execute(f"DROP VIEW temp.{row[0]}")
    return {row[0]: _BODY.sub("", row[1]) for row in rows}


def _stack_view(shown: dict[str, str], body: str) -> str:
    """Return a view's body that reads tables as the earlier views show them."""
    return _TABLE.sub(
        lambda found: f"({shown[found[1]]}) AS {found[1]}" if found[1] in shown else found[0], body
    )


def _statements(script: str) -> Iterator[str]:
    """Yield statements one by one, since `executescript` would commit the open transaction."""
    statement = ""
    for piece in re.split("(?<=;)", script):
        # A semicolon may also be in a text, a comment or a trigger.
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


OURS = Schema(SCHEMA, resources.files(__package__))
