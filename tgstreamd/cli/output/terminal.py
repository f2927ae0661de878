"""The only way by which the verbs' words reach standard output and standard error.

Each line passes `escape_text`, whoever wrote what is in it; codes for the terminal are added after that.
What rich draws goes through `console`, what prompt_toolkit draws through `picker`, by the same function.
No other module prints: `tests/unit/test_terminal.py` holds them to it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, TextIO

from ...domain.escaping import escape_text
from .format import as_json


def take_any_text() -> None:
    """A terminal or pipe whose encoding lacks a character is shown its number, and ends no verb."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error is from the start


def say(*lines: object) -> None:
    """Lines on standard output; an end of a line inside one is shown, and ends nothing."""
    if lines:
        print("\n".join(escape_text(str(line)) for line in lines), flush=True)


def complain(*lines: object) -> None:
    """The same on standard error."""
    print("\n".join(escape_text(str(line)) for line in lines), file=sys.stderr, flush=True)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """For programs: nothing is changed or cut, and what does not print is escaped as JSON allows."""
    print(as_json(value, indent=indent), flush=True)


def ask(question: str) -> None:
    """A question, with the cursor left behind it."""
    print(escape_text(question), end="", flush=True)


def redraw(line: str, out: TextIO) -> None:
    """One line over the one before it; an empty one leaves nothing."""
    print(f"\r{escape_text(line)}\x1b[K", end="", file=out, flush=True)


def draw(lines: Sequence[str], over: int) -> None:
    """A picture over the last so many lines: white on black, for phones read no negatives."""
    if not sys.stdout.isatty():
        say(*lines)
        return
    back = f"\x1b[{over}F\x1b[J" if over else ""
    print(back + "".join(f"\x1b[97;40m{escape_text(line)}\x1b[0m\n" for line in lines), end="", flush=True)
