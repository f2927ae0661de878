"""Writes the commands' output to standard output and standard error; no other module prints.

Each line passes `escape_text`, whatever its origin; terminal codes are added after that. What rich draws goes
through `console`, what prompt_toolkit draws through `picker`, with the same function.
`tests/unit/test_terminal.py` enforces this.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any, TextIO

from ...domain.escaping import escape_text
from .format import as_json


def take_any_text() -> None:
    """Print characters that the output's encoding lacks as escapes, instead of failing."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error is from the start


def say(*lines: object) -> None:
    """Print lines on standard output; a line break inside one is escaped."""
    if lines:
        print("\n".join(escape_text(str(line)) for line in lines), flush=True)


def complain(*lines: object) -> None:
    """Print lines on standard error, escaped like those of `say`."""
    print("\n".join(escape_text(str(line)) for line in lines), file=sys.stderr, flush=True)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """Print for programs: nothing is changed or cut; unprintable characters are escaped as JSON allows."""
    print(as_json(value, indent=indent), flush=True)


def ask(question: str) -> None:
    """Print a question and leave the cursor behind it."""
    print(escape_text(question), end="", flush=True)


def redraw(line: str, out: TextIO) -> None:
    """Print one line over the previous one; an empty one clears it."""
    print(f"\r{escape_text(line)}\x1b[K", end="", file=out, flush=True)


def draw(lines: Sequence[str], over: int) -> None:
    """Print a picture over the last `over` lines: white on black, since phones cannot read inverted codes."""
    if not sys.stdout.isatty():
        say(*lines)
        return
    back = f"\x1b[{over}F\x1b[J" if over else ""
    print(back + "".join(f"\x1b[97;40m{escape_text(line)}\x1b[0m\n" for line in lines), end="", flush=True)
