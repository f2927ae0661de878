"""`tgstreamd verify`: compares source and target, and with `--repair` repairs the differences."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from typing import Any, TextIO

from ..config import Config
from ..domain.clock import SystemClock
from ..domain.errors import TgstreamdError
from . import context
from .output.format import clean, duration
from .output.terminal import redraw, say, say_json
from .telegram import Ask, asking

#: Pages read without a delay; after them Telegram's clients wait a second between pages, as this does.
PAGES_AT_ONCE, REST = 30, 1.0
#: Consecutive connection errors that are waited out.
PATIENCE = 10
#: Differences in one repair request, and unmapped messages of the target passed with it.
AT_ONCE, STRANGERS_MAX = 50, 200
EXAMPLE = """\
examples:
  tgstreamd verify main            compares the two chats; exit 0 where they are equal, 1 where not
  tgstreamd verify main --repair   and puts what is missing or out of date into the queue
  tgstreamd verify main --json     for machines

A copy that is missing can only be sent anew at the end: its old place in the order is lost.
A text or file that differs is edited. Nothing that the target holds is sent a second time.
What `--repair` cannot mend, it says: what is out of order, and what should not be there."""
WORDS = {
    "missing": "missing in the target",
    "text": "text differs",
    "media": "media differs",
    "parked": "parked",
    "extra": "extra in the target",
    "order": "out of order",
    "undeleted": "deleted in the source",
}


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "verify",
        help="compare source and target, and mend what differs",
        description="Reads both chats of a mirror page by page, as fast as Telegram lets, and compares them "
        "with the ledger: counts, digests of the contents, ids and order.",
        epilog=EXAMPLE,
    )
    parser.add_argument("mirror", metavar="MIRROR", help="its name in the configuration")
    parser.add_argument("--repair", action="store_true", help="mend what can be mended, through the queue")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    config = context.load(arguments)
    return asyncio.run(_verify(arguments, config))


async def _verify(arguments: Namespace, config: Config) -> int:
    async with asking(config, "verify") as ask:
        found, counts = await walk(ask, arguments.mirror)
        mended: list[dict[str, Any]] = []
        if arguments.repair and found:
            mended = await repair(ask, arguments.mirror, found)
    if arguments.json:
        answer = {
            "mirror": arguments.mirror,
            "equal": not found,
            "counts": counts,
            "differences": found,
            "mended": mended,
        }
        say_json(answer)
        return 1 if found else 0
    for index, one in enumerate(found):
        say(*lines(one, mended[index] if mended else None))
    say(*summary(arguments.mirror, counts, found, mended, config))
    return 1 if found else 0


async def walk(ask: Ask, mirror: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Compare every page of both chats; return the differences and the counts."""
    clock, progress = SystemClock(), Progress(mirror)
    found: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    request: dict[str, Any] | None = {"mirror": mirror}
    pages = failures = 0
    while request is not None:
        progress.show(request, found)
        answer = await ask({**request, "verb": "verify"})
        found += answer["differences"]
        counts.update(answer["counts"])
        request, pages = answer["next"], pages + 1
        failures = failures + 1 if answer["trouble"] else 0
        if failures > PATIENCE:
            progress.end()
            raise TgstreamdError(f"verify: {answer['why']}", hint="try again later")
        rest = max(answer["wait"], REST if pages > PAGES_AT_ONCE else 0.0)
        if answer["wait"]:
            progress.say(f"waits {duration(rest)}: {answer['why']}")
        if rest:
            await clock.sleep_until(clock.monotonic() + rest)
    progress.end()
    return found, dict(counts)


async def repair(ask: Ask, mirror: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Repair the differences and return what was done about each, in order."""
    strangers = [one["target_id"] for one in found if one["kind"] == "extra"][-STRANGERS_MAX:]
    clock, progress = SystemClock(), Progress(mirror)
    mended: list[dict[str, Any]] = []
    while len(mended) < len(found):
        progress.say(f"repair: {len(mended):,} of {len(found):,}")
        some = found[len(mended) : len(mended) + AT_ONCE]
        answer = await ask({"verb": "mend", "mirror": mirror, "findings": some, "strangers": strangers})
        mended += answer["mended"]
        rest = max(answer["wait"], REST if len(mended) > AT_ONCE else 0.0)
        if rest and len(mended) < len(found):
            await clock.sleep_until(clock.monotonic() + rest)
    progress.end()
    return mended


class Progress:
    """The progress, on one line of the terminal that is drawn over; nothing without a terminal."""

    def __init__(self, mirror: str, out: TextIO | None = None) -> None:
        self._mirror = mirror
        self._out = sys.stderr if out is None else out
        self._shown = self._out.isatty()

    def show(self, request: dict[str, Any], found: list[dict[str, Any]]) -> None:
        if request.get("newest"):
            differ = f", {_number(len(found), 'difference')}" if found else ""
            side, at = request["side"], max(0, request["after"])
            self.say(f"{side}: message {at:,} of {request['newest']:,}{differ}")

    def say(self, words: str) -> None:
        if self._shown:
            redraw(f"{self._mirror}: {clean(words, 70)}", self._out)

    def end(self) -> None:
        if self._shown:
            redraw("", self._out)


def lines(one: dict[str, Any], mended: dict[str, Any] | None) -> list[str]:
    """Format one difference: what, why, the links, and what was done or can be."""
    ids = f"message {one['source_id']}" if one["source_id"] else f"message {one['target_id']} of the target"
    text = f'  "{clean(one["text"], 40)}"' if one["text"] else ""
    shown = [f"{WORDS[one['kind']]}: {ids}: {clean(one['why'], 200)}{text}"]
    links = [link for link in (one["source_link"], one["target_link"]) if link]
    if links:
        shown.append(f"    {' → '.join(links)}")
    if mended is not None:
        shown.append(f"    {'' if mended['done'] else 'not mended: '}{clean(mended['what'], 200)}")
    return shown


def summary(
    mirror: str,
    counts: dict[str, int],
    found: list[dict[str, Any]],
    mended: list[dict[str, Any]],
    config: Config,
) -> list[str]:
    said = [
        f"{counts[name]:,} {words}"
        for name, words in (
            ("copied", "copied"),
            ("skipped", "skipped"),
            ("waiting", "waiting"),
            ("changing", "about to change"),
            ("kept", "kept though deleted in the source"),
            ("unreadable", "that cannot be read"),
        )
        if counts.get(name)
    ]
    shown = [
        f"{mirror}: {', '.join(said) or 'nothing copied yet'}; {counts.get('copies', 0):,} copies looked at"
    ]
    if not found:
        return [*shown, f"{mirror}: equal"]
    kinds = Counter(one["kind"] for one in found)
    differ = ", ".join(f"{n:,} {WORDS[kind]}" for kind, n in kinds.items())
    shown.append(f"{mirror}: {_number(len(found), 'difference')}: {differ}")
    if mended:
        done = Counter(one["done"] for one in mended)
        queued = done["queued"]
        if queued:
            took = duration(queued * config.pace.interval)
            shown.append(f"{mirror}: queued: {queued:,}, done in about {took}; then compare again")
        if done["found"]:
            shown.append(f"{mirror}: found again, so that nothing is sent for it: {done['found']:,}")
        if done[""]:
            shown.append(f"{mirror}: left as it is: {done['']:,}")
    elif any(one["mend"] for one in found):
        command = f"tgstreamd verify {mirror} --repair{context.option(config)}"
        shown.append(f"{mirror}: `{command}` mends what can be mended")
    return shown


def _number(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
