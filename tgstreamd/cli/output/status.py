"""Formats the status as lines of text: unwrapped for a pipe, with bars and wrapped for a terminal.

Pure. `lines` takes what `status --json` shows; `watch.screen` draws the same in colour, using the texts from
here.
"""

from __future__ import annotations

import textwrap
from typing import Any

from ...domain.holds import Scope, is_permanent
from .format import bar, clean, clock_time, duration, size

#: Plural of each kind of change.
KINDS = {
    "edit": "edits", "delete": "deletions", "pin": "pins", "topic": "changes of topics",
    "order": "orders of topics", "chat": "changes of the chat",
}  # fmt: skip
#: Skip reasons that are named; the rest are counted together.
REASONS = 4


def lines(seen: dict[str, Any], width: int | None = None) -> list[str]:
    """Format the status. `width`: columns of the terminal, with bars and wrapped; None for a pipe."""
    shown = [head(seen), *(f"  {remark}" for remark in remarks(seen))]
    if not seen["mirrors"]:
        shown.append("  nothing was mirrored from here yet")
    for mirror in seen["mirrors"]:
        running = seen["state"] == "running" and mirror["state"] == "running"
        gauge = f"{bar(share(mirror))} " if width else ""
        shown.append(f"{clean(mirror['name'])}: {side(mirror, 'source')} → {side(mirror, 'target')}")
        shown.append(f"  {gauge}{progress(mirror)}")
        shown += [
            f"  {line}" for line in (pace(mirror, running=running), counts(mirror), files(mirror)) if line
        ]
        shown += [f"  {line}" for _, line in troubles(mirror, seen["at"])]
    shown += [f"  {transfer(each, gauge=bool(width))}" for each in seen["transfers"]]
    return [part for line in shown for part in wrapped(line, width)]


def wrapped(line: str, width: int | None) -> list[str]:
    """Wrap a line, indenting the further ones."""
    if width is None or len(line) <= width:
        return [line]
    return textwrap.wrap(line, width, subsequent_indent="    ", break_on_hyphens=False) or [line]


def head(seen: dict[str, Any]) -> str:
    account = seen["account"]
    text = f"tgstreamd {seen['version']} {seen['state']}"
    if account:
        text += f" as {clean(account['name'], 40)}{', premium' if account['premium'] else ''}"
    if seen["memory_rss"]:
        text += f", memory {size(seen['memory_rss'])}"
    return text


def remarks(seen: dict[str, Any]) -> list[str]:
    """Return the remarks that concern all mirrors."""
    found = [seen["note"]] if seen["note"] else []
    if seen["window"] and seen["window"] < seen["buffer_parts"]:
        found.append(f"slowed down by Telegram: {seen['window']} of {seen['buffer_parts']} parts at once")
    if seen["backlog_interval"] > seen["interval"]:
        found.append(f"after floods the history goes at {seen['backlog_interval']:g} s a message for a while")
    if not seen["note"]:
        # For a daemon stopped meanwhile; a running one adds its own note.
        found += [
            f"the login was unknown: {hold['reason']}"
            for hold in seen["holds"]
            if Scope.parse(hold["scope"]).is_login
        ]
    # Holds on sends are shown with each mirror.
    scopes = [(Scope.parse(hold["scope"]), hold) for hold in seen["holds"]]
    found += [
        f"{scope.name} waits {until(hold['until'], seen['at'])}: {hold['reason']}"
        for scope, hold in scopes
        if scope.is_method and not scope.is_sending
    ]
    return found


def side(mirror: dict[str, Any], which: str) -> str:
    """Format one chat of a mirror: title and id, or the id alone."""
    title = clean(mirror[f"{which}_title"], 30)
    topic = f"/{mirror[f'{which}_topic']}" if mirror[f"{which}_topic"] else ""
    return f"{title} ({mirror[which]}{topic})" if title else f"{mirror[which]}{topic}"


def share(mirror: dict[str, Any]) -> float:
    return mirror["settled"] / mirror["total"] if mirror["total"] else 0.0


def progress(mirror: dict[str, Any]) -> str:
    if not mirror["total"]:
        return "no messages yet"
    # 100 % only if nothing is left.
    percent = min(int(share(mirror) * 100), 100 if not mirror["backlog"] else 99)
    return f"{percent}%, {mirror['settled']:,} of {mirror['total']:,} messages"


