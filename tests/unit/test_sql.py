"""The ledger's statements are what SQLite and PostgreSQL take alike: no habit of one of them alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LEDGER = Path(__file__).resolve().parents[2] / "tgstreamd" / "ledger"
#: The engine and the migrations are SQLite's own.
OWN = {"engine.py", "migration.py"}
HABITS = {
    "an insert without the names of its columns": r"INSERT INTO \w+ (?!\(|\{)",
    "INSERT OR": r"INSERT OR\b",
    "a conflict without its target": r"ON CONFLICT DO\b",
    "CROSS JOIN with a condition": r"CROSS JOIN",
    "iif": r"\biif\(",
    "max or min of two": r"\b(?:max|min)\((?:[^()]|\([^()]*\))*,",
    "total": r"\btotal\(",
    "GLOB": r"\bGLOB\b",
    "IS for values": r"\bIS (?:NOT )?(?:\?|:\w)",
    "NOT NULL for IS NOT NULL": r"(?<!IS )NOT NULL\b",
    "a literal blob": r"\bX'",
    "a number for a truth": r"\b(?:AND|OR|WHERE|NOT) (?:\w+\.)?"
    r"(?:active|released|sealed|gone|unsure|forum|small)\b(?! *(?:=|<>|IS|IN))",
}


def statements(file: Path) -> Iterator[tuple[int, str]]:
    """Each text of a module that reads like SQL, put together, and its line."""
    inner: set[int] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]  # the constants of an f-string are text
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            text = node.value
        else:
            continue
        if re.search(r"\b(?:SELECT|INSERT|UPDATE|DELETE|EXISTS|ON CONFLICT)\b", text):
            yield node.lineno, text


@pytest.mark.parametrize("habit", HABITS)
def test_no_statement_has_a_habit_of_sqlite(habit: str) -> None:
    found = [
        f"{file.name}:{line}: {text}"
        for file in sorted(LEDGER.glob("*.py"))
        if file.name not in OWN
        for line, text in statements(file)
        if re.search(HABITS[habit], text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("statement", "habit"),
    [
        ("INSERT INTO feed VALUES (?,?)", "an insert without the names of its columns"),
        ("UPDATE feed SET fed_to = max(fed_to, ?)", "max or min of two"),
        ("SELECT coalesce(max(idx), -1) FROM copy", ""),
        ("SELECT min((SELECT 1), 2)", "max or min of two"),
        ("INSERT INTO a (b) VALUES (?) ON CONFLICT DO NOTHING", "a conflict without its target"),
        ("SELECT 1 FROM job WHERE sealed AND released = 1", "a number for a truth"),
        ("SELECT 1 FROM job WHERE sealed = 1", ""),
        ("DELETE FROM change WHERE payload IS ?", "IS for values"),
        ("DELETE FROM change WHERE payload IS NOT DISTINCT FROM ?", ""),
    ],
)
def test_the_habits_are_found(statement: str, habit: str) -> None:
    assert [name for name, shape in HABITS.items() if re.search(shape, statement)] == [habit] * bool(habit)
