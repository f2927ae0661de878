"""How a text that other people wrote is made harmless before a terminal, the journal or systemd shows it.

Titles, names of people and files, Telegram's own texts, notes: nothing in them may move a cursor, colour,
ring, turn the direction of what follows, or end a line. Pure. What leaves as JSON keeps every character.
"""

from __future__ import annotations

from typing import Final

#: Characters after which a text is cut: more than any line of ours has.
TEXT_MAX: Final = 2000


def escape_text(text: str, most: int = TEXT_MAX) -> str:
    """The text on one line: what does not print as Python would write it, the rest cut after `most`.

    Of Unicode's categories Cc, Cf, Cs, Co, Cn, Zl and Zp none prints: escape codes, bidirectional marks,
    overrides and isolates, line separators. Any kind of blank is a blank.
    """
    if len(text) > most:
        text = f"{text[: most - 1]}…"
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    # Zs: no-break and ideographic spaces. A line end is none: whoever adds lines has to be seen doing it.
    return " " if character.isspace() and character not in _ENDS else repr(character)[1:-1]


#: Blanks that are more than that: they end a line, or move the cursor.
_ENDS: Final = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029")
