"""The generated reference cannot rot: what is committed is what the code gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docsgen import events, pages, site


@pytest.mark.parametrize("path", pages.GENERATED, ids=lambda path: path.name)
def test_what_is_committed_is_what_the_code_gives(path: Path) -> None:
    assert path.read_text() == pages.GENERATED[path](), f"run `make reference`: {path} says something else"


def test_the_events_are_really_found() -> None:
    """The scan must not go blind: one of each way in which the code logs."""
    found = events.found()
    assert found["account is limited: nothing is sent"] == "critical"
    assert found["message parked"] == "error"
    assert found["reading failed, trying on"] == "warning"
    assert "message copied" not in found


def test_what_is_fetched_from_elsewhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<link rel="stylesheet" href="//cdn.example/x.css"><link rel="canonical" href="https://a.example/">'
        '<a href="https://fine.example/">a reader\'s choice</a><script src="https://cdn.example/x.js"></script>'
        '<p style="background: url(https://cdn.example/x.png)"><pre class="mermaid">x</pre><img src="b.png">'
    )
    (tmp_path / "b.css").write_text("@import 'https://fonts.example/a'; a { background: url(data:x) }")
    assert len(list(site.foreign(tmp_path))) == 5


@pytest.mark.parametrize("page", sorted(site.ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_pages_outside_the_site_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_every_page_is_found_from_the_others() -> None:
    nav = (site.ROOT / "mkdocs.yml").read_text()
    pages_there = [str(path.relative_to(site.ROOT / "docs")) for path in (site.ROOT / "docs").rglob("*.md")]
    assert [page for page in pages_there if f": {page}\n" not in nav] == []


def test_every_error_says_what_to_do() -> None:
    rows = [line.split(" | ") for line in pages.GENERATED[pages.REFERENCE / "errors.md"]().split("\n")]
    assert [row[1] for row in rows if len(row) == 4 and not row[2].strip()] == []