def pace(mirror: dict[str, Any], *, running: bool) -> str:
    """Format what is left and how long it takes."""
    said = []
    if mirror["backlog"]:
        left = f"{mirror['backlog']:,} to go"
        said.append(f"{left}: {duration(mirror['eta_seconds'])}" if running else left)
    else:
        said.append("nothing waits")
    if mirror["per_minute"]:
        said.append(f"{mirror['per_minute']:g} a minute")
    if mirror["lag_seconds"] >= 5:
        said.append(f"{duration(mirror['lag_seconds'])} behind")
    if mirror["changes"]:
        said.append(f"{mirror['changes']:,} changes wait")
    return ", ".join(said)


def counts(mirror: dict[str, Any]) -> str:
    rescued = f" ({mirror['rescued']:,} rescued)" if mirror["rescued"] else ""
    by = sorted(mirror["skipped_by"].items(), key=lambda item: -item[1])
    named = [f"{n:,} {clean(why, 30)}" for why, n in by[:REASONS]]
    if rest := sum(n for _, n in by[REASONS:]):
        named.append(f"{rest:,} others")
    skipped = f" ({', '.join(named)})" if named else ""
    done = f"{mirror['done']:,} done{rescued}"
    return f"{done}, {mirror['skipped']:,} skipped{skipped}, {mirror['parked']:,} parked"


def files(mirror: dict[str, Any]) -> str:
    said = []
    if mirror["streamed"]:
        said.append(f"{mirror['streamed']:,} moved ({size(mirror['streamed_bytes'])})")
    if mirror["by_reference"]:
        said.append(f"{mirror['by_reference']:,} by reference ({size(mirror['by_reference_bytes'])})")
    return f"files: {', '.join(said)}" if said else ""


def troubles(mirror: dict[str, Any], now: float) -> list[tuple[str, str]]:
    """Return the mirror's problems, worst first, each with its severity: `bad`, `waits`, `note`."""
    found = []
    name = clean(mirror["name"])
    if mirror["paused"]:
        found.append(("bad", f"paused: {clean(mirror['paused'], 300)}"))
    if mirror["hold_until"]:
        found.append(
            ("waits", f"waits {until(mirror['hold_until'], now)}: {clean(mirror['hold_reason'], 200)}")
        )
    if mirror["held_deletions"]:
        held = f"deletions wait: {mirror['held_deletions']}; `tgstreamd resume {name}` lets them go"
        found.append(("waits", held))
    if mirror["parked"]:
        found.append(("bad", "look at what is parked: `tgstreamd parked`"))
    # An error that was resolved is not shown.
    stands = bool(mirror["parked"] or mirror["paused"])
    if stands and mirror["last_error"] and mirror["last_error"] != mirror["paused"]:
        found.append(("bad", f"last error: {clean(mirror['last_error'], 200)}"))
    if given_up := mirror.get("given_up"):
        found.append(("note", refused(given_up)))
    if mirror["note"]:
        found.append(("note", mirror["note"]))
    return found


def refused(given_up: dict[str, Any]) -> str:
    """Format the number of changes that Telegram refused, and the last of them."""
    of_each = ", ".join(f"{last['count']:,} {KINDS.get(kind, kind)}" for kind, last in given_up.items())
    kind, last = max(given_up.items(), key=lambda item: float(item[1]["at"]))
    about = f" of {last['source_id']}" if last["source_id"] else ""
    return f"given up: {of_each}; the last, {kind}{about}: {clean(last['reason'], 200)}"


def until(when: float, now: float) -> str:
    if is_permanent(when):
        return "until a person acts"
    return f"until {clock_time(when)} ({duration(max(0.0, when - now))})"


def file(one: dict[str, Any], room: int) -> str:
    """Format a file in transfer in at most `room` columns: its name is cut, its message's number never."""
    number = f" (message {one['source_id']})"
    if len(number) + 8 > room:
        number = f" #{one['source_id']}"
    return clean(one["name"], max(1, min(30, room - len(number)))) + number


def transfer(one: dict[str, Any], *, gauge: bool) -> str:
    part = one["transferred"] / one["size"] if one["size"] else 0.0
    drawn = f"{bar(part)} " if gauge else ""
    moved = f"{size(one['transferred'])} of {size(one['size'])}, {size(one['bytes_per_second'])}/s"
    return f"{drawn}{part:4.0%} {moved}  {file(one, 60)}"
