"""Documents the answer of `status --json` from its JSON Schema, docs/status.schema.json, which a test
checks."""

from __future__ import annotations

import json
from typing import Any

from .site import ROOT

SCHEMA = ROOT / "docs" / "status.schema.json"


def page() -> str:
    """Return docs/reference/status.md."""
    schema = json.loads(SCHEMA.read_text())
    parts = [HEAD, _table(schema)]
    for name, value in schema["properties"].items():
        if (inner := _object(value)) is not None:
            parts += [f"## `{name}`", f"{value['description']}", _table(inner)]
            for below, deeper in inner["properties"].items():
                if (innermost := _object(deeper)) is not None and innermost.get("properties"):
                    parts += [f"### `{name}.{below}`", f"{deeper['description']}", _table(innermost)]
    return "\n\n".join(parts) + "\n"


def _object(value: dict[str, Any]) -> dict[str, Any] | None:
    """Return the object that a key holds, alone or in a list."""
    value = value.get("items", value)
    return value if "properties" in value else None


def _table(schema: dict[str, Any]) -> str:
    rows = ["| key | kind | |", "|---|---|---|"]
    for name, value in schema["properties"].items():
        words = value.get("description", "").replace("|", "\\|")
        rows.append(f"| `{name}` | {_kind(value)} | {words} |")
    return "\n".join(rows)


def _kind(value: dict[str, Any]) -> str:
    if "enum" in value:
        return " or ".join(f"`{json.dumps(one)}`" for one in value["enum"])
    kinds = value.get("type", "any")
    return " or ".join(kinds if isinstance(kinds, list) else [kinds])


HEAD = """\
# The answer of `status --json`

The same from a running daemon and from the ledger of a stopped one.
Keys are added from version to version, never taken away.
The JSON Schema is [status.schema.json](../status.schema.json); a test holds it against the program."""
