"""What a person sees: sizes, bars, other people's text, chats and checks."""

from __future__ import annotations

import ast
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

import tgstreamd
from tgstreamd.cli import chats, check
from tgstreamd.cli.output.console import PlainConsole, cell
from tgstreamd.cli.output.format import as_json, bar, clean, size
from tgstreamd.domain.escaping import TEXT_MAX, escape_text

ROOT = Path(tgstreamd.__file__).parent
#: Calls that show something on a terminal, or make what does.
PRINTS = re.compile(
    r"print|Console|Text|Text\.(from_|assemble).*|(\w+\.)?_*std(out|err)_*(\.buffer)?\.write\w*"
)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345, "12 kB"), (999_600, "1.0 MB"),
     (300_000_000, "300 MB"), (2_000_000_000, "2.0 GB"), (4.2e12, "4200.0 GB")],
)  # fmt: skip
def test_sizes_are_decimal(count: float, text: str) -> None:
    assert size(count) == text


@given(st.floats(-1, 2), st.integers(0, 60))
def test_a_bar_has_its_width(share: float, width: int) -> None:
    assert len(bar(share, width)) == width


@given(st.text(max_size=200), st.integers(1, 80))
def test_other_peoples_text_stays_on_its_line(text: str, width: int) -> None:
    shown = clean(text, width)
    assert shown.isprintable()
    assert len(shown) <= width


def test_chats_and_checks() -> None:
    chat = {
        "id": -1001, "title": "A", "kind": "supergroup", "username": "a", "protected": True,
        "can_post": False, "source_refusal": "its content is protected",
        "topics": [{"id": 1, "title": "General", "closed": True}],
    }  # fmt: skip
    assert [line.strip() for line in chats.lines([chat])] == [
        "-1001  A  (supergroup, @a, cannot be a source: its content is protected, read only)",
        "topic       1  General (closed)",
    ]
    assert chats.lines([]) == ["this account is in no group or channel"]
    line = {"level": "fail", "mirror": "main", "subject": "target", "text": "gone", "remedy": "look"}
    well = {"level": "ok", "mirror": "", "subject": "kernel", "text": "a is 1", "remedy": ""}
    assert check.lines(
        check.folded([well, line, {**well, "text": "b is 2"}, {**well, "subject": "disk"}])
    ) == [
        "error    main: target: gone (look)",
        "ok       disk: a is 1",
        "ok       kernel: a is 1, b is 2",
    ]


def test_json_holds_nothing_that_a_terminal_obeys() -> None:
    """And says the same to a program."""
    given = {"name": "Отчёт 🚀\x1b[2J\x9b2J\u202eexe\x7f\U000e0001", "n": 1}
    shown = as_json(given)
    assert json.loads(shown) == given
    assert all(line.isprintable() for line in shown.splitlines())
    assert "Отчёт 🚀" in shown


def test_one_module_prints() -> None:
    """Whatever a verb says passes `terminal.say` or what `console` makes: nobody can forget to escape."""
    own = {ROOT / "cli/output/terminal.py", ROOT / "cli/output/console.py"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {called}"
        for path in sorted(set(ROOT.rglob("*.py")) - own)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and PRINTS.fullmatch(called := ast.unparse(node.func))
        # elsewhere a `Text` is a message's
        and (called != "Text" or ROOT / "cli" in path.parents)
    ]
    assert found == []


@given(st.text(max_size=400))
def test_a_text_that_is_escaped_has_one_line_that_prints(text: str) -> None:
    assert escape_text(text).isprintable()


def test_what_is_escaped_is_seen() -> None:
    assert escape_text("a\x1b[2Jb\nc\u202ed\u3000e\u00a0f 日本 🚀") == "a\\x1b[2Jb\\nc\\u202ed e f 日本 🚀"
    assert escape_text("\ud800") == "\\ud800"
    assert escape_text("x" * 3000) == "x" * (TEXT_MAX - 1) + "…"


def test_rich_draws_words_as_they_are() -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, width=200, force_terminal=True, _environ={})
    table = Table(box=None)
    table.add_row("[red]a[/red] :rocket: \x1b[5m\u202eb\nc", cell("[link=x]d[/link]\x9b5m\ne", "bold"))
    console.print(table, "[blink]f[/blink]\x1b]0;g\x07")
    shown = re.sub(r"\x1b\[[01;]*m", "", out.getvalue())
    assert all(line.isprintable() for line in shown.splitlines())
    for words in (
        "[red]a[/red] :rocket: \\x1b[5m\\u202eb\\nc",
        "[link=x]d[/link]\\x9b5m\\ne",
        "[blink]f[/blink]",
    ):
        assert words in shown
