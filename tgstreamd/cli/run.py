"""`tgstreamd run`: the daemon in the foreground, on uvloop, as the only one of its state directory."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from types import TracebackType
from typing import Any

import structlog
import uvloop

from .. import config as configuration
from .. import logs
from . import compose


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser("run", help="the daemon, in the foreground")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    # Here, so that verbs which only look at the ledger need not wait for Telethon.
    from .. import process

    config = configuration.load(arguments.config, os.environ)
    _log_as(config)
    sys.excepthook = _unexpected
    return uvloop.run(process.run(config, lambda: configuration.load(arguments.config, os.environ), _log_as))


def _log_as(config: configuration.Config) -> None:
    logs.configure(config.log.level, config.log.format, secrets=compose.secrets(config))


def _unexpected(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """A bug's traceback, through the log: with its priority, and without secrets."""
    structlog.get_logger().critical("stopped by an unexpected error", exc_info=(kind, error, traceback))
