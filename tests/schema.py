"""Judges a value by a JSON Schema: the few keywords that `docs/status.schema.json` uses, and no other.

`violations` is pure; an unknown keyword is an error, so that nothing in a schema is silently not checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

KNOWN = {
    "$schema", "title", "description", "type", "required", "additionalProperties", "properties", "items",
    "enum", "minimum",
}  # fmt: skip
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def violations(value: Any, schema: dict[str, Any], where: str = "$") -> Iterator[str]:
    """What is wrong with `value`, a line each."""
    assert set(schema) <= KNOWN, f"{where}: keywords that are not checked: {set(schema) - KNOWN}"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, kind) for kind in kinds):
        yield f"{where}: {value!r} is no {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{where}: {value!r} is below {schema['minimum']}"
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from violations(each, schema["items"], f"{where}[{index}]")
    if isinstance(value, dict):
        yield from _of_object(value, schema, where)


def _of_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema["additionalProperties"]
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{where}: {key} is missing"
    for key, each in value.items():
        if key in known:
            yield from violations(each, known[key], f"{where}.{key}")
        elif others is False:
            yield f"{where}: {key} is not documented"
        else:
            yield from violations(each, others, f"{where}.{key}")


def undescribed(schema: dict[str, Any], where: str = "$") -> Iterator[str]:
    """Keys that the schema names and does not explain."""
    for key, each in schema.get("properties", {}).items():
        if not each.get("description"):
            yield f"{where}.{key}"
        yield from undescribed(each, f"{where}.{key}")
    if "items" in schema:
        yield from undescribed(schema["items"], f"{where}[]")


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
