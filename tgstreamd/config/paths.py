"""Determines the places of one daemon's state: ledger, session, lock and control socket.

systemd gives them in `$STATE_DIRECTORY` and `$RUNTIME_DIRECTORY`
(https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=); outside of the
unit the same places follow from the configuration's own path, so that a verb finds its daemon.

Creates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..domain.errors import ConfigError

DEFAULT_FILE = Path("/etc/tgstreamd/config.toml")
STATE_ROOT = Path("/var/lib/tgstreamd")
RUNTIME_ROOT = Path("/run/tgstreamd")


def option(file: Path | None) -> str:
    """Return the `--config` that a command needs for this configuration; empty where it needs none."""
    return f" --config {file}" if file and file != DEFAULT_FILE else ""


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """The state directory and its files, and the directory of the control socket."""

    state_dir: Path
    runtime_dir: Path
    session: Path

    @property
    def ledger(self) -> Path:
        return self.state_dir / "ledger.db"

    @property
    def lock(self) -> Path:
        """Locked by the daemon as long as it runs, by a verb while it works."""
        return self.state_dir / "lock"

    @property
    def socket(self) -> Path:
        return self.runtime_dir / "control.sock"


def place(file: Path, environ: Mapping[str, str], *, directory: str = "", session: str = "") -> Paths:
    """Return the paths that belong to the configuration at `file`.

    `directory` and `session` are `state.directory` and `telegram.session`, which take precedence. Raises
    ConfigError where nothing determines the state's place.
    """
    # systemd gives several directories separated by colons; ours is the first.
    state_variable = environ.get("STATE_DIRECTORY", "").split(":")[0]
    runtime_variable = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    installed = file.absolute().parent == DEFAULT_FILE.parent
    folder = "" if file.name == DEFAULT_FILE.name else file.stem
    if directory:
        state = Path(directory)
        if not state.is_absolute():
            hint = f"begin it with a /: {file.absolute().parent / directory}"
            raise ConfigError(f"state.directory: {directory!r} is not an absolute path", hint=hint)
    elif state_variable:
        state = Path(state_variable)
    elif installed:
        state = STATE_ROOT / folder
    elif environ.get("XDG_STATE_HOME") or environ.get("HOME"):
        home = environ.get("XDG_STATE_HOME") or f"{environ['HOME']}/.local/state"
        state = Path(home) / "tgstreamd"
    else:
        raise ConfigError("nothing says where the state lies", hint="set state.directory or STATE_DIRECTORY")
    if runtime_variable:
        runtime = Path(runtime_variable)
    elif installed and not state_variable:
        runtime = RUNTIME_ROOT / folder
    else:
        runtime = state
    # A relative session is in the state directory: the daemon's working directory must not matter.
    return Paths(state_dir=state, runtime_dir=runtime, session=state / (session or "session"))
