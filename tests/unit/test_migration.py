"""An older ledger becomes as a new one is, wholly or not at all; and is read as if it had, unchanged.

The scripts that there are, and made-up ones laid behind them.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import pytest

import tgstreamd
from tests.ledgers import kept
from tgstreamd.domain.errors import StoreError
from tgstreamd.ledger import READER, Store
from tgstreamd.ledger.migration import OURS, Schema

ROOT = Path(tgstreamd.__file__).parents[1]
LEDGER = ROOT / "tgstreamd" / "ledger"
#: Two schemas more, as if they had come later: a column, a new table, a table made anew.
LATER = {
    f"{OURS.number + 1:04}.sql": """
        ALTER TABLE mirror ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';
        CREATE TABLE paint (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
        INSERT INTO paint VALUES (0, 'red; and blue');
        CREATE TRIGGER coloured AFTER UPDATE ON mirror BEGIN
          UPDATE paint SET name = NEW.colour;
          UPDATE paint SET name = name || '!';
        END;""",
    f"{OURS.number + 1:04}.view.sql": """
        CREATE TEMP VIEW mirror AS SELECT *, 'red' AS colour FROM main.mirror;
        CREATE TEMP VIEW paint AS SELECT 0 AS id, 'red; and blue' AS name;""",
    f"{OURS.number + 2:04}.sql": """
        CREATE TABLE limits (scope TEXT NOT NULL, paint INTEGER NOT NULL, until REAL NOT NULL,
          PRIMARY KEY (scope, paint)) STRICT, WITHOUT ROWID;
        INSERT INTO limits SELECT scope, paint.id, until FROM hold JOIN paint;
        DROP TABLE hold;
        ALTER TABLE limits RENAME TO hold;
        ALTER TABLE mirror RENAME COLUMN colour TO tint;""",
    f"{OURS.number + 2:04}.view.sql": """
        CREATE TEMP VIEW hold AS
          SELECT scope, paint.id AS paint, until FROM main.hold JOIN main.paint;
        CREATE TEMP VIEW mirror AS SELECT mirror.id, name, active, colour AS tint FROM main.mirror;""",
}


def later(folder: Path, changed: dict[str, str] | None = None) -> Schema:
    """A program that knows them, some of them changed."""
    shutil.copytree(LEDGER, folder, ignore=lambda *_: ["__pycache__"])
    for name, script in (LATER | (changed or {})).items():
        (folder / "migrations" / name).write_text(script)
    return Schema(OURS.number + 2, folder)


def copy(tmp_path: Path, number: int = 1) -> Path:
    """A kept ledger, to be changed."""
    return Path(shutil.copyfile(kept.ledger(number), tmp_path / "ledger.db"))


async def rows(store: Store, **fewer: str) -> dict[str, list[dict[str, Any]]]:
    """Everything in it, by table; of some tables certain columns."""

    def read(db: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
        kinds = "SELECT name FROM {} WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        names = {
            row[0]
            for kind in ("sqlite_master", "sqlite_temp_master")
            for row in db.execute(kinds.format(kind))
        }
        return {
            name: [
                dict(row) for row in db.execute(f"SELECT {fewer.get(name, '*')} FROM {name} ORDER BY 1, 2")
            ]
            for name in sorted(names)
        }

    try:
        return await store.run(read)
    finally:
        await store.close()


def shape(ledger: Path) -> dict[str, Any]:
    """Columns in their order, conditions, indices and triggers."""
    db = sqlite3.connect(ledger)
    found: dict[str, Any] = {}
    for kind, name, sql in db.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    ).fetchall():
        plain = " ".join(re.sub(r"--.*", "", sql).split())
        checks = sorted(re.findall(r"CHECK \([^()]*\([^()]*\)[^()]*\)", plain))
        columns = db.execute(f"PRAGMA table_xinfo({name})").fetchall()
        found[name] = (columns, checks, "STRICT" in plain) if kind == "table" else plain
    db.close()
    return found


@pytest.mark.parametrize("number", kept.numbers())
async def test_a_kept_ledger_becomes_as_a_new_one_is(tmp_path: Path, number: int) -> None:
    ledger = copy(tmp_path, number)
    for path in (ledger, tmp_path / "new.db"):
        await (await Store.open(path)).close()
    assert shape(ledger) == shape(tmp_path / "new.db")
    with sqlite3.connect(ledger) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("number", kept.numbers())
async def test_read_only_it_looks_as_if_it_had(tmp_path: Path, number: int) -> None:
    """And nothing of it changes, nor lies beside it."""
    ledger = copy(tmp_path, number)
    seen = await rows(await Store.open_read_only(ledger))
    assert ledger.read_bytes() == kept.ledger(number).read_bytes()
    assert list(tmp_path.iterdir()) == [ledger]
    assert seen == await rows(await Store.open(ledger))


@pytest.mark.parametrize("number", kept.numbers())
async def test_holds_and_marks_of_a_kept_ledger_are_the_readers(tmp_path: Path, number: int) -> None:
    """But for the marks of targets, which bind everybody; its deletions wait for what they waited for."""
    ledger = copy(tmp_path, number)
    if number < 4:
        with sqlite3.connect(ledger) as db:
            db.execute("INSERT INTO fact VALUES ('backlog_tempo', '{\"interval\":7.0}')")
            before = {row[0]: row[1:] for row in db.execute("SELECT scope, until, reason, step FROM hold")}
        db.close()
    reads = [await Store.open_read_only(ledger), await Store.open(ledger)]
    for store in reads:
        holds = await store.holds(READER)
        assert {hold.scope.kind for hold in holds.values()} == {"account", "chat", "method"}
        if number < 4:
            seen = {str(hold.scope): (hold.until, hold.reason, hold.step) for hold in holds.values()}
            assert seen == before
            assert (await store.pace(READER))[1] == '{"interval":7.0}'
        everything = await rows(store)
        assert [(row["number"], row["label"]) for row in everything["account"]] == [(READER, "reader")]
        for row in everything["mark"]:
            assert row["account"] == (0 if ":" in row["key"] else READER)
        codes = {row["name"]: row["held_code"] for row in everything["mirror"] if row["held"]}
        assert codes == {"news": "mass", "timer": "timer"}
        assert not any(row["held_code"] for row in everything["mirror"] if not row["held"])


async def test_so_it_does_over_several_schemas(tmp_path: Path) -> None:
    schema = later(tmp_path / "later")
    ledger = copy(tmp_path)
    columns = {"mirror": "id, name, active, tint"}
    seen = await rows(await Store.open_read_only(ledger, schema))
    assert ledger.read_bytes() == kept.ledger(1).read_bytes()
    assert len(seen["hold"]) == 5
    assert {row["tint"] for row in seen["mirror"]} == {"red"}
    assert seen == await rows(await Store.open(ledger, schema), **columns)
    # From here on it is one, for both.
    assert seen == await rows(await Store.open_read_only(ledger, schema), **columns)
    with pytest.raises(StoreError, match="written by a newer tgstreamd"):
        await Store.open(ledger)


async def test_what_is_looked_up_is_looked_up_all_the_same(tmp_path: Path) -> None:
    """Through a view, too, an index is used."""
    view = "CREATE TEMP VIEW job AS SELECT *, {} AS {} FROM main.job;"
    names = [f"{OURS.number + n:04}.view.sql" for n in (1, 2)]
    schema = later(
        tmp_path / "later", {names[0]: view.format(7, "less"), names[1]: view.format("less + 1", "more")}
    )
    store = await Store.open_read_only(copy(tmp_path), schema)

    def plan(db: sqlite3.Connection) -> str:
        query = "SELECT more FROM job WHERE mirror = 1 AND lane = 'live' AND state IN ('waiting', 'open')"
        return " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))

    assert "USING INDEX job_queue" in await store.run(plan)
    await store.close()


async def test_one_that_fails_in_the_middle_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """Also what an earlier one of the same start had done."""
    broken = {f"{OURS.number + 2:04}.sql": "DROP TABLE hold; DELETE FROM copy; DELETE FROM nowhere;"}
    schema = later(tmp_path / "later", broken)
    ledger = copy(tmp_path)
    with pytest.raises(StoreError, match="no such table: nowhere"):
        await Store.open(ledger, schema)
    assert await rows(await Store.open(ledger)) == await rows(await Store.open_read_only(copy(tmp_path)))


async def test_two_that_come_at_once_do_it_once(tmp_path: Path) -> None:
    schema = later(tmp_path / "later")
    ledger = copy(tmp_path)
    stores = await asyncio.gather(*(Store.open(ledger, schema) for _ in range(4)))
    for store in stores:
        assert len((await rows(store))["paint"]) == 1


def test_the_scripts_are_packaged() -> None:
    """And every migration has its views."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    packaged = {path for pattern in data["tgstreamd"] for path in (ROOT / "tgstreamd").glob(pattern)}
    scripts = set(LEDGER.rglob("*.sql"))
    assert scripts <= packaged
    numbers = [f"{number:04}" for number in range(2, OURS.number + 1)]
    expected = {"schema.sql", *(f"{n}{kind}" for n in numbers for kind in (".sql", ".view.sql"))}
    assert {path.name for path in scripts} == expected
