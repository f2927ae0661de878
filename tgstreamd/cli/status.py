"""`tgstreamd status`: the daemon and its mirrors at a glance; live with `--watch`, for machines as JSON."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from ..clock import SystemClock
from ..decide.pace import Pace
from ..desk import status
from . import compose
from .terminal import bar, clean, clock_time, duration, fit, size

#: Seconds between two looks of `--watch`.
PERIOD = 1.0
CLEAR_LINE, CLEAR_BELOW = "\x1b[K", "\x1b[J"


def add(verbs_of: Any) -> list[ArgumentParser]:
    parser: ArgumentParser = verbs_of.add_parser(
        "status", help="positions, backlog, transfers, holds; of a running or stopped daemon"
    )
    parser.add_argument("--json", action="store_true", help="for machines; with --watch a line each second")
    parser.add_argument("--watch", action="store_true", help="go on showing it, with progress bars")
    parser.set_defaults(act=act)
    return [parser]


def act(arguments: Namespace) -> int:
    first = look(arguments)
    if not arguments.watch:
        print(json.dumps(first, ensure_ascii=False, indent=2) if arguments.json else "\n".join(lines(first)))
        return 0
    asyncio.run(_watch(arguments, first))
    return 0


def look(arguments: Namespace) -> dict[str, Any]:
    """The status now, from the daemon or, read-only, from the ledger of a stopped one."""
    paths = compose.locate(arguments)
    if (answer := compose.daemon(paths, {"verb": "status"})) is not None:
        return answer
    config = compose.config_or_none(arguments)
    compose.become_owner(paths)
    pace = (
        Pace(interval=config.pace.interval, account_interval=config.pace.account_interval)
        if config
        else Pace()
    )

    async def read() -> dict[str, Any]:
        now = SystemClock().now()
        async with compose.look_into(paths) as store:
            return await status.status(store, status.Live(), pace=pace, now=now)

    return asyncio.run(read())


async def _watch(arguments: Namespace, seen: dict[str, Any]) -> None:
    clock = SystemClock()
    in_place = sys.stdout.isatty() and not arguments.json
    drawn = 0
    while True:
        if arguments.json:
            print(json.dumps(seen, ensure_ascii=False), flush=True)
        else:
            shown = lines(seen)
            if in_place:
                # A line that wraps, or one above the screen, could not be drawn over.
                columns, rows = shutil.get_terminal_size()
                shown = [fit(line, columns) for line in shown[: max(1, rows - 1)]]
                up = f"\x1b[{drawn}F" if drawn else ""
                text = "".join(f"{line}{CLEAR_LINE}\n" for line in shown)
                print(f"{up}{text}{CLEAR_BELOW}", end="", flush=True)
                drawn = len(shown)
            else:
                print("\n".join(shown), flush=True)
        await clock.sleep_until(clock.monotonic() + PERIOD)
        seen = await asyncio.to_thread(look, arguments)


def lines(seen: dict[str, Any]) -> list[str]:
    """The status for people."""
    account = seen["account"]
    head = f"tgstreamd {seen['version']} {seen['state']}"
    if account:
        head += f" as {clean(account['name'], 40)}{', premium' if account['premium'] else ''}"
    if seen["memory_rss"]:
        head += f", memory {size(seen['memory_rss'])}"
    shown = [head]
    if seen.get("note"):
        shown.append(f"  {seen['note']}")
    if seen.get("window") and seen["window"] < seen["buffer_parts"]:
        shown.append(f"  slowed down by Telegram: {seen['window']} of {seen['buffer_parts']} parts at once")
    if not seen["mirrors"]:
        shown.append("  nothing was mirrored from here yet")
    for mirror in seen["mirrors"]:
        shown += _mirror(mirror, running=seen["state"] == "running")
    shown += [_transfer(transfer) for transfer in seen["transfers"]]
    return shown


def _side(mirror: dict[str, Any], side: str) -> str:
    title = clean(mirror[f"{side}_title"], 30)
    topic = f"/{mirror[f'{side}_topic']}" if mirror[f"{side}_topic"] else ""
    return f"{title} ({mirror[side]}{topic})" if title else f"{mirror[side]}{topic}"


def _mirror(mirror: dict[str, Any], *, running: bool) -> list[str]:
    shown = [f"{clean(mirror['name'])}: {_side(mirror, 'source')} → {_side(mirror, 'target')}"]
    counts = f"  {mirror['done']:,} done, {mirror['skipped']:,} skipped, {mirror['parked']:,} parked"
    waiting = mirror["backlog"]
    if waiting:
        counts += f", {waiting:,} to go"
        if running and mirror["state"] == "running":
            counts += f" ({duration(mirror['eta_seconds'])})"
    else:
        counts += ", nothing waits"
    if mirror["lag_seconds"] >= 5:
        counts += f", {duration(mirror['lag_seconds'])} behind"
    shown.append(counts)
    if mirror.get("by_reference"):
        shown.append(
            f"  files: {mirror['streamed']:,} moved ({size(mirror['streamed_bytes'])}), "
            f"{mirror['by_reference']:,} by reference ({size(mirror['by_reference_bytes'])})"
        )
    if mirror["paused"]:
        shown.append(f"  paused: {mirror['paused']}")
    if mirror["hold_until"]:
        until = (
            "until a person acts"
            if mirror["hold_until"] >= status.FOREVER
            else f"until {clock_time(mirror['hold_until'])}"
        )
        shown.append(f"  waits {until}: {mirror['hold_reason']}")
    if mirror["note"]:
        shown.append(f"  {mirror['note']}")
    if mirror["last_error"] and mirror["last_error"] != mirror["paused"]:
        shown.append(f"  last error: {clean(mirror['last_error'], 200)}")
    return shown


def _transfer(transfer: dict[str, Any]) -> str:
    share = transfer["transferred"] / transfer["size"] if transfer["size"] else 0.0
    moved = f"{size(transfer['transferred'])} of {size(transfer['size'])}"
    what = f"{clean(transfer['name'], 30)} (message {transfer['source_id']})"
    return f"  {bar(share)} {share:4.0%} {moved}, {size(transfer['bytes_per_second'])}/s  {what}"
