"""Holds docstrings to the grammar of CONTRIBUTING.md, and the terms of GLOSSARY.md to the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tgstreamd

ROOT = Path(tgstreamd.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
#: The generators of documentation and the benchmarks follow the rule, too.
MODULES = sorted(
    [*SOURCES, *(path for name in ("docsgen", "bench") for path in (ROOT.parent / name).rglob("*.py"))]
)
GLOSSARY = ROOT.parent / "GLOSSARY.md"
#: First words of a clause without a subject and verb.
HEADLESS = {
    "what",
    "who",
    "whose",
    "whom",
    "whoever",
    "whatever",
    "which",
    "of",
    "how",
    "when",
    "where",
    "why",
}
#: A numbered section of a document; those of published standards name the standard.
POINTER = re.compile(r"(?<!RFC \d\d\d\d, )\bsections? \d|\b2a\b", re.IGNORECASE)

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def documented(path: Path) -> Iterator[tuple[Documented, str]]:
    """Yield each node of a module that has a docstring, with that docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield node, text


def is_property(node: Documented) -> bool:
    decorators = [] if isinstance(node, ast.Module) else node.decorator_list
    return any(isinstance(each, ast.Name) and each.id == "property" for each in decorators)


def is_headless(node: Documented, text: str) -> bool:
    """Return whether a docstring begins with neither a verb nor the thing that it describes."""
    first = re.match(r"\w+", text)
    word = first[0].lower() if first else ""
    return word in HEADLESS or (word == "whether" and not is_property(node))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT.parent)))
def test_a_docstring_begins_with_a_verb_or_the_thing_itself(path: Path) -> None:
    headless = [
        f"{getattr(node, 'name', 'module')}: {text.splitlines()[0]}"
        for node, text in documented(path)
        if is_headless(node, text)
    ]
    assert not headless


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT.parent)))
def test_no_module_points_to_a_section_of_another_document(path: Path) -> None:
    assert not POINTER.search(path.read_text())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""What it does."""', True),
        ('def f():\n    """Whose message it is."""', True),
        ('def f():\n    """Whether it runs."""', True),
        ('def f():\n    """Return whether it runs."""', False),
        ('class A:\n    @property\n    def runs(self):\n        """Whether it runs."""', False),
        ('class A:\n    """A mirror."""', False),
    ],
)
def test_the_rule_tells_a_headless_docstring(tmp_path: Path, source: str, expected: bool) -> None:
    file = tmp_path / "module.py"
    file.write_text(source)
    assert [is_headless(node, text) for node, text in documented(file)] == [expected]


def test_the_code_uses_every_term_of_the_glossary() -> None:
    code = "\n".join(path.read_text() for path in SOURCES).lower()
    terms = re.findall(r"\*\*(.+?)\*\*", GLOSSARY.read_text())
    assert terms
    unused = [
        term for term in terms if not re.search(r"\b" + re.escape(term.lower()).replace(r"\ ", "[ _]"), code)
    ]
    assert not unused
