"""Lists every key in force with its origin: the file, the environment, a credential, or a default.

For `config show`. Secrets are masked before they are returned; `descriptions` explains the keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from . import Config, load
from .loader import MIRROR_VARIABLES, VARIABLES, read

MASK = "********"
#: The variable of each key. Those of MIRROR_VARIABLES set keys of the only mirror.
VARIABLE_OF = {
    "telegram.api_id": "TG_API_ID",
    "telegram.api_hash": "TG_API_HASH",
    "telegram.session_string": "TG_SESSION",
}
OF_MIRROR = {"source": "SOURCE_CHAT", "target": "TARGET_CHAT"} | {
    name.lower(): name for name in MIRROR_VARIABLES if name.endswith("_TOPIC")
}
TABLES = tuple(name for name in Config.__struct_fields__ if name not in ("mirrors", "paths", "file"))


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One key. `name` is the variable, the credential, or the basis of a default; else empty."""

    key: str
    value: Any
    origin: Literal["file", "environment", "credential", "default"]
    name: str = ""


def explain(path: Path | None, environ: Mapping[str, str]) -> tuple[Config, list[Setting]]:
    """Return the configuration at `path` and its keys in the file's order. Raises ConfigError."""
    config = load(path, environ, need_mirror=False)
    _, tree = read(path)
    return config, list(_settings(config, tree, environ))


def _settings(config: Config, tree: dict[str, Any], environ: Mapping[str, str]) -> Iterator[Setting]:
    given = _origins(environ)
    yield from _table("telegram", config.telegram, _part(tree, "telegram"), given)
    written = tree.get("mirror") or [{}]
    for mirror, part in zip(config.mirrors, written, strict=False):
        names = {key: name for key, name in OF_MIRROR.items() if name in given}
        yield from _table(f'mirror "{mirror.name}"', mirror, part, given, names)
    for name in TABLES:
        if name != "telegram":
            for setting in _table(name, getattr(config, name), _part(tree, name), given):
                yield _with_state_directory(setting, config, environ)


def _table(
    at: str,
    table: Any,
    part: Mapping[str, Any],
    given: Mapping[str, Literal["environment", "credential"]],
    names: Mapping[str, str] | None = None,
) -> Iterator[Setting]:
    for field in table.__struct_fields__:
        key, value = f"{at}.{field}", getattr(table, field)
        variable = names.get(field) if names is not None else VARIABLE_OF.get(key)
        if isinstance(value, msgspec.Struct):
            yield from _table(key, value, _part(part, field), given)
        elif variable is not None and variable in given:
            yield Setting(key=key, value=_masked_value(key, value), origin=given[variable], name=variable)
        elif field in part:
            yield Setting(key=key, value=_masked_value(key, value), origin="file")
        elif key not in ("telegram.server", "telegram.server.key", "telegram.session_string"):
            yield Setting(key=key, value=_masked_value(key, value), origin="default")


def _with_state_directory(setting: Setting, config: Config, environ: Mapping[str, str]) -> Setting:
    """Give the state directory its value and origin where the file does not name it."""
    if setting.key != "state.directory" or setting.origin == "file":
        return setting
    place = str(config.paths.state_dir)
    if environ.get("STATE_DIRECTORY"):
        return Setting(key=setting.key, value=place, origin="environment", name="STATE_DIRECTORY")
    return Setting(key=setting.key, value=place, origin="default")


def _origins(environ: Mapping[str, str]) -> dict[str, Literal["environment", "credential"]]:
    """Return the origin of each variable that is set."""
    found: dict[str, Literal["environment", "credential"]] = {}
    folder = environ.get("CREDENTIALS_DIRECTORY")
    for name in VARIABLES:
        if folder and os.path.isfile(os.path.join(folder, name)):
            found[name] = "credential"
        elif environ.get(name, "").strip():
            found[name] = "environment"
    return found


def _part(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = tree.get(name)
    return part if isinstance(part, dict) else {}


def _masked_value(key: str, value: Any) -> Any:
    """Return the value as JSON can hold it, with its secrets masked."""
    if not value:
        return msgspec.to_builtins(value)
    if key in ("telegram.api_hash", "telegram.session_string"):
        return MASK
    if key == "telegram.server.key":
        return "(read)"
    if key in ("telegram.proxy", "alerts.heartbeat_url"):
        parts = urlsplit(value)
        port = f":{parts.port}" if parts.port else ""
        user = f"{MASK}@" if parts.username or parts.password else ""
        return f"{parts.scheme}://{user}{parts.hostname}{port}{f'/{MASK}' if parts.path.strip('/') else ''}"
    if key == "alerts.command":
        return [value[0], *(MASK for _ in value[1:])]
    return msgspec.to_builtins(value)
