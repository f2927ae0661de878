"""Builds the site from docs/ with zensical, strict about links and without external resources.

A link to a website is the reader's choice and allowed; another host's script, style, font or picture is not.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "docs"
#: Attributes by which a page loads something by itself.
FETCHES = {"src", "srcset", "poster", "data", "xlink:href"}
#: `<link rel=…>` values that load nothing.
ONLY_SAYS = {"canonical", "author", "license", "next", "prev", "alternate", "me"}
#: Resources that the theme's script would load if a page asked for them; no page may.
ASKS = ("mermaid", "pyodide", "glightbox", 'data-md-component="source"')
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)


def build() -> int:
    """Build the site and check the result; return the exit status."""
    command = [
        sys.executable,
        "-m",
        "zensical",
        "build",
        "--strict",
        "--clean",
        "-f",
        str(ROOT / "mkdocs.yml"),
    ]
    built = subprocess.run(command, cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    found = [*foreign(SITE)]
    for line in found:
        print(line, file=sys.stderr)
    pages = len([*SITE.rglob("*.html")])
    if not found:
        print(f"{pages} pages in {SITE.relative_to(ROOT)}, links checked, nothing fetched from elsewhere")
    return 1 if found or not pages else 0


def foreign(site: Path) -> Iterator[str]:
    """Yield what pages, styles and pictures would load from other hosts, a line each."""
    for path in sorted(site.rglob("*.html")):
        text = path.read_text()
        reader = _Fetched()
        reader.feed(text)
        for url in reader.found:
            yield f"{path.relative_to(site)}: fetches {url}"
        for word in ASKS:
            if re.search(rf'(class="[^"]*\b{word}\b|{word}=)' if word.isalpha() else re.escape(word), text):
                yield f"{path.relative_to(site)}: asks the theme for {word}, which it fetches from elsewhere"
    for path in sorted([*site.rglob("*.css"), *site.rglob("*.svg")]):
        for url in re.findall(r"(?:url\(|@import\s*)['\"]?([^'\")\s]+)", path.read_text()):
            if ELSEWHERE.match(url):
                yield f"{path.relative_to(site)}: fetches {url}"


class _Fetched(HTMLParser):
    """Collects the addresses of other hosts that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        names = FETCHES | ({"href"} if self._fetching_link(tag, values) else set())
        for name in names & set(values):
            for url in re.split(r",\s+", values[name]):
                if ELSEWHERE.match(url.strip()):
                    self.found.append(url.strip())
        if found := re.findall(r"url\(['\"]?((?:https?:)?//[^'\")]+)", values.get("style", "")):
            self.found += found

    @staticmethod
    def _fetching_link(tag: str, values: dict[str, str]) -> bool:
        return tag == "use" or (tag == "link" and not set(values.get("rel", "").split()) <= ONLY_SAYS)
