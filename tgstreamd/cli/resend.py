"""`tgstreamd resend`: sends messages of the source again; asks before a copy is replaced."""

from __future__ import annotations

import asyncio
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from ..config import Config
from . import context
from .output.format import Usage, clean
from .output.terminal import say, say_json
from .prompts.prompt import agreed
from .telegram import asking

EXAMPLE = """\
examples:
  tgstreamd resend main 812                          one that was skipped, or never captured
  tgstreamd resend main 812 815 --yes                also where copies stand: these are replaced
  tgstreamd resend main https://t.me/c/1234567890/812

An album is sent whole. What is sent once more goes to the end: it is not judged for order."""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "resend",
        help="send messages of the source once more",
        description="Puts messages of the source, whatever became of them, into the queue once more. A copy "
        "that stands is deleted first and then made anew, which is asked for: nothing is ever there twice. "
        "That happens when the new copy can be sent: its turn has come, and its file is there. Where it "
        "cannot, or Telegram does not delete the old one, nothing is sent, and the copy stays.",
        epilog=EXAMPLE,
    )
    parser.add_argument("mirror", metavar="MIRROR", help="its name in the configuration")
    parser.add_argument(
        "ids", nargs="+", type=message_id, metavar="ID", help="message of the source: id or link"
    )
    parser.add_argument("--yes", action="store_true", help="replace copies that stand, without asking")
    parser.add_argument("--json", action="store_true", help="for machines; asks nothing")
    parser.set_defaults(act=act)
    return [parser]


def message_id(given: str) -> int:
    """Parse an id, or the end of a link to a message."""
    found = re.fullmatch(r"(?:https?://t\.me/\S*/)?(\d{1,10})(?:\?\S*)?", given)
    if found is None or not 0 < int(found[1]) < 2**31:
        raise ArgumentTypeError(f'"{given}" is no message: an id like 812, or a link to it')
    return int(found[1])


def act(arguments: Namespace) -> int:
    config = context.load(arguments)
    return asyncio.run(_resend(arguments, config))


async def _resend(arguments: Namespace, config: Config) -> int:
    request: dict[str, Any] = {"verb": "resend", "mirror": arguments.mirror, "ids": arguments.ids}
    async with asking(config, "resend") as ask:
        found = await ask({**request, "write": False})
        able = [one for one in found["messages"] if one["does"]]
        replaced = [one for one in able if one["does"] == "replace"]
        if replaced and not arguments.yes:
            _ask(arguments, replaced)
        if able:
            found = await ask({**request, "write": True})
    if arguments.json:
        say_json(found)
    else:
        for one in found["messages"]:
            say(f"{arguments.mirror}: {line(one)}")
    return 0 if len(able) == len(found["messages"]) else 1


def _ask(arguments: Namespace, replaced: list[dict[str, Any]]) -> None:
    """Ask for consent. Raises if the user refuses or cannot be asked."""
    ids = ", ".join(str(one["source_id"]) for one in replaced)
    if arguments.json or not context.interactive():
        hint = "--yes deletes the copies and makes new ones; nothing was done"
        raise Usage(f"resend: copies of {ids} stand in the target", hint=hint)
    for one in replaced:
        say(f"{arguments.mirror}: message {one['source_id']}: {one['why']}")
    if not agreed("Delete these copies and make new ones at the end?"):
        raise Usage("resend: nothing was done")


def line(one: dict[str, Any]) -> str:
    """Format the result for one message."""
    album = f" (album of {len(one['messages'])})" if len(one["messages"]) > 1 else ""
    does = {
        "send": "queued",
        "replace": "queued; its copy is deleted first",
        "retry": "put back to the end of the queue",
        "": "nothing is done",
    }[one["does"]]
    return f"message {one['source_id']}{album}: {does}: {clean(one['why'], 200)}"
