"""A rich console in which no text by others is interpreted as markup or as terminal codes.

Imports rich, so only modules that draw import this. No other module creates a console or a Text.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from ...domain.escaping import escape_text


class PlainConsole(Console):
    """A console that prints strings literally: no markup, no emoji names, no highlighting."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(escape_text(text), **options)


def cell(text: str = "", style: str = "", **options: Any) -> Text:
    """Return text on one line, in one style."""
    return Text(escape_text(text), style, **options)
