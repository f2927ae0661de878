"""docs/reliability.md cannot rot: every row names a proof, and every proof exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = (ROOT / "docs" / "reliability.md").read_text()
PROOFS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOCUMENT)))
MATRIX = DOCUMENT.split("## The last soaks")[0]
ROWS = [line for line in MATRIX.splitlines() if line.startswith("| ") and line.count("|") == 5]


@pytest.mark.parametrize(("file", "name"), PROOFS)
def test_every_proof_exists(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_fault_names_its_proof() -> None:
    faults = [row for row in ROWS if not row.startswith("| fault ")]
    assert len(faults) > 25
    assert [row for row in faults if "::" not in row] == []
