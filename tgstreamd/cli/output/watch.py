"""Draws the status in colour, for `--watch` on a terminal and for the picture in the documentation.

`screen` is pure: it takes what `status --json` shows and a width, and returns what rich can draw. `watch`
redraws it until interrupted. Imports rich, and is imported only for `--watch`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...domain.clock import Clock
from . import status
from .console import PlainConsole, cell
from .format import clean, duration, fit, size

#: Styles that are legible on dark and light screens.
STYLES = {"running": "green", "paused": "bold red", "starting": "yellow", "stopped": "bold red",
          "bad": "red", "waits": "yellow", "note": "yellow"}  # fmt: skip
#: Lines of a mirror without problems; if the mirrors do not fit at this size, each gets one line.
USUAL = 5


def screen(seen: dict[str, Any], width: int, height: int | None = None) -> RenderableType:
    """Return the status in `width` columns. `height`: the lines in which it should fit."""
    shown: list[RenderableType] = [_head(seen, width)]
    shown += [cell(f"  {line}", "yellow") for line in status.remarks(seen)]
    mirrors = seen["mirrors"]
    if not mirrors:
        shown.append(cell("  nothing was mirrored from here yet", "dim"))
    brief = height is not None and len(mirrors) * USUAL + len(seen["transfers"]) + 4 > height
    running = seen["state"] == "running"
    for mirror in mirrors:
        shown += (
            _brief(mirror, seen["at"], width)
            if brief
            else _mirror(mirror, seen["at"], width, running=running)
        )
    if seen["transfers"]:
        shown += [cell(), cell("files on their way", "bold"), _transfers(seen["transfers"], width)]
    return Group(*shown)


async def watch(
    first: dict[str, Any], look: Callable[[], Awaitable[dict[str, Any]]], clock: Clock, period: float
) -> None:
    """Draw the status every `period` seconds until cancelled."""
    console = PlainConsole()
    seen = first
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(screen(seen, console.width, console.height), refresh=True)
            await clock.sleep_until(clock.monotonic() + period)
            seen = await look()


def _head(seen: dict[str, Any], width: int) -> Text:
    said = status.head(seen)
    text = cell(fit(said, width), "bold", no_wrap=True)
    text.highlight_words([seen["state"]], STYLES.get(seen["state"], ""))
    return text


def _title(mirror: dict[str, Any], width: int) -> Text:
    """Return `main  News → Copy of News` on the left, `running` on the right."""
    state = mirror["state"]
    where = f"{_place(mirror, 'source')} → {_place(mirror, 'target')}"
    name = clean(mirror["name"], width // 3)
    where = fit(where, max(10, width - cell_len(name) - len(state) - 4))
    left = cell(name, "bold", no_wrap=True)
    left.append(cell("  ")).append(cell(where, "cyan"))
    left.append(" " * max(2, width - left.cell_len - len(state)))
    left.append(state, STYLES[state])
    return left


def _place(mirror: dict[str, Any], side: str) -> str:
    """Return a chat's title alone if known; `status` shows ids."""
    return clean(mirror[f"{side}_title"], 40) or status.side(mirror, side)


def _mirror(mirror: dict[str, Any], now: float, width: int, *, running: bool) -> list[RenderableType]:
    said = status.progress(mirror)
    gauge = Table.grid(padding=(0, 1))
    wide = max(10, width - len(said) - 4)
    gauge.add_row(" ", _bar(status.share(mirror), wide), said)
    shown: list[RenderableType] = [cell(), _title(mirror, width), gauge]
    going = running and mirror["state"] == "running"
    for line in (status.pace(mirror, running=going), status.counts(mirror), status.files(mirror)):
        shown += [cell(f"  {part}") for part in status.wrapped(line, width - 2) if line]
    for kind, line in status.troubles(mirror, now):
        shown += [cell(f"  {part}", STYLES[kind]) for part in status.wrapped(line, width - 2)]
    return shown


def _brief(mirror: dict[str, Any], now: float, width: int) -> list[RenderableType]:
    """Return one line: name, bar, what is left, and the worst problem."""
    left = f"{mirror['backlog']:,} to go" if mirror["backlog"] else "nothing waits"
    table = Table.grid(padding=(0, 1))
    name = fit(clean(mirror["name"]), 16)
    troubles = status.troubles(mirror, now)
    kind, worst = troubles[0] if troubles else ("running", "running")
    row = cell(fit(worst, max(10, width - 16 - 14 - 18 - 4)), STYLES[kind], no_wrap=True)
    for columns in (16, 14, 18):
        table.add_column(width=columns, no_wrap=True)
    table.add_row(cell(name, "bold"), _bar(status.share(mirror), 14), cell(left, justify="right"), row)
    return [table]


def _transfers(transfers: list[dict[str, Any]], width: int) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    columns = (max(8, width // 8), 4, 17, 9, 6)
    for wide in columns:
        table.add_column(width=wide, no_wrap=True, justify="right")
    room = max(10, width - sum(columns) - len(columns))
    for one in transfers:
        part = one["transferred"] / one["size"] if one["size"] else 0.0
        speed = one["bytes_per_second"]
        left = duration((one["size"] - one["transferred"]) / speed) if speed else ""
        table.add_row(
            _bar(part, columns[0]),
            f"{part:.0%}",
            f"{size(one['transferred'])} of {size(one['size'])}",
            f"{size(speed)}/s",
            left,
            cell(status.file(one, room), "cyan"),
        )
    return table


def _bar(share: float, width: int) -> ProgressBar:
    return ProgressBar(
        total=1.0, completed=min(1.0, share), width=width, complete_style="green", finished_style="green"
    )
