"""Lets the user pick one item from a list on the terminal: typing searches, arrows move, Enter picks.

Items that cannot be picked are shown with the reason. The event loop keeps running, so a connection stays
alive meanwhile; nothing of the list remains on the screen afterwards. Knows nothing of Telegram.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from prompt_toolkit.application import Application, get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings import search as _search  # noqa: F401 - see below
from prompt_toolkit.layout import (
    BufferControl,
    Container,
    FormattedTextControl,
    HSplit,
    Layout,
    VSplit,
    Window,
)
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.vt100 import Vt100_Output

from ...domain.errors import TgstreamdError
from ...domain.escaping import escape_text
from ..output.format import fit, folded, padded

# `_search`: the library itself imports it late, when root's rights may be given up and the library may be
# readable for root alone.

#: Lines of the screen that are not rows: question, search, reason, keys, and one below.
AROUND = 5
#: Share of the screen used, so that previous answers stay in sight.
SHARE = 0.6
#: More rows than any list has.
LAST = 1_000_000
BOLD, DIM, HERE = "bold", "fg:ansibrightblack", "reverse"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list. A search covers `title` and `words`."""

    value: Any
    title: str
    #: Short facts after the title, one for each column.
    marks: tuple[str, ...] = ()
    words: str = ""
    #: Shown below the list while the row is selected.
    detail: str = ""
    #: The reason why it cannot be picked; empty if it can.
    refusal: str = ""


#: Converts typed text to a row if it is valid by itself. Raises TgstreamdError if not.
Typed = Callable[[str], Row]


def drawable(environ: Mapping[str, str]) -> bool:
    """Return whether a list can be drawn: standard input and output are a terminal with cursor movement."""
    return sys.stdin.isatty() and sys.stdout.isatty() and environ.get("TERM", "dumb") != "dumb"


def matching(rows: Sequence[Row], searched: str) -> list[Row]:
    """Return the rows that contain every word of a search."""
    wanted = folded(searched).split()
    return [row for row in rows if all(word in folded(f"{row.title} {row.words}") for word in wanted)]


async def pick(
    question: str, rows: Sequence[Row], *, typed: Typed | None = None, words: str = "", start: int = 0
) -> Any:
    """Return the value of the picked row. Raises KeyboardInterrupt if the user cancels.

    `typed` makes the list searchable and accepts values not in it: `words` describes those. Without it, a
    digit picks its row.
    """
    return await _List(question, rows, typed, words, start).ask()


