"""`tgstreamd chats`: the groups, channels and topics that the account sees, with their ids."""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser, Namespace
from typing import Any

from ..desk import listing
from . import compose
from .terminal import clean


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser("chats", help="the chats and topics that the account sees")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    paths = compose.locate(arguments)
    answer = compose.daemon(paths, {"verb": "chats"})
    if answer is None:
        config = compose.load(arguments, need_mirror=False)
        from .reach import connected  # with Telethon, which takes its time

        compose.become_owner(config.paths)

        async def read() -> dict[str, Any]:
            async with compose.holding(config.paths, "chats"), connected(config) as connection:
                return await listing.chats(connection)

        answer = asyncio.run(read())
    print(json.dumps(answer, ensure_ascii=False, indent=2) if arguments.json else "\n".join(lines(answer)))
    return 0


def lines(answer: dict[str, Any]) -> list[str]:
    shown = []
    for chat in answer["chats"]:
        marks = [chat["kind"]]
        if chat["username"]:
            marks.append(f"@{chat['username']}")
        if chat["protected"]:
            marks.append("protected: cannot be a source")
        if not chat["can_post"]:
            marks.append("read only")
        shown.append(f"{chat['id']:>16}  {clean(chat['title'], 40)}  ({', '.join(marks)})")
        for topic in chat["topics"]:
            closed = " (closed)" if topic["closed"] else ""
            shown.append(f"{'topic':>16}  {topic['id']:>6}  {clean(topic['title'], 40)}{closed}")
    return shown or ["this account is in no group or channel"]
