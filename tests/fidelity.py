"""What docs/fidelity.md says, read back; and what a comparison of the corpus says, in the same words.

The document is held to the code by tests: its kinds to the model's, its differences to what another client
sees of a mirrored corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.compare import Seen, field_by_field
from tests.telegram.corpus import MARK

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "fidelity.md"
#: What differs for every message, whoever wrote it.
EVERYWHERE = frozenset({"beside.sender", "beside.date"})


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head, cell by cell."""
    text = DOCUMENT.read_text()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/fidelity.md has no section {heading!r}"
    lines = [line for line in found[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    """What a cell names in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def expected(account: str) -> set[tuple[str, str]]:
    """The differences that the document grants an account, `premium` or `free`."""
    return {
        (entry, aspect)
        for entries, aspects, whose, _ in table("Differences")
        if whose in ("any", account)
        for entry in names(entries)
        for aspect in names(aspects)
    }


def by_entry(
    source: Sequence[Seen], target: Sequence[Seen], *, live_after: int | None = None
) -> Iterator[tuple[str, str, str]]:
    """Every difference but those of every message: the entry, what differs, and a line for people."""
    entries = {0: _entries(source), 1: _entries(target)}
    found = field_by_field(source, target, live_after=live_after, beside=True)
    noted = {one.source for one in found if one.aspect == "kind"}
    for one in found:
        # Where the kind is another one, nothing else can be compared.
        if one.aspect not in EVERYWHERE and (one.aspect == "kind" or one.source not in noted):
            entry = entries[0][one.source] if one.source else entries[1][one.target]
            yield entry, one.aspect, one.line


def _entries(messages: Sequence[Seen]) -> dict[int, str]:
    """The entry that each message belongs to: each stands behind its name."""
    entry, found = "", {}
    for message in messages:
        if message.text.startswith(MARK):
            entry = message.text.removeprefix(MARK)
        found[message.id] = entry
    return found
