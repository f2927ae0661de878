"""`tgstreamd run`: runs the daemon in the foreground, on uvloop, as the only one of its state directory."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
import uvloop

from .. import config as configuration
from ..domain.errors import NotAuthorised
from ..system import log_setup, permissions
from . import context

EXAMPLE = """\
examples:
  tgstreamd run                              for a first look; `tgstreamd status --watch` beside it
  sudo systemctl enable --now tgstreamd      as a service"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "run",
        help="the daemon, in the foreground",
        description="Mirrors until it is stopped: what the service starts. SIGHUP reads the configuration "
        "anew, SIGTERM and Ctrl-C end it; a start after any end goes on where it was.",
        epilog=EXAMPLE,
    )
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    # Imported here, so that commands which only read the ledger need not wait for Telethon.
    from ..app import process

    permissions.no_core_dumps()
    config = configuration.load(arguments.config, os.environ)
    permissions.refuse_exposed(secret_files(config))
    _log_as(config)
    sys.excepthook = _log_bug
    try:
        return uvloop.run(
            process.run(config, lambda: configuration.load(arguments.config, os.environ), _log_as)
        )
    except NotAuthorised as error:
        context.name_config(error, config)
        raise


def secret_files(config: configuration.Config) -> list[tuple[Path, str]]:
    """Return our files that hold secrets, and what each holds."""
    ledger = config.paths.ledger
    files = [
        (config.paths.session, "the login"),
        *((ledger.with_name(ledger.name + end), "messages") for end in ("", "-wal")),
    ]
    if config.file is not None and config.telegram.api_hash in _text(config.file):
        files.append((config.file, "the api_hash"))
    return files


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _log_as(config: configuration.Config) -> None:
    log_setup.configure(config.log.level, config.log.format, secrets=context.secrets(config))


def _log_bug(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Log the traceback of a bug, with its priority and without secrets."""
    structlog.get_logger().critical("stopped by an unexpected error", exc_info=(kind, error, traceback))
