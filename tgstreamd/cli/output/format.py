"""Formats numbers, durations and texts by others for a terminal. Pure; knows nothing of Telegram."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from typing import Any

from ...domain.errors import TgstreamdError
from ...policy.mirror_checks import span


class Usage(TgstreamdError):
    """The command line, or an answer, makes no sense."""

    exit_status = 2


def size(count: float) -> str:
    """Format bytes in decimal units, as Telegram counts its limits: `1.4 GB`."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def bar(share: float, width: int = 20) -> str:
    """Return a progress bar of `width` cells: `██████░░░░`."""
    full = round(max(0.0, min(1.0, share)) * width)
    return "█" * full + "░" * (width - full)


def duration(seconds: float | None) -> str:
    return "never at this rate" if seconds is None else span(seconds)


def clock_time(unix: float) -> str:
    """Format local time, with the date if it is not today."""
    when = datetime.fromtimestamp(unix).astimezone()
    today = when.date() == datetime.now().astimezone().date()
    return f"{when:%H:%M:%S}" if today else f"{when:%Y-%m-%d %H:%M}"


def clean(text: str, width: int = 60) -> str:
    """Return a text by others on one line: no control characters, cut to about `width` columns."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return fit(" ".join(line.split()), width)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Encode JSON that is safe on a terminal too: unprintable characters are escaped, as JSON allows."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def fit(line: str, columns: int) -> str:
    """Cut a line to at most `columns`; wide characters count twice, as terminals draw them."""
    if sum(map(_columns, line)) <= columns:
        return line
    used, kept = 1, ""  # the ellipsis takes one
    for character in line:
        used += _columns(character)
        if used > columns:
            break
        kept += character
    return kept.rstrip() + "…"


def folded(text: str) -> str:
    """Return the text without accents and upper case, so that "sao" finds "São"."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))


def padded(line: str, columns: int) -> str:
    """Cut a line to, or pad it to, exactly `columns`."""
    line = fit(line, columns)
    return line + " " * (columns - sum(map(_columns, line)))


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
