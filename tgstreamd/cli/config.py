"""`tgstreamd config show`: prints every key in force and where it comes from; secrets are masked."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import msgspec

from ..config.provenance import Setting, explain
from .output.format import as_json, fit, padded
from .output.terminal import say, say_json

EXAMPLE = """\
examples:
  tgstreamd config show
  tgstreamd config show --json | jq '.keys[] | select(.origin != "default")'"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "config",
        help="what is configured, and where each key comes from",
        description="Shows every key that is in force and where it comes from: the file, the environment, a "
        "credential or a default. Secrets are masked. `tgstreamd check` judges it.",
        epilog=EXAMPLE,
    )
    parser.add_argument("do", choices=("show",), metavar="show", help="the only thing that it does")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    config, settings = explain(arguments.config, os.environ)
    paths = {"ledger": config.paths.ledger, "session": config.paths.session, "socket": config.paths.socket}
    if arguments.json:
        answer = {
            "file": str(config.file) if config.file else None,
            "paths": {name: str(path) for name, path in paths.items()},
            "keys": [msgspec.to_builtins(setting) for setting in settings],
        }
        say_json(answer)
        return 0
    columns = os.get_terminal_size().columns - 1 if sys.stdout.isatty() else 1000
    say(config.file or "no file: all from the environment")
    for name, path in paths.items():
        say(fit(f"{name} in {path}", columns))
    say(*(fit(line, columns) for line in lines(settings)))
    return 0


def lines(settings: Sequence[Setting]) -> list[str]:
    """Format a heading for each table and a line for each key: value, and its origin."""
    shown: list[str] = []
    table = ""
    for setting in settings:
        at, _, key = setting.key.rpartition(".")
        if at != table:
            table = at
            shown += ["", f"[{at}]"]
        value = "(not set)" if setting.value is None else as_json(setting.value, indent=None)
        origin = " ".join(filter(None, (setting.origin, setting.name)))
        shown.append(f"  {padded(key, 18)}{padded(value, 36)}  {origin}")
    return shown
