"""`tgstreamd check`: checks everything that a start needs, one line each, with a remedy for each problem.

Exits with 0 only if a start would succeed with every mirror running; warnings do not fail.
"""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from ..config import DEFAULT_FILE, Config
from ..control import check
from ..control.check import good, line
from ..domain.clock import SystemClock
from ..domain.errors import TgstreamdError
from . import context, host_checks
from .output.terminal import say, say_json
from .run import secret_files

MARKS = {"ok": "ok", "warn": "warning", "fail": "error"}
EXAMPLE = """\
examples:
  tgstreamd check                                       before the first start, and after each change
  tgstreamd check --json | jq -r '.lines[].remedy'      what there is to do"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "check",
        help="would a start succeed? a line for each thing",
        description="Looks at the configuration, this machine, the account and both sides of every mirror: a "
        "line each, ok, warning or error, with what to do. Changes nothing. Exit status 0 only where a start "
        "would succeed.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    drawn = sys.stdout.isatty() and not arguments.json
    if drawn:
        from .output import tables  # imports rich; must run before root's rights are given up
    # The configuration file is checked here, as it is now; the rest by the process that has the session.
    config = context.load(arguments)
    trouble: TgstreamdError | None = None
    running = False
    try:
        answer = context.daemon(config.paths, {"verb": "check"})
        running = answer is not None
        if answer is None:
            answer = _ask_telegram(config)
    except TgstreamdError as error:
        trouble = error
        answer = {"lines": [line("fail", "", "account", error.what, error.hint)]}
    # Checked here and not in the daemon, whose sandbox hides the machine.
    answer["lines"] += host_checks.look(config, secret_files(config), running=running)
    answer["ok"] = good(answer["lines"])
    # The error that ends the command is printed once, at the end.
    said = folded(answer["lines"][1 if trouble else 0 :])
    if arguments.json:
        say_json(answer)
    elif drawn:
        tables.findings([(one["level"], MARKS[one["level"]], sentence(one), one["remedy"]) for one in said])
    else:
        say(*lines(said))
    if trouble is not None:
        raise trouble
    if not arguments.json:
        say(*verdict(answer["lines"], config, running=running))
    return 0 if answer["ok"] else 1


def _ask_telegram(config: Config) -> dict[str, Any]:
    """Return the answer through a connection of our own."""
    from .remote import connected  # imports Telethon, which is slow

    context.become_owner(config.paths)
    now = SystemClock().now()

    async def work() -> dict[str, Any]:
        async with (
            context.holding(config.paths, "check"),
            connected(config) as connection,
            context.look_into(config.paths) as store,
        ):
            return await check.check(config, connection, store, now=now)

    return asyncio.run(work())


def lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Format for pipes: `warning  disk: 100 MB free in /var/lib/tgstreamd (make room)`."""
    return [
        f"{MARKS[one['level']]:<9}{sentence(one)}{f' ({one["remedy"]})' if one['remedy'] else ''}"
        for one in found
    ]


def sentence(one: dict[str, Any]) -> str:
    of = f"{one['mirror']}: " if one["mirror"] else ""
    return f"{of}{one['subject']}: {one['text']}"


def folded(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merge the kernel settings that need no change into one line."""
    well = [one for one in found if one["subject"] == "kernel" and one["level"] == "ok"]
    others = [one for one in found if one not in well]
    return [*others, line("ok", "", "kernel", ", ".join(one["text"] for one in well))] if well else others


def verdict(found: Sequence[dict[str, Any]], config: Config, *, running: bool) -> list[str]:
    """Return the conclusion and the next command."""
    errors, warnings = (sum(one["level"] == level for one in found) for level in ("fail", "warn"))
    if errors:
        of = sorted({one["mirror"] for one in found if one["level"] == "fail"})
        what = f"{', '.join(filter(None, of))} would be paused" if all(of) else "a start would not succeed"
        return [f"{_count(errors, 'error')}, {_count(warnings, 'warning')}: {what}"]
    said = f"{_count(warnings, 'warning')}: " if warnings else ""
    if running:
        return [f"{said}all is well with the daemon that runs"]
    option = "" if config.file in (None, DEFAULT_FILE) else f" --config {config.file}"
    service = config.file == DEFAULT_FILE and os.path.isdir("/run/systemd/system")
    following = "sudo systemctl enable --now tgstreamd" if service else f"tgstreamd run{option}"
    return [f"{said}a start would succeed", f"next: {following}"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
