"""`tgstreamd chats`: lists the groups, channels and topics of the account, with their ids.

A table on a terminal, a line each for pipes, JSON for programs.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from ..control import chats as listing
from . import context
from .output.format import clean, folded
from .output.terminal import say, say_json

EXAMPLE = """\
examples:
  tgstreamd chats --search news          by title, @name or id; topics too
  tgstreamd chats --json | jq '.chats[] | select(.can_post)'"""
NOBODY = "this account is in no group or channel"


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "chats",
        help="the chats and topics that the account sees",
        description="Lists groups, channels and topics with the ids that the configuration wants, and "
        "whether they can be a source or a target.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--search", metavar="WORDS", default="", help="only what has all of these words")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    drawn = sys.stdout.isatty() and not arguments.json
    if drawn:
        from .output import tables  # imports rich; must run before root's rights are given up
    paths = context.locate(arguments)
    answer = context.daemon(paths, {"verb": "chats"})
    if answer is None:
        config = context.load(arguments, need_mirror=False)
        from .remote import connected  # imports Telethon, which is slow

        context.become_owner(config.paths)

        async def read() -> dict[str, Any]:
            async with context.holding(config.paths, "chats"), connected(config) as connection:
                return await listing.chats(connection)

        answer = asyncio.run(read())
    found = searched(answer["chats"], arguments.search)
    if arguments.json:
        say_json({**answer, "chats": found})
    elif not found:
        say(f'nothing has "{arguments.search}" in it' if arguments.search else NOBODY)
    elif drawn:
        tables.chats(found, facts)
    else:
        say(*lines(found))
    return 0


def searched(chats: Sequence[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    """Return the chats with every word in title, @name or id; of other chats the matching topics."""
    wanted = folded(words).split()

    def has(*texts: object) -> bool:
        text = folded(" ".join(map(str, texts)))
        return all(word in text for word in wanted)

    found = []
    for chat in chats:
        name = f"@{chat['username']}" if chat["username"] else ""
        topics = [t for t in chat["topics"] if has(chat["title"], t["title"])]
        if has(chat["title"], name, chat["id"]):
            found.append(chat)
        elif topics:
            found.append({**chat, "topics": topics})
    return found


def facts(chat: dict[str, Any]) -> list[str]:
    """Return what users should know before choosing the chat."""
    known = [f"cannot be a source: {chat['source_refusal']}"] if chat["source_refusal"] else []
    return known + (["read only"] if not chat["can_post"] else [])


def lines(chats: Sequence[dict[str, Any]]) -> list[str]:
    """Format for pipes: id, title and the rest in brackets; topics below their chat."""
    shown = []
    for chat in chats:
        marks = [chat["kind"], f"@{chat['username']}" if chat["username"] else "", *facts(chat)]
        shown.append(f"{chat['id']:>16}  {clean(chat['title'], 40)}  ({', '.join(filter(None, marks))})")
        for topic in chat["topics"]:
            closed = " (closed)" if topic["closed"] else ""
            shown.append(f"{'topic':>16}  {topic['id']:>6}  {clean(topic['title'], 40)}{closed}")
    return shown or [NOBODY]
