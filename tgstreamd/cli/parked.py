"""`tgstreamd parked`: lists the parked messages; retries or skips them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ..control import commands
from ..control.parked_hints import usual
from ..domain.clock import SystemClock
from . import context
from .output.format import Usage, clean, clock_time
from .output.terminal import say, say_json

EXAMPLE = """\
examples:
  tgstreamd parked               what is parked, why, and what to do
  tgstreamd parked retry 12 15   these two again
  tgstreamd parked retry --all   everything again
  tgstreamd parked skip 12       never"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "parked",
        help="messages that a person must look at: list, retry, skip",
        usage="tgstreamd parked [--json] | parked retry ID…|--all | parked skip ID…",
        description="Lists the messages that were not copied for an error that a person must look at, each "
        "with what can be done. `retry` puts them to the end of the queue, `skip` gives them up for good.",
        epilog=EXAMPLE,
    )
    parser.add_argument("do", nargs="?", choices=("list", "retry", "skip"), default="list")
    parser.add_argument("ids", nargs="*", type=int, metavar="ID")
    parser.add_argument("--all", action="store_true", help="with retry: every parked message")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    if arguments.do == "list":
        if arguments.ids or arguments.all:
            raise Usage("parked: ids and --all go with retry or skip", hint="tgstreamd parked retry --all")
        return _list(arguments)
    if arguments.all and (arguments.ids or arguments.do == "skip"):
        raise Usage("parked: --all goes with retry, and without ids", hint="tgstreamd parked retry --all")
    if not arguments.ids and not arguments.all:
        raise Usage(f"parked {arguments.do}: which ones?", hint="`tgstreamd parked` lists the ids")
    ids = None if arguments.all else arguments.ids
    if arguments.do == "retry":
        request = {"verb": "retry", "ids": ids}
        answer = context.on_ledger(arguments, "parked", request, lambda store: commands.retry(store, ids))
        return _say(arguments, answer, f"{len(answer['retried'])} put back to the end of the queue")
    now = SystemClock().now()
    request = {"verb": "skip", "ids": arguments.ids}
    answer = context.on_ledger(
        arguments, "parked", request, lambda store: commands.skip(store, arguments.ids, now)
    )
    return _say(arguments, answer, f"{len(answer['skipped'])} given up")


def _say(arguments: Namespace, answer: dict[str, Any], line: str) -> int:
    if arguments.json:
        say_json(answer, indent=None)
    else:
        say(line)
    return 0


def _list(arguments: Namespace) -> int:
    answer = context.on_ledger(arguments, "parked", {"verb": "parked"}, commands.parked)
    if arguments.json:
        say_json(answer)
        return 0
    if not answer["parked"]:
        say("nothing is parked")
    for job in answer["parked"]:
        album = f" (album of {job['messages']})" if job["messages"] > 1 else ""
        where = f"{clean(job['mirror'], 20)}: message {job['source_id']}{album}"
        say(f"{job['id']:>6}  {where}: {clean(job['reason'], 200)}")
        say(f"        {clock_time(job['parked_at'])}  {job['link']}")
        if job["text"]:
            say(f"        {clean(job['text'])}")
        if job["remedy"] != usual(job["id"]):
            say(f"        {job['remedy']}")
    if any(job["remedy"] == usual(job["id"]) for job in answer["parked"]):
        say("to send them again:  tgstreamd parked retry ID…")
        say("to give them up:     tgstreamd parked skip ID…")
    return 0
