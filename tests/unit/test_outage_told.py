"""What the journal says of a line that breaks: enough to see it, and never a line for each try."""

from __future__ import annotations

from tests.fakes import FakeClock
from tests.logged import Logs
from tgstreamd.domain.errors import Transient
from tgstreamd.telegram.connection_log import QUIET, EndedConnections, Outage

CUT, REFUSED = Transient("the connection was cut"), Transient("connection: the connection was refused")
LOST, STILL, BACK = (
    "connection to Telegram lost",
    "no connection to Telegram",
    "connection to Telegram works again",
)


def test_an_outage_of_hours_is_some_lines(logs: Logs) -> None:
    clock = FakeClock()
    outage = Outage(clock.monotonic)
    outage.lost(CUT)
    for _ in range(120):
        clock.advance(30)
        outage.failed(REFUSED)
    outage.works()
    assert [entry["event"] for entry in logs] == [LOST, *[STILL] * 6, BACK]
    assert [entry["tries"] for entry in logs[1:]] == [1, 5, 30, 60, 90, 120, 120]
    assert logs[-1]["seconds"] == 3600
    assert [entry["log_level"] for entry in logs] == [*["warning"] * 7, "info"]


def test_a_line_that_flaps_is_told_once_in_ten_minutes(logs: Logs) -> None:
    clock = FakeClock()
    outage = Outage(clock.monotonic)
    for _ in range(60):
        outage.lost(CUT)
        outage.failed(CUT)
        clock.advance(1)
        outage.works()
        clock.advance(29)
    assert [entry["event"] for entry in logs] == [LOST, STILL, BACK] * 3
    assert [entry["times"] for entry in logs.of(LOST)] == [1, 20, 20]


def test_an_outage_after_a_short_one_is_told(logs: Logs) -> None:
    clock = FakeClock()
    outage = Outage(clock.monotonic)
    outage.lost(CUT)
    outage.works()
    logs.clear()
    outage.lost(CUT)
    outage.failed(REFUSED)
    outage.failed(REFUSED)
    outage.works()
    assert [entry["event"] for entry in logs] == [STILL, BACK]


def test_no_network_at_a_start(logs: Logs) -> None:
    outage = Outage(FakeClock().monotonic)
    outage.failed(REFUSED)
    outage.works()
    outage.works()
    assert [entry["event"] for entry in logs] == [STILL, BACK]


def test_file_connections_that_ended_are_one_line_in_ten_minutes(logs: Logs) -> None:
    clock = FakeClock()
    ended = EndedConnections(clock.monotonic)
    for _ in range(40):
        ended.tell(4, Transient("upload.getFile: nothing moves"))
    clock.advance(QUIET)
    ended.tell(2, CUT)
    assert [(entry["event"], entry["dc"], entry["calls"]) for entry in logs] == [
        ("file connection ended", 4, 1),
        ("file connection ended", 2, 40),
    ]
