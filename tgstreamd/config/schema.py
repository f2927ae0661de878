"""Lists the keys of the configuration from the program's own structs, each with its description.

The only code that walks the structs: the file that `init` writes, the packaged example, the man page and the
reference are generated from this list. A key without a text in descriptions.py, or a text without a key, is
an error.
"""

from __future__ import annotations

import typing
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

from . import File, errors
from .descriptions import KEYS, TABLES

#: Fields that a file cannot set.
UNWRITTEN = {"telegram.session_string", "telegram.server.key"}
#: Defaults that need an explanation instead of a value, by key.
SAID: dict[str, str] = {
    "telegram.session": "`session`",
    "state.directory": "what systemd says, or `/var/lib/tgstreamd`",
    "stream.connections": "`0`, as Telegram's own clients",
}


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` and `default` are Markdown; `value` is the default itself, None where there is none."""

    table: str
    name: str
    kind: str
    default: str
    value: Any
    required: bool
    text: str

    @property
    def path(self) -> str:
        return f"{self.table}.{self.name}"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the file. `many`: written as `[[…]]`."""

    path: str
    many: bool
    text: str
    keys: tuple[Key, ...]

    @property
    def heading(self) -> str:
        return f"[[{self.path}]]" if self.many else f"[{self.path}]"


def tables() -> list[Table]:
    """Return every table, in the file's order. Raises LookupError if a description is missing or unused."""
    found: list[Table] = []
    for field in msgspec.structs.fields(File):
        _walk(inspect.type_info(field.type), field.name, found)
    keys = {key.path for table in found for key in table.keys}
    known = {table.path for table in found}
    missing = sorted((keys - set(KEYS)) | (known - set(TABLES)))
    left_over = sorted((set(KEYS) - keys) | (set(TABLES) - known))
    if missing or left_over:
        raise LookupError(f"tgstreamd/config/descriptions.py: missing {missing}, no longer a key {left_over}")
    return found


def _walk(kind: inspect.Type, path: str, found: list[Table]) -> None:
    struct, many = _struct(kind)
    assert struct is not None, path
    keys: list[Key] = []
    hints = typing.get_type_hints(struct.cls)
    inner: list[tuple[inspect.Type, str]] = []
    for field in struct.fields:
        at = f"{path}.{field.name}"
        if at in UNWRITTEN:
            continue
        below, several = _struct(field.type)
        if below is not None:
            inner.append((field.type, at))
            if not several:
                continue  # a table of its own; a list of tables is a key as well
        keys.append(
            Key(
                table=path,
                name=field.name,
                kind=_kind(field.type, errors.literals(hints[field.name])),
                default=_default(at, field),
                value=_value(field),
                required=field.required,
                text=KEYS.get(at, ""),
            )
        )
    found.append(Table(path=path, many=many, text=TABLES.get(path, ""), keys=tuple(keys)))
    for below_kind, at in inner:
        _walk(below_kind, at, found)


def _struct(kind: inspect.Type) -> tuple[inspect.StructType | None, bool]:
    """Return the struct inside, and whether there may be several."""
    if isinstance(kind, inspect.StructType):
        return kind, False
    if isinstance(kind, inspect.VarTupleType):
        return _struct(kind.item_type)[0], True
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            if isinstance(one, inspect.StructType):
                return one, False
    return None, False


def _kind(kind: inspect.Type, literals: list[Any]) -> str:
    """Return the type in words."""
    if literals:
        values = " or ".join(f'`"{value}"`' for value in dict.fromkeys(literals))
        return f"list of {values}" if isinstance(kind, inspect.VarTupleType) else values
    if isinstance(kind, inspect.Metadata):
        return _kind(kind.type, literals)
    if isinstance(kind, inspect.StructType):
        return "table"
    if isinstance(kind, inspect.BoolType):
        return "`true` or `false`"
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        name = "whole number" if isinstance(kind, inspect.IntType) else "number"
        low, high = kind.ge, kind.le
        if high in (2**31 - 1, None):
            return name if low is None else f"{name} from {low:g}"
        return f"{name}, {low:g} to {high:,.15g}"
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_kind(one, []) for one in kind.types if not isinstance(one, inspect.NoneType))
    if isinstance(kind, inspect.VarTupleType):
        item = _kind(kind.item_type, [])
        return "tables" if item == "table" else f"list of {item}"
    if isinstance(kind, inspect.DictType):
        return "table of texts"
    return "text"


def _default(at: str, field: inspect.Field) -> str:
    if field.required:
        return "required"
    if at in SAID:
        return SAID[at]
    value = _value(field)
    if value is None or value in ((), "", {}):
        return "–"
    return f"`{toml(value)}`"


def _value(field: inspect.Field) -> Any:
    """Return the default; None where there is none."""
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return None if field.default is NODEFAULT else field.default


def toml(value: Any) -> str:
    """Return a value as written in the file; a whole float without its dot."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if value != int(value) else f"{value:.1f}" if value else "0"
    if isinstance(value, tuple | dict):
        return "{}" if isinstance(value, dict) else f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)
