"""`tgstreamd alert`: tries the channels of [alerts] now, through the running daemon, its sandbox and
account."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ..domain.errors import TgstreamdError
from . import context
from .output.format import clean
from .output.terminal import say, say_json

EXAMPLE = """\
examples:
  tgstreamd alert          a line for each way; what was sent says that it is a test
  tgstreamd check          whether the command could be run, without running it"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "alert",
        help="try the ways of [alerts]: do they reach you?",
        description="Sends a test by every way in [alerts], as the running daemon would: in its sandbox, by "
        "its account. Exit status 0 only where all of them worked.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    answer = context.daemon(context.locate(arguments), {"verb": "alert"})
    if answer is None:
        hint = "`sudo systemctl start tgstreamd`, then again: it is the daemon that tells you"
        raise TgstreamdError("alert: no daemon runs", hint=hint)
    if not answer["ways"]:
        hint = "set heartbeat_url or command in [alerts], then `sudo systemctl reload tgstreamd`"
        raise TgstreamdError("alert: nobody would be told", hint=hint)
    if arguments.json:
        say_json(answer)
    else:
        say(*map(line, answer["ways"]))
    return 1 if any(one["why"] for one in answer["ways"]) else 0


def line(one: dict[str, Any]) -> str:
    """Return `command: ok`, or why it failed and its output."""
    said = f" ({clean(one['output'], 300)})" if one["why"] and one["output"] else ""
    return f"{one['way']}: {clean(one['why'], 200) or 'ok'}{said}"
