"""What the screens showed: kept as text files under docs/walk, and as one page that shows them in order."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.running import ROOT

FOLDER = ROOT / "docs" / "walk"
PAGE = ROOT / "docs" / "walk.md"
#: Both sizes at which every screen is looked at; the first is the one that the page shows open.
SIZES = ((80, 24), (120, 40))


class Shot(msgspec.Struct, frozen=True):
    """One screen: what it is called, what is said about it, and what stood there."""

    name: str
    caption: str
    text: str


class Album(msgspec.Struct):
    """The shots of one walk, in order; `keys` are those from nothing to running."""

    columns: int
    rows: int
    shots: list[Shot] = []
    keys: dict[str, int] = {}

    def take(self, name: str, caption: str, text: str) -> None:
        self.shots.append(Shot(name, caption, text))

    def save(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        for number, shot in enumerate(self.shots, 1):
            self.file(number, shot).write_text(shot.text + "\n")

    def file(self, number: int, shot: Shot) -> Path:
        return FOLDER / f"{number:02}-{shot.name}-{self.columns}x{self.rows}.txt"


def clear() -> None:
    """The folder empty, for captures that belong together."""
    for path in FOLDER.glob("*.txt"):
        path.unlink()


def page(albums: list[Album]) -> str:
    """docs/walk.md: the narrow screens open, the wide ones folded below them."""
    narrow, *others = albums
    parts = [HEAD.format(rows=_keys(narrow))]
    for number, shot in enumerate(narrow.shots, 1):
        parts += [f"## {number}. {shot.caption}", f"```text\n{shot.text}\n```"]
        for other in others:
            wide = other.shots[number - 1]
            indented = "\n".join(f"    {line}".rstrip() for line in wide.text.split("\n"))
            parts.append(f'??? note "{other.columns} × {other.rows}"\n\n    ```text\n{indented}\n    ```')
    return "\n\n".join(parts) + "\n"


def _keys(album: Album) -> str:
    return "\n".join(f"| {what} | {count} |" for what, count in album.keys.items())


HEAD = """\
# The walk

From nothing to a running mirror, and what comes after, as a terminal of 80 × 24 shows it.
`make walk` walks it again, with the real program in tmux and the local Telegram, and writes this page.
Nothing in it is retold.
Beforehand there is only where the local Telegram is, in `my.toml`, which is why `init` has `--force` here.

Keys pressed, a letter each:

| | |
|---|---:|
{rows}"""
