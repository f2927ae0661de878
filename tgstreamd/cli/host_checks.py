"""Checks this machine for `check`: files and their permissions, the disk, libraries, the port, the kernel.

Only inspects, as the user who runs the daemon. `sysctl` checks the kernel's settings, `config.alerts` the
channels of alerts.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..config import Config, alerts, metrics
from ..control.check import line
from ..domain.errors import ConfigError
from ..system import permissions, sysctl
from ..system.resources import free
from ..web import port
from .output.format import size

#: Bytes below which not even the ledger's first transaction fits.
LEAST = 1_000_000


def look(config: Config, secret: Iterable[tuple[Path, str]], *, running: bool) -> list[dict[str, Any]]:
    """Return the lines; `secret` are files and what they hold, `running` whether the daemon runs."""
    lines = [_files(secret), *_place(config), _cryptg(), *alerts.look(config.alerts)]
    if config.metrics.listen and not running:
        lines.append(port.look(metrics.address(config.metrics.listen)))
    return lines + sysctl.look()


def _files(secret: Iterable[tuple[Path, str]]) -> dict[str, Any]:
    try:
        permissions.refuse_exposed(secret)
    except ConfigError as error:
        return line("fail", "", "files", error.what, error.hint)
    return line("ok", "", "files", "what is secret is closed to other users of this machine")


def _place(config: Config) -> list[dict[str, Any]]:
    """Check that the state directory is writable and has free space."""
    place = config.paths.state_dir
    # A directory that we may not read counts as missing.
    there = next(folder for folder in (place, *place.parents) if os.path.exists(folder))
    if not os.access(there, os.W_OK | os.X_OK):
        return [line("fail", "", "state", f"{place}: not allowed to write there", "run it with sudo")]
    left = free(there)
    if left is None:
        # A file system in memory may report no size: that does not mean full.
        return [line("ok", "", "disk", f"{place}: a file system that does not tell its size")]
    text = f"{size(left)} free in {place}"
    remedy = "make room; media never needs any, the ledger grows with the messages"
    if left < LEAST:
        return [line("fail", "", "disk", text, remedy)]
    wanted = config.alerts.free_mb * 1_000_000
    return [line("warn", "", "disk", text, remedy) if left < wanted else line("ok", "", "disk", text)]


def _cryptg() -> dict[str, Any]:
    if importlib.util.find_spec("cryptg") is None:
        text = "cryptg is missing: a start is refused, since files would move forty times slower"
        return line("fail", "", "encryption", text, "python3 -m pip install cryptg")
    return line("ok", "", "encryption", "in C, by cryptg")
