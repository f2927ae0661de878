"""Translates msgspec's validation errors: the key as written in the file, the defect, the correction.

Pure. Covers values of a wrong type; their meaning is checked elsewhere (`rules`, `filter_rules`).
"""

from __future__ import annotations

import difflib
import re
import typing
from typing import Any, Literal

import msgspec

from ..domain.errors import ConfigError
from . import rules
from .filter_rules import filter_path


def convert[T: msgspec.Struct](tree: dict[str, Any], table: type[T]) -> T:
    """Convert the tables to a struct; raise a ConfigError in place of msgspec's error."""
    try:
        return msgspec.convert(tree, table)
    except msgspec.ValidationError as error:
        raise _translate(str(error), tree, table) from None


_WORDS = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false",
    "object": "a table", "array": "a list", "null": "nothing",
    "date": "a date", "datetime": "a date and time", "time": "a time",
}  # fmt: skip


def _translate(message: str, tree: dict[str, Any], table: type[msgspec.Struct]) -> ConfigError:
    text, _, at = message.partition(" - at `")
    path = at.rstrip("`").removeprefix("$").removeprefix(".")
    key_path = re.sub(r"\[(\d+|\.\.\.)\]", "", path)
    if placed := re.match(r"mirror\[(\d+)\]", path):
        mirror, of = tree["mirror"][int(placed[1])], rules.mirror_path(tree, int(placed[1]))
        path = of + path[placed.end() :]
        if inside := re.search(r"\.filter\[(\d+)\]", path):
            path = filter_path(mirror, int(inside[1]), of) + path[inside.end() :]
    path = re.sub(r"\[(\d+|\.\.\.)\]$", "", path)

    def words(names: str) -> str:
        said = " or ".join(_WORDS.get(name, name) for name in names.split(" | ") if name != "null")
        return f"{said} of tables" if names == "array" and key_path in ("mirror", "mirror.filter") else said

    if missing := re.fullmatch(r"Object missing required field `(\w+)`", text):
        key = f"{path}.{missing[1]}" if path else missing[1]
        return ConfigError(f"{key} is missing", hint=_MISSING.get(key.rpartition(".")[2], ""))
    if expected := re.fullmatch(r"Expected `([^`]+)`, got `([^`]+)`", text):
        return ConfigError(
            f"{path}: expected {words(expected[1])}, found {words(expected[2])}", hint=_notation(expected[1])
        )
    if bound := re.fullmatch(r"Expected `[^`]+` ([<>]=) (\S+)", text):
        limit = "at least" if bound[1] == ">=" else "at most"
        return ConfigError(f"{path}: must be {limit} {bound[2].removesuffix('.0')}")
    if value := re.fullmatch(r"Invalid enum value '(.*)'", text):
        allowed = _choices(table, key_path)
        near = difflib.get_close_matches(value[1], allowed, n=1, cutoff=0.5)
        one_of = ", ".join(f'"{choice}"' for choice in allowed)
        return ConfigError(
            f'{path}: "{value[1]}" is not one of {one_of}', hint=f'did you mean "{near[0]}"?' if near else ""
        )
    return ConfigError(f"{path}: {text}")


def _notation(kind: str) -> str:
    """Return how a value of the kind is written."""
    return next((hint for name, hint in _WRITTEN.items() if name in kind), "")


_WRITTEN = {
    "int": "a number without quotes", "float": "a number without quotes", "str": 'text in quotes: "…"',
    "bool": "true or false, without quotes", "object": "a table: [name], and its keys below",
    "array": "in square brackets",
}  # fmt: skip
_MISSING = {
    "api_id": "https://my.telegram.org gives one; here or in TG_API_ID",
    "api_hash": rules.HASH_HINT,
    "name": "a label of your choice",
    "source": rules.CHAT_HINT,
    "target": rules.CHAT_HINT,
}


def _choices(table: type[msgspec.Struct], path: str) -> list[str]:
    """Return the literals allowed at the key that `path` names, one table after the other."""
    *tables, key = path.split(".")
    inner: type[msgspec.Struct] | None = table
    for name in tables:
        inner = rules.struct_of(typing.get_type_hints(inner)[name]) if inner else None
    return literals(typing.get_type_hints(inner)[key]) if inner else []


def literals(hint: Any) -> list[str]:
    """Return the values of a Literal, or of those inside `tuple[…, ...]` and unions."""
    if typing.get_origin(hint) is Literal:
        return list(typing.get_args(hint))
    return [value for inner in typing.get_args(hint) for value in literals(inner)]
