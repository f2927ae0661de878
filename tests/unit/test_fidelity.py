"""docs/fidelity.md cannot rot: its kinds are the code's, its proofs exist, its entries are the corpus's."""

from __future__ import annotations

import inspect
import re
from typing import get_args

import pytest
from telethon.tl import types

from tests.fidelity import DOCUMENT, names, table
from tests.telegram.corpus import ENTRIES
from tgstreamd.domain.messages import FILE_KINDS, TOLD_KINDS, MediaKind
from tgstreamd.telegram.entities import kind_of

ROOT = DOCUMENT.parent.parent
#: Every test that the document names: `path::name`.
PROOFS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOCUMENT.read_text())))


def test_every_kind_of_media_has_its_row() -> None:
    kinds = [name for row in table("Kinds") for name in names(row[0])]
    assert sorted(kinds) == sorted(get_args(MediaKind))
    assert set(kinds) >= FILE_KINDS | TOLD_KINDS


def test_every_kind_of_entity_has_its_row() -> None:
    known = {
        kind_of(cls.__new__(cls))
        for name, cls in vars(types).items()
        if name.startswith("MessageEntity") and inspect.isclass(cls)
    }
    kinds = [name for row in table("Text") for name in names(row[0])]
    assert sorted(kinds) == sorted(known)


def test_every_row_names_its_proof() -> None:
    for heading in ("Kinds", "Text", "Around a message", "Around a chat", "Afterwards"):
        for row in table(heading):
            assert "::" in row[-1], row


@pytest.mark.parametrize(("file", "name"), PROOFS)
def test_every_proof_exists(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_differences_are_of_entries_of_the_corpus() -> None:
    for row in table("Differences"):
        assert set(names(row[0])) <= set(ENTRIES), row
        assert row[2] in ("any", "free", "premium")
        assert row[3]
