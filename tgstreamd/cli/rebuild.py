"""`tgstreamd rebuild`: rebuilds the map of a lost ledger from both chats; asks before it writes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ..domain.errors import TgstreamdError
from . import context
from .output.format import Usage
from .output.terminal import say
from .prompts.prompt import agreed

EXAMPLE = """\
examples:
  tgstreamd rebuild main         looks, says what it found, asks
  tgstreamd rebuild main --yes   and writes it without asking"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "rebuild",
        help="derive a lost map anew from both chats, and let the mirror go on",
        description="Where the ledger was lost or is old, and the mirror waits since its target holds copies "
        "that the ledger does not know: finds which copy belongs to which message. Says what it would write, "
        "and asks.",
        epilog=EXAMPLE,
    )
    parser.add_argument("mirror", metavar="MIRROR", help="its name in the configuration")
    parser.add_argument("--yes", action="store_true", help="write without asking")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    name = arguments.mirror
    paths = context.locate(arguments)
    found = context.daemon(paths, {"verb": "rebuild", "mirror": name, "write": False})
    if found is None:
        hint = "start it: it reads the source, and waits where the target holds copies that it does not know"
        raise TgstreamdError("rebuild: no daemon runs", hint=hint)
    say(f"{name}: looked through {found['looked_through']:,} messages of ours in the target")
    say(f"  {found['mapped']:,} messages of the source are there: they count as copied")
    older = "older ones are not there: `verify` names those that should be, and --repair sends them"
    say(f"  {found['skipped']:,} {older if found['skipped'] else 'older ones are not there'}")
    say(f"  {found['left']:,} newer ones are sent")
    if not arguments.yes:
        if not context.interactive():
            raise Usage("rebuild: nothing was written", hint="--yes writes it")
        if not agreed("Write this into the ledger?"):
            say("nothing was written")
            return 1
    written = context.daemon(paths, {"verb": "rebuild", "mirror": name, "write": True})
    if written is None:
        raise TgstreamdError("the daemon stopped before it wrote anything", hint="start it, and again")
    say(f"{name}: goes on after message {written['newest']}")
    return 0
