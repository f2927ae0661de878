"""The table of refusals and the walk have no holes: every method that is asked, every error, every row.

What each error leads to is walked by the other modules of this name; here nothing is sent.
"""

from __future__ import annotations

import re
from pathlib import Path

import tgstreamd
from tests.behaviour import (
    test_refusals,
    test_refusals_cdn,
    test_refusals_changes,
    test_refusals_files,
    test_refusals_logins,
    test_refusals_readings,
    test_refusals_starts,
)
from tests.refusals import DOCUMENTED, EVERY
from tgstreamd.domain.refusals import METHODS, TABLE, fits, row

WALKS = (
    test_refusals, test_refusals_cdn, test_refusals_changes, test_refusals_files, test_refusals_logins,
    test_refusals_readings, test_refusals_starts,
)  # fmt: skip
#: Names of ours, of errors that no server says.
OURS = {"NO_REFERENCE", "UNWRITABLE"}
#: What no refusal answers: the protocol's own, and what is around a request.
PROTOCOL = {
    "ping", "reqPqMulti", "reqDHParams", "setClientDHParams", "invokeAfterMsg", "invokeWithoutUpdates",
}  # fmt: skip
_REQUEST = re.compile(r"functions\.((?:[a-z]+\.)?)([A-Z]\w+)Request\b")


def methods_asked() -> set[str]:
    """All methods that stand in the program's text."""
    folder = Path(tgstreamd.__file__).parent
    found = (match for file in folder.rglob("*.py") for match in _REQUEST.finditer(file.read_text()))
    return {f"{match[1]}{match[2][0].lower()}{match[2][1:]}" for match in found}


def test_every_method_has_its_errors() -> None:
    assert methods_asked() - PROTOCOL - {refusal.method for refusal in EVERY} == set()


def test_every_method_is_walked() -> None:
    walked = {method for module in WALKS for method in module.WALKED}
    assert {refusal.method for refusal in EVERY} - {"auth.importBotAuthorization"} == walked


def test_every_method_that_the_table_names_is_asked() -> None:
    around = {"initConnection", "invokeWithLayer", "connection"}
    assert set(METHODS) - methods_asked() - around == set()


def test_every_error_has_its_row() -> None:
    """Telegram's names are in the table, each for the methods on which it is documented."""
    assert [str(refusal) for refusal in DOCUMENTED if row(refusal.name, refusal.method).unknown] == []


def test_every_row_is_walked() -> None:
    """And no name stands in the table that no error is known by."""
    reached = {row(refusal.name, refusal.method) for refusal in EVERY}
    assert [
        found.names for found in TABLE if found not in reached and not set(found.names.split()) <= OURS
    ] == []
    names = {name for found in TABLE for name in found.names.split() if "*" not in name} - OURS
    assert [name for name in sorted(names) if not any(fits(name, refusal.name) for refusal in EVERY)] == []
