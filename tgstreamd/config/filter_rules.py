"""Validates filters and transforms: each function returns a value or raises one ConfigError with the key's
path.

Pure. Normalises values with several notations (sizes, single texts) and refuses what could never match, or
could stall.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..domain.errors import ConfigError
from ..domain.mirrors import Filter
from ..policy.regex import Refused, try_out
from ..policy.transforms import PLACEHOLDERS

#: Characters of a header or footer, and of a filter's name.
LINE_MAX = 200
NAME_MAX = 64
#: Bytes of each unit: Telegram counts decimally, as disks do.
UNITS = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?) ?([kKMG]?B?)")
_BRACES = re.compile(r"\{([^{}]*)\}")


def normalise(mirror: dict[str, Any], at: str) -> None:
    """Normalise sizes and single values, in the mirror's table as it was read."""
    for index, table in enumerate(_tables(mirror)):
        of = filter_path(mirror, index, at)
        for key in ("kinds", "text", "author", "topic"):
            if isinstance(table.get(key), str | int) and not isinstance(table[key], bool):
                table[key] = [table[key]]
        for key in ("larger_than", "smaller_than"):
            if isinstance(table.get(key), str):
                table[key] = size(f"{of}.{key}", table[key])


def _tables(mirror: dict[str, Any]) -> list[dict[str, Any]]:
    tables = mirror.get("filter")
    return [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []


def filter_path(mirror: dict[str, Any], index: int, at: str) -> str:
    """Return a filter's path for errors: by its name where it has one, else by its place, counted from 1."""
    tables = mirror.get("filter")
    table = tables[index] if isinstance(tables, list) else None
    name = table.get("name") if isinstance(table, dict) else None
    said = f'"{name}"' if isinstance(name, str) and name.isprintable() else f"{index + 1}"
    return f"{at}.filter {said}"


def size(at: str, text: str) -> int:
    """Return the bytes of a size like `500 MB`."""
    found = _SIZE.fullmatch(text.strip())
    unit = found[2] if found else ""
    if found is None or unit not in UNITS:
        raise ConfigError(f'{at}: "{text}" is not a size', hint='a number of bytes, or text like "500 MB"')
    return round(float(found[1]) * UNITS[unit])


def filters(at: str, wanted: Sequence[Filter]) -> None:
    """Refuse a filter that has no condition, is invalid, or could stall."""
    seen: set[str] = set()
    for index, each in enumerate(wanted, 1):
        if not each.name.strip() or not each.name.isprintable() or len(each.name) > NAME_MAX:
            raise ConfigError(f"{at}.filter {index}.name: must be 1 to {NAME_MAX} printable characters")
        of = f'{at}.filter "{each.name}"'
        if each.name in seen:
            raise ConfigError(f"{of}: two filters of this mirror have this name")
        seen.add(each.name)
        conditions = (each.kinds, each.text, each.regex, each.author, each.topic)
        if not any(conditions) and each.larger_than is None and each.smaller_than is None:
            hint = "set one of kinds, larger_than, smaller_than, text, regex, author, topic"
            raise ConfigError(f"{of}: has no condition, so it would match everything", hint=hint)
        if not all(phrase.strip() for phrase in each.text):
            raise ConfigError(f"{of}.text: an empty text stands in everything")
        for author in each.author:
            if isinstance(author, str) and not author.strip("@ "):
                raise ConfigError(f"{of}.author: nobody is named so")
        if each.regex:
            _check_regex(f"{of}.regex", each.regex)


def _check_regex(at: str, pattern: str) -> None:
    try:
        try_out(pattern)
    except Refused as error:
        hint = "Python's syntax; `text` finds plain words"
        raise ConfigError(f"{at}: {error}", hint=hint) from None


def replacements(at: str, pairs: dict[str, str]) -> None:
    """Refuse words that cannot be found, and two that are the same."""
    seen: dict[str, str] = {}
    for word in pairs:
        if not word.strip():
            raise ConfigError(f"{at}.replace: an empty text cannot be replaced")
        if (other := seen.setdefault(word.casefold(), word)) != word:
            raise ConfigError(f'{at}.replace: "{other}" and "{word}" are the same: case does not count')


def line(at: str, template: str) -> None:
    """Refuse a header or footer that is too long, or has an unknown placeholder."""
    if len(template) > LINE_MAX:
        raise ConfigError(f"{at}: longer than {LINE_MAX} characters")
    for name in _BRACES.findall(template):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            raise ConfigError(f"{at}: {{{name}}} is not known", hint=f"there are {known}")
