"""The program: parses the command line, runs one verb, prints an error as one line and sets the exit status.

Exit status: 0 success, 1 unexpected, 2 usage, 77 not authorised, 78 wrong configuration, 130 interrupted, 141
reader closed the pipe. An error that is not a `TgstreamdError` is a bug and keeps its traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from . import __version__

# Imported first: it keeps structlog, which the others import, from loading rich.
from .system import log_setup

# isort: split
from .cli import (
    alert,
    backup,
    chats,
    check,
    config,
    init,
    login,
    parked,
    pause,
    plan,
    rebuild,
    resend,
    run,
    status,
    verify,
)
from .cli.argparser import Parser
from .cli.output.format import duration
from .cli.output.terminal import complain, take_any_text
from .config.paths import DEFAULT_FILE
from .domain.errors import FloodWait, TgstreamdError

EPILOG = """\
the first hour:
  tgstreamd init            asks, logs in, writes the configuration
  tgstreamd check           would a start succeed?
  tgstreamd run             the daemon (installed: systemctl enable --now tgstreamd)
  tgstreamd status --watch  how it goes"""
VERBS = (
    run,
    init,
    login,
    chats,
    check,
    config,
    plan,
    alert,
    status,
    parked,
    pause,
    verify,
    resend,
    backup,
    rebuild,
)


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="tgstreamd", description="Mirrors Telegram chats, message by message.", epilog=EPILOG)
    top.add_argument("--version", action="version", version=f"tgstreamd {__version__}")
    # Accepted before and after the verb; the latter wins.
    _add_config_option(top, default=None)
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for module in VERBS:
        for verb in module.add(verbs):
            _add_config_option(verb, default=argparse.SUPPRESS)
    return top


def _add_config_option(where: argparse.ArgumentParser, default: object) -> None:
    where.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=default,
        help=f"the configuration (default: {DEFAULT_FILE})",
    )


def main(argv: Sequence[str] | None = None) -> int:
    sys.excepthook = _print_unexpected
    take_any_text()
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.act(arguments)
        sys.stdout.flush()
        return status
    except TgstreamdError as error:
        return _report([error])
    except BaseExceptionGroup as group:
        ours, others = group.split(TgstreamdError)
        if others is not None or ours is None:
            raise
        return _report(list(_leaves(ours)))
    except KeyboardInterrupt:
        complain("")
        return 130
    except BrokenPipeError:
        # The reader closed the pipe (`tgstreamd status | head`); Python must not report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _print_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of a bug, escaped: its last lines may quote other people's text."""
    for part in traceback.format_exception(kind, error, trace):
        complain(*part.rstrip("\n").split("\n"))


def _leaves(group: BaseExceptionGroup[TgstreamdError]) -> Iterator[TgstreamdError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _report(errors: Sequence[TgstreamdError]) -> int:
    """Print each distinct error as one line; return the exit status of the first."""
    for error in errors:
        if isinstance(error, FloodWait) and not error.hint:
            error.hint = f"Telegram asks for it: the same command again in {duration(error.seconds)}"
    prefix = "<3>" if log_setup.choose("auto", sys.stderr, os.environ) == "journal" else ""
    for line in dict.fromkeys(" ".join(error.line().split()) for error in errors):
        complain(f"{prefix}tgstreamd: {line}")
    return errors[0].exit_status


if __name__ == "__main__":
    sys.exit(main())
