"""Writes a configuration file completely or not at all: no partial file stays, whatever happens."""

from __future__ import annotations

import contextlib
import grp
import os
from pathlib import Path

from ...config import DEFAULT_FILE
from ...domain.errors import StoreError

GROUP = "tgstreamd"


def refuse_closed(file: Path) -> None:
    """Raise StoreError if the file cannot be written, before the user has answered everything."""
    folder = next(folder for folder in file.absolute().parents if os.path.exists(folder))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"{file}: not allowed to write there", hint="sudo, or --config with another place")


def put(file: Path, text: str) -> None:
    """Write the file: 0640 root:tgstreamd if installed there, else for its owner alone. Raises StoreError."""
    mode, group = 0o600, -1
    if file.absolute().parent == DEFAULT_FILE.parent and os.geteuid() == 0:
        with contextlib.suppress(KeyError):  # no such group: not installed by the package
            mode, group = 0o640, grp.getgrnam(GROUP).gr_gid
    draft = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w"
            ) as out:
                os.fchown(out.fileno(), -1, group)
                os.fchmod(out.fileno(), mode)
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}", hint="sudo, or --config") from None
