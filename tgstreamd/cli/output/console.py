"""What rich draws with: nothing that other people wrote is its markup, or a code for the terminal.

Imports rich, so only what draws imports this. No other module makes a console or a text of its own.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from ...domain.escaping import escape_text


class PlainConsole(Console):
    """A console to which a string is words: no markup, no names of emoji, no colours of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escape_text(text), **options)


def cell(text: str = "", style: str = "", **options: Any) -> Text:
    """Words on one line, in one style."""
    return Text(escape_text(text), style, **options)
