"""Escapes text written by other people before a terminal, the journal or systemd shows it.

Titles, names of people and files, Telegram's own texts and notes must not move a cursor, colour, ring, change
the text direction or end a line. Pure. JSON output keeps every character.
"""

from __future__ import annotations

from typing import Final

#: Characters after which a text is cut: more than any line of the program has.
TEXT_MAX: Final = 2000


def escape_text(text: str, most: int = TEXT_MAX) -> str:
    """Return the text on one line, cut after `most` characters, unprintable ones written as Python escapes.

    Unprintable are Unicode's categories Cc, Cf, Cs, Co, Cn, Zl and Zp: escape codes, bidirectional marks,
    overrides and isolates, line separators. Any other kind of blank becomes a space.
    """
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    # Zs: no-break and ideographic spaces. A line end stays visible, so that nobody can fake a line.
    return " " if character.isspace() and character not in _ENDS else repr(character)[1:-1]


#: White space that ends a line or moves the cursor.
_ENDS: Final = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
