"""`tgstreamd plan`: shows what would be sent for a mirror, post by post, and the time it takes. Sends
nothing."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from ..config import Config
from ..control import rehearsal
from ..domain.clock import SystemClock
from ..domain.reasons import told_by
from . import context
from .output.format import Usage, clean, duration, size
from .output.service_messages import happened, worded
from .output.status import wrapped
from .output.terminal import say, say_json

#: Posts shown by default.
LIMIT = 100

Ask = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


EXAMPLE = """\
examples:
  tgstreamd plan main --limit 20          the first 20 posts
  tgstreamd plan main --from 812 --to 820 these messages
  tgstreamd plan main --limit 0 --json    everything, for machines"""


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "plan",
        help="what would be sent: a dry run, message by message",
        description="Says, post by post, how each file would get there, what would be noted or skipped and "
        "why, and the messages, bytes and hours of it all. Sends nothing.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "mirror", nargs="?", default="", metavar="MIRROR", help="its name, where there are several"
    )
    parser.add_argument(
        "--from", dest="first", type=int, metavar="ID", help="the first message (default: all)"
    )
    parser.add_argument("--to", dest="last", type=int, metavar="ID", help="the last message")
    parser.add_argument(
        "--limit", type=int, default=LIMIT, metavar="N", help=f"posts at most (default: {LIMIT}); 0: all"
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    if arguments.limit < 0 or (arguments.first is not None and arguments.first < 1):
        raise Usage("--limit and --from count from 0 and 1")
    config = context.load(arguments)
    asyncio.run(_all(arguments, config))
    return 0


async def _all(arguments: Namespace, config: Config) -> None:
    """Read page by page, as many as wanted; a running daemon is asked for each."""
    async with contextlib.AsyncExitStack() as stack:
        ask: Ask | None = None
        left = arguments.limit or None
        request: dict[str, Any] = {"mirror": arguments.mirror, "upto": arguments.last}
        if arguments.first is not None:
            request["after"] = arguments.first - 1
        posts: list[dict[str, Any]] = []
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        sums: Counter[str] = Counter()
        while True:
            some = rehearsal.POSTS_MAX if left is None else min(left, rehearsal.POSTS_MAX)
            question = {**request, "verb": "plan", "limit": some}
            answer = None
            if ask is None:
                answer = await asyncio.to_thread(context.daemon, config.paths, question)
            if answer is None:
                if ask is None:
                    ask = await stack.enter_async_context(_alone(config))
                answer = await ask(question)
            if arguments.json:
                posts += answer["posts"]
            else:
                for post in answer["posts"]:
                    say(*wrapped(line(post), width))
            _add(sums, answer["totals"])
            left = None if left is None else left - len(answer["posts"])
            if answer["next"] is None or left == 0:
                break
            request |= answer["next"]
        more = answer["next"]
        # No id can be given for the basic group from before the source's migration.
        here = more is not None and more["chat"] == answer["source"]
        found = {
            "mirror": answer["mirror"],
            "interval": answer["interval"],
            "totals": _apart(sums),
            "next": more["after"] + 1 if here else None,
            "more": more is not None,
        }
        if arguments.json:
            say_json({**found, "posts": posts})
        else:
            say(*summary(found))


@contextlib.asynccontextmanager
async def _alone(config: Config) -> AsyncIterator[Ask]:
    """With the daemon stopped: use its session, and its ledger read-only."""
    from .remote import connected  # imports Telethon, which is slow

    context.become_owner(config.paths)
    now = SystemClock().now()
    async with (
        context.holding(config.paths, "plan"),
        connected(config) as connection,
        context.look_into(config.paths) as store,
    ):
        yield lambda request: rehearsal.rehearse(config, connection, store, request, now=now)


def _add(sums: Counter[str], totals: dict[str, Any]) -> None:
    for key, value in totals.items():
        if isinstance(value, dict):
            sums.update({f"{key}/{name}": n for name, n in value.items()})
        else:
            sums[key] += value


def _apart(sums: Counter[str]) -> dict[str, Any]:
    """Return the sums in the format of each answer."""
    found: dict[str, Any] = {"kinds": {}, "ways": {}, "skipped": {}}
    for key, value in sums.items():
        table, slash, name = key.partition("/")
        if slash:
            found[table][name] = value
        else:
            found[key] = value
    return found


def line(post: dict[str, Any]) -> str:
    """Format a post: `#12  2019-03-04 18:22  Ana  photo  stream 1.2 MB, answers what is known  "the
    text"`."""
    when = f"{datetime.fromtimestamp(post['date'], UTC):%Y-%m-%d %H:%M}"
    what = ["+".join(post["ways"])]
    kind = post["kind"]
    if kind[:1].isupper():  # a service message, by Telegram's name
        kind, what = "service", [happened(kind)]
    if post["skip"]:
        told = told_by(post["skip"])
        what = [f"skip: {clean(happened(told) if told else post['skip'])}"]
    if moved := post["bytes"] + post["reference_bytes"]:
        what[0] += f" {size(moved)}"
    what += [clean(note, 100) for note in post["notes"]]
    if post["sends"] > len(post["messages"]):
        what.append(f"{post['sends']} messages")
    if post["links"]:
        what.append(
            "a link leads to a copy" if post["links"] == 1 else f"{post['links']} links lead to copies"
        )
    if post["reply"] and not post["skip"]:
        what.append("a reply" if post["reply"] == "known" else f"a reply ({clean(post['reply'])})")
    if post["ledger"] in ("done", "open", "parked"):
        what.append({"done": "copied already", "open": "being sent", "parked": "parked"}[post["ledger"]])
    text = f'  "{clean(post["text"], 40)}"' if post["text"] else ""
    return f"#{post['id']:<7} {when}  {clean(post['author'], 20):<20} {kind:<11} {', '.join(what)}{text}"


def summary(found: dict[str, Any]) -> list[str]:
    """Format the totals."""
    totals = found["totals"]
    shown = [
        f"{clean(found['mirror'])}: {totals['posts']:,} posts, {totals['sends']:,} messages to send: "
        f"{size(totals['bytes'])} moved, {size(totals['reference_bytes'])} by reference, "
        f"{duration(totals['seconds'])} at {found['interval']:g} s"
    ]
    if totals["settled"]:
        shown.append(f"  settled already: {totals['settled']:,}")
    if totals["ways"].get("note"):
        shown.append(f"  with a note in place of something: {totals['ways']['note']:,}")
    shown += [f"  skipped, {clean(worded(why))}: {n:,}" for why, n in sorted(totals["skipped"].items())]
    if found["more"]:
        onward = f"--from {found['next']}, or " if found["next"] is not None else ""
        shown.append(f"  there is more: {onward}--limit 0 for all")
    return shown
