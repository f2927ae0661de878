"""What a person sees: sizes, bars, other people's text, and the status as lines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.cli import chats, check, status
from tgstreamd.cli.terminal import bar, clean, size
from tgstreamd.desk.status import FOREVER


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345, "12 kB"), (999_600, "1.0 MB"),
     (300_000_000, "300 MB"), (2_000_000_000, "2.0 GB"), (4.2e12, "4200.0 GB")],
)  # fmt: skip
def test_sizes_are_decimal(count: float, text: str) -> None:
    assert size(count) == text


@given(st.floats(-1, 2), st.integers(0, 60))
def test_a_bar_has_its_width(share: float, width: int) -> None:
    assert len(bar(share, width)) == width


@given(st.text(max_size=200), st.integers(1, 80))
def test_other_peoples_text_stays_on_its_line(text: str, width: int) -> None:
    shown = clean(text, width)
    assert shown.isprintable()
    assert len(shown) <= width


def mirror(**changes: Any) -> dict[str, Any]:
    return {
        "name": "main", "source": -1001, "source_topic": None, "source_title": "News\x1b[31m",
        "target": -1002, "target_topic": 5, "target_title": "", "state": "running", "paused": "",
        "done": 1234, "skipped": 2, "parked": 1, "backlog": 70412, "waiting_live": 0,
        "waiting_history": 70412, "lag_seconds": 0, "eta_seconds": 246442, "per_minute": 17.0,
        "hold_until": None, "hold_reason": "", "last_error": "", "note": "", **changes,
    }  # fmt: skip


def seen(*mirrors: dict[str, Any], **changes: Any) -> dict[str, Any]:
    account = {"id": 1, "name": "Alice", "premium": True}
    return {
        "version": "0.1.0", "state": "running", "note": "", "account": account, "transfers": [],
        "memory_rss": 84_000_000, "mirrors": list(mirrors), **changes,
    }  # fmt: skip


def test_a_running_mirror() -> None:
    assert status.lines(seen(mirror())) == [
        "tgstreamd 0.1.0 running as Alice, premium, memory 84 MB",
        "main: News [31m (-1001) → -1002/5",
        "  1,234 done, 2 skipped, 1 parked, 70,412 to go (68 h)",
    ]


def test_trouble_is_told() -> None:
    shown = status.lines(
        seen(
            mirror(paused="target: gone", state="paused", last_error="target: gone"),
            mirror(hold_until=FOREVER, hold_reason="frozen", backlog=0, last_error="x\ny", lag_seconds=90),
            mirror(eta_seconds=None, note="falling behind: 24/min in, 17/min out"),
        )
    )
    assert "  paused: target: gone" in shown
    assert "  waits until a person acts: frozen" in shown
    assert "  last error: x y" in shown
    assert "  1,234 done, 2 skipped, 1 parked, nothing waits, 2 min behind" in shown
    assert "  1,234 done, 2 skipped, 1 parked, 70,412 to go (never at this rate)" in shown
    assert "  falling behind: 24/min in, 17/min out" in shown


def test_transfers_have_a_bar() -> None:
    transfer = {
        "mirror": "main", "source_id": 812, "name": "film.mp4", "size": 300_000_000,
        "transferred": 150_000_000, "bytes_per_second": 12_300_000.0,
    }  # fmt: skip
    empty = {**transfer, "size": 0, "transferred": 0}
    lines = status.lines(seen(transfers=[transfer, empty]))
    assert lines[2] == "  ██████████░░░░░░░░░░  50% 150 MB of 300 MB, 12 MB/s  film.mp4 (message 812)"
    assert "0%" in lines[3]


def test_a_stopped_daemon_without_a_ledger() -> None:
    shown = status.lines(seen(state="stopped", account=None, memory_rss=None))
    assert shown == ["tgstreamd 0.1.0 stopped", "  nothing was mirrored from here yet"]


def test_chats_and_checks() -> None:
    chat = {
        "id": -1001, "title": "A", "kind": "supergroup", "username": "a", "protected": True,
        "can_post": False, "topics": [{"id": 1, "title": "General", "closed": True}],
    }  # fmt: skip
    assert [line.strip() for line in chats.lines({"chats": [chat]})] == [
        "-1001  A  (supergroup, @a, protected: cannot be a source, read only)",
        "topic       1  General (closed)",
    ]
    assert chats.lines({"chats": []}) == ["this account is in no group or channel"]
    line = {"level": "fail", "mirror": "main", "subject": "target", "text": "gone"}
    assert check.lines({"lines": [line, {**line, "level": "ok", "mirror": ""}]}) == [
        "FAIL  main: target: gone",
        "ok    target: gone",
    ]