class _List:
    def __init__(
        self, question: str, rows: Sequence[Row], typed: Typed | None, words: str, start: int
    ) -> None:
        self._question = question
        self._rows = rows
        self._typed = typed
        self._words = words
        self._complaint = ""
        self._at = start
        self._top = 0
        self._search = Buffer(multiline=False, on_text_changed=lambda _: self._restart())

    async def ask(self) -> Any:
        return await self._application().run_async()

    # Selection.

    def _matching_rows(self) -> list[Row]:
        """Return the matching rows, then the typed value if it is no word of a row."""
        text = self._search.text.strip()
        found = matching(self._rows, text)
        named = any(folded(text) in folded(row.words).split() for row in found)
        if (
            self._typed
            and text
            and not named
            and (not found or text[0] in "@-" or text.isdigit() or "/" in text)
        ):
            try:
                found.append(self._typed(text))
            except TgstreamdError as error:
                if not found:
                    self._complaint = error.line()
        return found

    def _restart(self) -> None:
        self._at = self._top = 0
        self._complaint = ""

    def _move(self, by: int) -> None:
        self._at = max(0, min(len(self._matching_rows()) - 1, self._at + by))
        self._complaint = ""

    def _take(self, event: KeyPressEvent) -> None:
        shown = self._matching_rows()
        if not shown:
            return
        row = shown[self._at]
        if row.refusal:
            self._complaint = row.refusal
        else:
            event.app.exit(result=row.value)

    # Appearance.

    def _lines(self) -> StyleAndTextTuples:
        shown = self._matching_rows()
        size = get_app().output.get_size()
        height = max(3, min(size.rows - AROUND, int(size.rows * SHARE)))
        self._top = max(min(self._top, self._at), self._at - height + 1, 0)
        widths = self._widths(size.columns)
        text: StyleAndTextTuples = []
        for number, row in enumerate(shown[self._top : self._top + height], self._top):
            here = number == self._at
            count = "" if self._typed else f"{number + 1}  "
            cells = [
                padded(cell, width) for cell, width in zip((row.title, *row.marks), widths, strict=False)
            ]
            line = fit(f"{'>' if here else ' '} {count}{'  '.join(cells).rstrip()}", size.columns - 1)
            text += [(HERE if here else DIM if row.refusal else "", line), ("", "\n")]
        return text[:-1]

    def _widths(self, columns: int) -> list[int]:
        """Return the widths of the title and of each mark: marks as wide as needed, the title takes the
        rest."""
        count = max((len(row.marks) for row in self._rows), default=0)
        marks = [
            max((len(r.marks[n]) for r in self._rows if n < len(r.marks)), default=0) for n in range(count)
        ]
        longest = max((len(row.title) for row in self._rows), default=0) + 1
        room = columns - 4 - sum(marks) - 2 * len(marks) - (0 if self._typed else 3)
        return [max(12, min(longest, room)), *marks]

    def _below(self) -> StyleAndTextTuples:
        shown = self._matching_rows()
        columns = get_app().output.get_size().columns - 1
        if self._complaint:
            return [(BOLD, fit(f"  {self._complaint}", columns))]
        row = shown[min(self._at, len(shown) - 1)] if shown else None
        return [("", fit(f"  {row.refusal or row.detail}" if row else "  nothing matches", columns))]

    def _keys(self) -> str:
        keys = "arrows and Enter"
        if self._typed:
            count = f"{len(matching(self._rows, self._search.text))} of {len(self._rows)}"
            return f"  {count}; type to search, {keys}; or type {self._words}"
        return f"  {keys}, or the number"

    def _application(self) -> Application[Any]:
        def line(text: Callable[[], StyleAndTextTuples]) -> Window:
            return Window(FormattedTextControl(text), height=1)

        searching = VSplit(
            [
                Window(width=10, content=FormattedTextControl("  search: ")),
                Window(BufferControl(self._search)),
            ],
            height=1,
        )
        rows = Window(FormattedTextControl(self._lines), dont_extend_height=True)
        parts: list[Container] = [line(lambda: [(BOLD, self._question)])]
        parts += [searching] if self._typed else []
        layout = Layout(HSplit([*parts, rows, line(self._below), line(lambda: [(DIM, self._keys())])]))
        if self._typed:
            layout.focus(self._search)
        return Application(
            layout=layout,
            key_bindings=self._bindings(),
            input=Vt100Input(sys.stdin),
            output=_output(),
            color_depth=ColorDepth.from_env(),  # NO_COLOR, among others
            erase_when_done=True,
        )

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        for key, by in (
            ("up", -1),
            ("down", 1),
            ("c-p", -1),
            ("c-n", 1),
            ("pageup", -10),
            ("pagedown", 10),
            ("home", -LAST),
            ("end", LAST),
        ):
            keys.add(key)(lambda _, by=by: self._move(by))
        for key in ("enter", "c-j"):
            keys.add(key)(self._take)

        @keys.add("c-c")
        @keys.add("c-d")
        def leave(event: KeyPressEvent) -> None:
            event.app.exit(exception=KeyboardInterrupt)

        @keys.add("escape", eager=True)
        def clear(event: KeyPressEvent) -> None:
            self._search.reset()
            self._restart()

        if not self._typed:
            for number in range(min(9, len(self._rows))):

                @keys.add(str(number + 1))
                def take(event: KeyPressEvent, number: int = number) -> None:
                    self._at = number
                    self._take(event)

        return keys


class _Terminal(Vt100_Output):
    """Escapes everything drawn, so that no text is interpreted as a terminal code."""

    def write(self, data: str) -> None:
        # Line ends are prompt_toolkit's own; it moves the cursor with them.
        super().write(data if not data.strip("\r\n") else escape_text(data))


def _output() -> Output:
    """Return the terminal without cursor position requests: some terminals answer late or not at all."""
    out = _Terminal.from_pty(sys.stdout, term=os.environ.get("TERM"))
    out.enable_cpr = False
    return out
