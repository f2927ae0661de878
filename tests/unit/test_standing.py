"""The status for people: as lines for a pipe and for a terminal, and in colour for `--watch`."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tgstreamd.cli.output import status, watch
from tgstreamd.control.status import Unborn, _not_created
from tgstreamd.domain.holds import FOREVER

NOW = 1_700_000_000


def mirror(**changes: Any) -> dict[str, Any]:
    """A mirror as the desk describes it, here one that is half through."""
    usual = {
        "source": -1001, "source_title": "News\x1b[31m", "target": -1002, "target_topic": 5, "paused": "",
        "state": "running", "position": 1240, "settled": 1237, "total": 71649, "done": 1234, "skipped": 2,
        "skipped_by": {"service message": 2}, "parked": 1, "backlog": 70412, "waiting_history": 70412,
        "eta_seconds": 246442, "per_minute": 17.0, "last_error": "",
    }  # fmt: skip
    return _not_created(Unborn(name="main", source=-1001, target=-1002, why=""), {}) | usual | changes


def seen(*mirrors: dict[str, Any], **changes: Any) -> dict[str, Any]:
    account = {"id": 1, "name": "Alice", "premium": True}
    return {
        "version": "0.1.0", "at": NOW, "state": "running", "note": "", "account": account, "transfers": [],
        "memory_rss": 84_000_000, "mirrors": list(mirrors), "holds": [], "window": 20, "buffer_parts": 20,
        "interval": 3.5, "backlog_interval": 3.5, **changes,
    }  # fmt: skip


TRANSFER = {
    "mirror": "main", "source_id": 812, "name": "film.mp4", "size": 300_000_000,
    "transferred": 150_000_000, "bytes_per_second": 12_300_000.0,
}  # fmt: skip


def test_a_running_mirror() -> None:
    assert status.lines(seen(mirror())) == [
        "tgstreamd 0.1.0 running as Alice, premium, memory 84 MB",
        "main: News [31m (-1001) → -1002/5",
        "  1%, 1,237 of 71,649 messages",
        "  70,412 to go: 68 h, 17 a minute",
        "  1,234 done, 2 skipped (2 service message), 1 parked",
        "  look at what is parked: `tgstreamd parked`",
    ]


def test_what_was_given_up_is_told() -> None:
    """How many of each kind, and the last of them."""
    given_up = {
        "edit": {"count": 1200, "source_id": 7, "reason": "not allowed", "at": NOW - 60},
        "pin": {"count": 1, "source_id": 9, "reason": "no\x1b right", "at": NOW},
    }
    shown = status.lines(seen(mirror(given_up=given_up)))
    assert "  given up: 1,200 edits, 1 pins; the last, pin of 9: no right" in shown


def test_trouble_is_told() -> None:
    reasons = {f"why {n}": n for n in range(1, 7)}
    shown = status.lines(
        seen(
            mirror(paused="target: gone", state="paused", last_error="target: gone", held_deletions="51"),
            mirror(hold_until=FOREVER, hold_reason="frozen", backlog=0, last_error="x\ny", lag_seconds=90),
            mirror(eta_seconds=None, note="falling behind: 24/min in, 17/min out", rescued=3),
            mirror(hold_until=NOW + 120, hold_reason="slow mode", skipped_by=reasons),
            holds=[{"scope": "method:upload.saveFilePart", "until": NOW + 30, "reason": "FLOOD_WAIT_30"}],
            window=3, backlog_interval=7.0,
        )
    )  # fmt: skip
    assert "  paused: target: gone" in shown
    assert "  deletions wait: 51; `tgstreamd resume main` lets them go" in shown
    assert "  waits until a person acts: frozen" in shown
    assert "  last error: x y" in shown
    assert "  nothing waits, 17 a minute, 2 min behind" in shown
    assert "  70,412 to go: never at this rate, 17 a minute" in shown
    assert "  falling behind: 24/min in, 17/min out" in shown
    assert "  1,234 done (3 rescued), 2 skipped (2 service message), 1 parked" in shown
    assert "  1,234 done, 2 skipped (6 why 6, 5 why 5, 4 why 4, 3 why 3, 3 others), 1 parked" in shown
    assert any(line.endswith("(2 min): slow mode") for line in shown)
    assert "  slowed down by Telegram: 3 of 20 parts at once" in shown
    assert "  after floods the history goes at 7 s a message for a while" in shown
    assert any(line.startswith("  upload.saveFilePart waits until ") for line in shown)


def test_all_is_only_said_where_nothing_is_left() -> None:
    assert status.progress(mirror(settled=9999, total=10000, backlog=1)).startswith("99%")
    assert status.progress(mirror(settled=9, total=9, backlog=0)).startswith("100%")
    assert status.progress(mirror(settled=0, total=0, backlog=0)) == "no messages yet"


def test_a_pipe_gets_no_drawing_a_terminal_bars() -> None:
    empty = {**TRANSFER, "size": 0, "transferred": 0}
    given = seen(mirror(), transfers=[TRANSFER, empty])
    piped = status.lines(given)
    assert piped[-2] == "   50% 150 MB of 300 MB, 12 MB/s  film.mp4 (message 812)"
    assert not set("█░") & set("".join(piped))
    drawn = status.lines(given, 80)
    assert "  ██████████░░░░░░░░░░  50% 150 MB of 300 MB, 12 MB/s  film.mp4 (message 812)" in drawn


def test_a_stopped_daemon_without_a_ledger() -> None:
    shown = status.lines(seen(state="stopped", account=None, memory_rss=None, window=None))
    assert shown == ["tgstreamd 0.1.0 stopped", "  nothing was mirrored from here yet"]


@pytest.mark.parametrize("name", ["b" * 90, "日本語のニュースチャンネル" * 3])
@pytest.mark.parametrize("width", [60, 70, 80, 120])
def test_a_long_name_is_cut_and_not_the_number_of_the_message(width: int, name: str) -> None:
    many = [{**TRANSFER, "name": name, "source_id": id} for id in (7, 1_234_567)]
    shown = drawn(seen(mirror(), transfers=many), width)
    assert max(map(cell_len, shown.splitlines())) <= width
    last = [line.rstrip() for line in shown.splitlines() if line.strip()][-2:]
    for line, id in zip(last, ("7", "1234567"), strict=True):
        assert line.endswith((f"… (message {id})", f"… #{id}"))
    assert width < 80 or "(message 1234567)" in shown


@pytest.mark.parametrize("width", [80, 120])
def test_everything_has_room(width: int) -> None:
    """Long titles, wide characters, many words: no line is wider than the terminal, in either form."""
    given = seen(
        mirror(),
        mirror(source_title="日本語のニュースチャンネル" * 3, paused="words " * 60, state="paused"),
        mirror(name="x" * 60, last_error="MEDIA_INVALID " * 20, hold_until=NOW + 9, hold_reason="FLOOD"),
        transfers=[TRANSFER, {**TRANSFER, "name": "a" * 90, "size": 2_000_000_000, "bytes_per_second": 9.0}],
    )
    assert max(map(len, status.lines(given, width))) <= width
    for height in (None, 12):
        shown = drawn(given, width, height)
        assert max(map(cell_len, shown.splitlines())) <= width
        assert "film.mp4 (message 812)" in shown
        assert "150 MB of 300 MB" in shown
    assert len(drawn(given, width, 12).splitlines()) <= 12


def drawn(given: dict[str, Any], width: int, height: int | None = None, **options: Any) -> str:
    out = io.StringIO()
    Console(width=width, file=out, _environ={}, **options).print(watch.screen(given, width, height))
    return out.getvalue()


def test_colour_is_for_those_who_want_it() -> None:
    coloured = drawn(seen(mirror()), 80, force_terminal=True, color_system="truecolor")
    assert "\x1b[32m" in coloured  # running: green
    assert "\x1b[3" not in drawn(seen(mirror()), 80, force_terminal=True, no_color=True)
    assert "\x1b" not in drawn(seen(mirror()), 80)
