"""What a terminal shows: the cells that a program's output leaves behind, as lines of text.

Knows the codes that our program and prompt_toolkit use: cursor moves, erasing, scrolling, wide characters.
Colours are taken and forgotten.
"""

from __future__ import annotations

import re
import unicodedata

PIECE = re.compile(r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[=>78]|\x1b\][^\x07]*\x07|([\x00-\x1f\x7f])|(.)", re.S)


class Grid:
    """`rows` by `columns` cells; `text` is all that was ever shown and not erased, the scrolled part too."""

    def __init__(self, rows: int, columns: int) -> None:
        self._columns = columns
        self._rows = rows
        self._cells = [[" "] * columns for _ in range(rows)]
        self._above: list[str] = []
        self._y = self._x = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """The screen as it is now."""
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        return "\n".join([*self._above, *self.lines]).rstrip()

    def feed(self, text: str) -> None:
        text = self._rest + text
        # A code may be cut in two by whoever read it.
        cut = re.search(r"\x1b(?:\[[0-?]*[ -/]*)?$", text)
        self._rest = text[cut.start() :] if cut else ""
        for code, end, control, character in PIECE.findall(text[: cut.start()] if cut else text):
            if end:
                self._move(end, [int(n) if n.isdigit() else 0 for n in code.split(";")])
            elif control:
                self._control(control)
            elif character:
                self._put(character)

    def _put(self, character: str) -> None:
        if unicodedata.combining(character):
            return
        wide = unicodedata.east_asian_width(character) in "WF"
        if self._x + wide >= self._columns:
            self._x = 0
            self._down()
        self._cells[self._y][self._x] = character
        if wide:
            self._cells[self._y][self._x + 1] = ""
        self._x += 1 + wide

    def _control(self, control: str) -> None:
        if control == "\r":
            self._x = 0
        elif control == "\n":
            self._down()
        elif control == "\b":
            self._x = max(0, self._x - 1)

    def _down(self) -> None:
        if self._y + 1 < self._rows:
            self._y += 1
            return
        self._above.append(self.lines[0])
        self._cells = [*self._cells[1:], [" "] * self._columns]

    def _move(self, end: str, numbers: list[int]) -> None:
        first = numbers[0] or 1
        if end == "A":
            self._y = max(0, self._y - first)
        elif end == "B":
            self._y = min(self._rows - 1, self._y + first)
        elif end == "C":
            self._x = min(self._columns - 1, self._x + first)
        elif end == "D":
            self._x = max(0, self._x - first)
        elif end == "F":
            self._y, self._x = max(0, self._y - first), 0
        elif end == "H":
            self._y = min(self._rows, first) - 1
            self._x = min(self._columns, numbers[1] or 1 if len(numbers) > 1 else 1) - 1
        elif end in "JK":
            self._erase(end, numbers[0])

    def _erase(self, end: str, what: int) -> None:
        row = self._cells[self._y]
        begin = 0 if what in (1, 2) else self._x
        stop = self._x + 1 if what == 1 else self._columns
        row[begin:stop] = [" "] * (stop - begin)
        if end == "J":
            others = range(self._y + 1, self._rows) if what == 0 else range(self._rows) if what == 2 else ()
            for y in others:
                self._cells[y] = [" "] * self._columns
