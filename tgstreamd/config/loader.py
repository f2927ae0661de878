"""Reads the input of the configuration: the file's tables, the environment's variables, the credentials.

Does not judge it; an input that cannot be read is one ConfigError.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..domain.errors import ConfigError
from .paths import DEFAULT_FILE

MIRROR_VARIABLES = ("SOURCE_CHAT", "TARGET_CHAT", "SOURCE_TOPIC", "TARGET_TOPIC")
VARIABLES = ("TG_API_ID", "TG_API_HASH", "TG_SESSION", *MIRROR_VARIABLES)


class NotToml(ConfigError):
    """The file cannot be read as TOML at all."""


def read(path: Path | None) -> tuple[Path | None, dict[str, Any]]:
    """Return the file's path and tables; `(None, {})` where the default file does not exist."""
    where = path or DEFAULT_FILE
    try:
        text = where.read_bytes().decode()
    except FileNotFoundError:
        if path is None:
            return None, {}
        raise ConfigError(f"{where}: no such file", hint="`tgstreamd init` writes one") from None
    except PermissionError:
        hint = "run it with sudo, or as a member of the group that may read it"
        raise ConfigError(f"{where}: not allowed to read it", hint=hint) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror}") from None
    try:
        return where, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "mend it there; `tgstreamd init --force` writes the file anew"
        raise NotToml(f"{where}: not valid TOML: {error}", hint=hint) from None


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are set; systemd's credentials of the same names take precedence."""
    found = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    directory = environ.get("CREDENTIALS_DIRECTORY")
    for name in VARIABLES if directory else ():
        file = Path(directory or "", name)
        try:
            text = file.read_text().strip()
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise ConfigError(f"credential {name}: cannot be read: {reason}") from None
        if text:
            found[name] = text
    return found
