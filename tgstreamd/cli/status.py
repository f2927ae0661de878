"""`tgstreamd status`: shows the daemon and its mirrors; live with `--watch`, as JSON for programs."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from ..control import status
from ..domain.clock import SystemClock
from ..policy.pacing import Pace
from . import context
from .output.status import lines
from .output.terminal import say, say_json

#: Seconds between two updates of `--watch`.
PERIOD = 1.0


EXAMPLE = """\
examples:
  tgstreamd status --watch                              live, until Ctrl-C
  tgstreamd status --json | jq '.mirrors[].backlog'     for machines"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "status",
        help="positions, backlog, transfers, holds; of a running or stopped daemon",
        description="Shows the daemon and its mirrors: what is done, what waits and for how long, what is on "
        "its way, and why something stands. Asks the daemon, or reads the ledger of a stopped one.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--json", action="store_true", help="for machines; with --watch a line each second")
    parser.add_argument("--watch", action="store_true", help="go on showing it, with progress bars")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    if arguments.watch and _on_terminal() and not arguments.json:
        from .output import watch  # noqa: F401 - with rich; while we are root all of it can be read
    first = look(arguments)
    if not arguments.watch:
        _say(arguments, first, _width(), indent=2)
        return 0
    asyncio.run(_watch(arguments, first))
    return 0


def look(arguments: Namespace) -> dict[str, Any]:
    """Return the status now, from the daemon or, read-only, from the ledger of a stopped one."""
    paths = context.locate(arguments)
    if (answer := context.daemon(paths, {"verb": "status"})) is not None:
        return answer
    config = context.config_or_none(arguments)
    pace = (
        Pace(interval=config.pace.interval, account_interval=config.pace.account_interval)
        if config
        else Pace()
    )

    async def read() -> dict[str, Any]:
        now = SystemClock().now()
        async with context.look_into(paths) as store:
            return await status.status(store, status.Live(), pace=pace, now=now)

    # Each time anew: `--watch` reads the configuration again, which only root may be able to read.
    with context.as_owner(paths):
        return asyncio.run(read())


async def _watch(arguments: Namespace, first: dict[str, Any]) -> None:
    clock, seen = SystemClock(), first

    async def again() -> dict[str, Any]:
        nonlocal seen
        seen = await asyncio.to_thread(look, arguments)
        return seen

    if _on_terminal() and not arguments.json:
        from .output import watch  # imports rich, which is slow

        try:
            await watch.watch(first, again, clock, PERIOD)
        finally:
            # The picture disappears with its screen, so its last content is printed.
            say(*lines(seen, _width()))
    while True:
        _say(arguments, seen, None, indent=None)
        await clock.sleep_until(clock.monotonic() + PERIOD)
        await again()


def _say(arguments: Namespace, seen: dict[str, Any], width: int | None, *, indent: int | None) -> None:
    if arguments.json:
        say_json(seen, indent=indent)
    else:
        say(*lines(seen, width))


def _on_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _width() -> int | None:
    """Return the columns of the terminal; None if there is none, and nothing is drawn."""
    return shutil.get_terminal_size().columns if _on_terminal() else None
