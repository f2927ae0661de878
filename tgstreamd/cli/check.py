"""`tgstreamd check`: a line for everything that a start needs; exit status 0 only if it would succeed."""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser, Namespace
from typing import Any

from .. import tuning
from ..clock import SystemClock
from ..config.alerts import look
from ..config.listening import address
from ..desk import checks
from ..web import port
from . import compose

MARKS = {"ok": "ok  ", "warn": "note", "fail": "FAIL"}


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser("check", help="would a start succeed? a line for each thing")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    # The file is judged here, as it is now; the rest by whoever has the session.
    config = compose.load(arguments)
    answer = compose.daemon(config.paths, {"verb": "check"})
    if answer is None:
        from .reach import connected  # with Telethon, which takes its time

        compose.become_owner(config.paths)
        now = SystemClock().now()

        async def work() -> dict[str, Any]:
            async with (
                compose.holding(config.paths, "check"),
                connected(config) as connection,
                compose.look_into(config.paths) as store,
            ):
                return await checks.check(config, connection, store, now=now)

        answer = asyncio.run(work())
        if config.metrics.listen:
            # Only where no daemon listens there already.
            answer["lines"].append(line := port.look(address(config.metrics.listen)))
            answer["ok"] = answer["ok"] and line["level"] != "fail"
    # Here and not in the daemon, whose sandbox hides the kernel's settings.
    answer["lines"] += [*look(config.alerts), *tuning.look()]
    print(json.dumps(answer, ensure_ascii=False, indent=2) if arguments.json else "\n".join(lines(answer)))
    return 0 if answer["ok"] else 1


def lines(answer: dict[str, Any]) -> list[str]:
    return [
        f"{MARKS[line['level']]}  {f'{line["mirror"]}: ' if line['mirror'] else ''}"
        f"{line['subject']}: {line['text']}"
        for line in answer["lines"]
    ]
