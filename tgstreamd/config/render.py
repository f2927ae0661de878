"""Renders the configuration as a file for people: every key with its description.

Pure. A key that is not set is commented out, with its default or, where there is none, a sample.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import tomli_w

from . import schema

#: Samples for keys that have no default.
SAMPLES: dict[str, str] = {
    "telegram.session": '"session"',
    "telegram.proxy": '"socks5://user:password@127.0.0.1:1080"',
    "telegram.server.dc_id": "2",
    "telegram.server.address": '"127.0.0.1"',
    "telegram.server.port": "4430",
    "telegram.server.public_key": '"server.pem"',
    "mirror.source_topic": "123",
    "mirror.target_topic": "456",
    "mirror.filter.name": '"no large files"',
    "mirror.filter.kinds": '["file", "video"]',
    "mirror.filter.larger_than": '"500 MB"',
    "mirror.filter.smaller_than": '"2 GB"',
    "mirror.filter.text": '["buy now", "#ad"]',
    "mirror.filter.regex": r"'(?i)\bsale\b'",
    "mirror.filter.author": '["Ana", "@bot", 123456789]',
    "mirror.filter.topic": "[1]",
    "state.directory": '"/var/lib/tgstreamd"',
}


def written(
    head: str,
    given: Mapping[str, Any],
    *,
    beside: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
) -> str:
    """Return the whole file. By key path: `given` values, `beside` comments after one, `notes` above one."""
    lines = [head]
    for table in schema.tables():
        # A table with required keys is written only where they are given; a filter never is.
        aside = any(key.required and key.path not in given for key in table.keys)
        lines += ["", *_comment(table.text), f"# {table.heading}" if aside else table.heading]
        for key in table.keys:
            said = f"\nDefault: {key.default}." if key.path in schema.SAID else ""
            lines += _comment(key.text + said)
            lines += _comment((notes or {}).get(key.path, ""))
            if key.path in given:
                value = tomli_w.dumps({key.name: given[key.path]}).strip()
                lines.append(_append_comment(value, (beside or {}).get(key.path, "")))
            else:
                sample = SAMPLES.get(key.path) or schema.toml(key.value)
                lines.append(f"# {'  ' if table.path == 'mirror.filter' else ''}{key.name} = {sample}")
    return "\n".join(lines) + "\n"


def _append_comment(line: str, words: str) -> str:
    plain = "".join(character for character in words if character.isprintable())
    return f"{line}        # {plain}" if plain else line


def _comment(text: str) -> list[str]:
    """Return the comment lines above a key, which must not look like a key that is commented out."""
    plain = re.sub(r"<(https?:[^>]+)>", r"\1", text.replace("`", ""))
    return [f"# {line}" for sentence in plain.split("\n") for line in textwrap.wrap(sentence, 106)]
