"""`tgstreamd backup`: makes a consistent copy of the ledger, with the daemon running or stopped.

The copy belongs to the caller (mode 0600) and never replaces a file. The daemon takes no part in it, so
nobody can make it write to a path of their choice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, BinaryIO

from ..config import Paths
from ..domain.errors import StoreError, TgstreamdError
from . import context
from .output.format import size
from .output.terminal import say

EXAMPLE = """\
example:
  tgstreamd backup /root/tgstreamd-$(date +%F).db"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "backup",
        help="copy the ledger, also while the daemon runs",
        description="Copies the ledger to a new file, whole and consistent, also while the daemon runs. The "
        "session is not in it.",
        epilog=EXAMPLE,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the new file; one that is there stays")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    paths, file = context.locate(arguments), arguments.file
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise TgstreamdError(f"{file}: is there already", hint="backup never overwrites") from None
    except OSError as error:
        raise TgstreamdError(f"{file}: {error.strerror}") from None
    with open(handle, "wb") as out:
        try:
            with context.as_owner(paths):
                written = _copy_via_state(paths, out)
        except BaseException as error:
            with contextlib.suppress(OSError):
                file.unlink()
            if isinstance(error, OSError):
                raise TgstreamdError(f"{file}: {error.strerror}", hint="nothing is left of it") from None
            raise
    say(f"{file}: {size(written)}")
    return 0


def _copy_via_state(paths: Paths, out: BinaryIO) -> int:
    """Copy by way of the state directory, as its owner: FILE may be in a directory that only root can
    write."""
    middle = paths.state_dir / f".backup-{os.getpid()}"
    try:
        asyncio.run(_copy(paths, middle))
        with open(middle, "rb") as copy:
            shutil.copyfileobj(copy, out)
        out.flush()
        os.fsync(out.fileno())
    finally:
        with contextlib.suppress(OSError):
            middle.unlink()
    return out.tell()


async def _copy(paths: Paths, middle: Path) -> None:
    async with context.look_into(paths) as store:
        if store is None:
            hint = "nothing was mirrored from here yet: `tgstreamd run` begins"
            raise StoreError(f"there is no ledger in {paths.state_dir}", hint=hint)
        await store.copy_to(middle)
