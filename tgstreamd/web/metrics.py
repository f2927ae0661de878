"""Defines all metrics in one table: name, kind, unit, labels, help, and how each value is read.

Names and units follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/). Labels have few
values each: configured mirrors, methods that the program calls, fixed words; never a chat, a message or a
person. A value that does not exist at present (an unknown ETA) has no sample.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from ..domain.holds import Scope
from ..domain.messages import Value
from .health import illness
from .reading import Reading

#: Most different reasons; they come from the operator and the program and should be few, so the rest share
#: one label.
REASONS_MAX = 30
OTHERS = "other"
#: The kinds of changes.
CHANGES = ("edit", "delete", "pin", "topic", "order", "chat")

Samples = Iterable[tuple[tuple[str, ...], float]]


class Measure(Value, frozen=True, kw_only=True):
    name: str
    kind: Literal["counter", "gauge"]
    #: Grafana's names of units: s, bytes, short, bool, dateTimeAsIso, percentunit.
    unit: str
    help: str
    values: Callable[[Reading], Samples]
    labels: tuple[str, ...] = ()


def _one(value: Callable[[Reading], float]) -> Callable[[Reading], Samples]:
    return lambda reading: [((), value(reading))]


def _each(value: Callable[[dict[str, Any]], float | None]) -> Callable[[Reading], Samples]:
    """Return a reader of one value for each mirror that has it."""

    def values(reading: Reading) -> Iterator[tuple[tuple[str, ...], float]]:
        for mirror in reading.several("mirrors"):
            if (found := value(mirror)) is not None:
                yield (mirror["name"],), found

    return values


def _counts(
    name: str, kind: Literal["counter", "gauge"], help: str, key: str, unit: str = "short"
) -> Measure:
    """Return a metric of one number of the status, for each mirror."""
    return Measure(
        name=name, kind=kind, unit=unit, labels=("mirror",), help=help, values=_each(lambda m: m.get(key, 0))
    )


def _skipped(reading: Reading) -> Iterator[tuple[tuple[str, ...], float]]:
    for mirror in reading.several("mirrors"):
        by: dict[str, int] = mirror.get("skipped_by", {})
        most = sorted(by, key=lambda reason: -by[reason])[:REASONS_MAX]
        for reason in most:
            yield (mirror["name"], reason), by[reason]
        if rest := mirror["skipped"] - sum(by[reason] for reason in most):
            yield (mirror["name"], OTHERS), rest


def _given_up(reading: Reading) -> Iterator[tuple[tuple[str, ...], float]]:
    for mirror in reading.several("mirrors"):
        by = mirror.get("given_up", {})
        for kind in CHANGES:
            yield (mirror["name"], kind), by[kind]["count"] if kind in by else 0


def _waiting(reading: Reading) -> Iterator[tuple[tuple[str, ...], float]]:
    for mirror in reading.several("mirrors"):
        yield (mirror["name"], "live"), mirror["waiting_live"]
        yield (mirror["name"], "history"), mirror["waiting_history"]


def _files(moved: str, referenced: str) -> Callable[[Reading], Samples]:
    def values(reading: Reading) -> Iterator[tuple[tuple[str, ...], float]]:
        for mirror in reading.several("mirrors"):
            yield (mirror["name"], "moved"), mirror[moved]
            yield (mirror["name"], "reference"), mirror[referenced]

    return values


def _holds(reading: Reading) -> Iterator[tuple[tuple[str, ...], float]]:
    longest = {"account": 0.0, "chat": 0.0, "method": 0.0}
    for hold in reading.several("holds"):
        kind = Scope.parse(hold["scope"]).kind
        if kind in longest:
            longest[kind] = max(longest[kind], hold["until"] - reading.at)
    for kind, seconds in longest.items():
        yield (kind,), seconds


def _intervals(reading: Reading) -> Iterator[tuple[tuple[str, ...], float]]:
    for lane, key in (("live", "interval"), ("history", "backlog_interval")):
        if key in reading.status:
            yield (lane,), reading.status[key]


def _build(reading: Reading) -> Samples:
    if version := reading.status.get("version"):
        return [((version, platform.python_version()), 1.0)]
    return []


def _given(key: str) -> Callable[[Reading], Samples]:
    """Return a reader of a number of the status that only a connected daemon has."""

    def values(reading: Reading) -> Samples:
        value = reading.status.get(key)
        return [] if value is None else [((), value)]

    return values


MEASURES: tuple[Measure, ...] = (
    Measure(name="tgstreamd_build_info", kind="gauge", unit="short", labels=("version", "python"),
            help="1, with the versions of tgstreamd and Python as labels.", values=_build),
    Measure(name="tgstreamd_healthy", kind="gauge", unit="bool",
            help="1 while /healthz answers 200: every service keeps its time, the account is logged in.",
            values=_one(lambda r: 0.0 if illness(r) else 1.0)),
    Measure(name="tgstreamd_connected", kind="gauge", unit="bool",
            help="1 while there is a connection to Telegram.", values=_one(lambda r: float(r.connected))),
    _counts("tgstreamd_messages_done_total", "counter",
            "Messages of the source that were copied.", "done"),
    Measure(name="tgstreamd_messages_skipped_total", kind="counter", unit="short",
            labels=("mirror", "reason"), values=_skipped,
            help="Messages that were not copied, for a reason that is no error."),
    _counts("tgstreamd_messages_rescued_total", "counter",
            "Messages that were copied although the source had lost them by then.", "rescued"),
    _counts("tgstreamd_messages_parked", "gauge",
            "Messages that were not copied and wait for a person: `tgstreamd parked`.", "parked"),
    Measure(name="tgstreamd_messages_waiting", kind="gauge", unit="short", labels=("mirror", "lane"),
            help="Messages that are still to be copied: live ones, and those of the history.",
            values=_waiting),
    _counts("tgstreamd_changes_waiting", "gauge",
            "Edits, deletions, pins and the like that are still to be carried out.", "changes"),
    Measure(name="tgstreamd_changes_given_up_total", kind="counter", unit="short", labels=("mirror", "kind"),
            help="Edits, deletions, pins and the like that Telegram refused, and that were given up: edit, "
            "delete, pin, topic, order (of pinned topics) or chat.", values=_given_up),
    _counts("tgstreamd_lag_seconds", "gauge",
            "Age of the oldest live message that waits; 0 where none does.", "lag_seconds", "s"),
    Measure(name="tgstreamd_eta_seconds", kind="gauge", unit="s", labels=("mirror",),
            help="Time until nothing waits, at the pace in force; absent where that is never or unknown.",
            values=_each(lambda m: m["eta_seconds"])),
    Measure(name="tgstreamd_mirror_paused", kind="gauge", unit="bool", labels=("mirror",),
            help="1 while the mirror is paused, by a person or by what Telegram said about a chat.",
            values=_each(lambda m: float(bool(m["paused"])))),
    Measure(name="tgstreamd_mirror_falling_behind", kind="gauge", unit="bool", labels=("mirror",),
            help="1 while the source is faster than the pace allows.",
            values=_each(lambda m: float(bool(m["note"])))),
    Measure(name="tgstreamd_mirror_last_sent_timestamp_seconds", kind="gauge", unit="dateTimeAsIso",
            labels=("mirror",), help="When something was last sent to the mirror's target.",
            values=_each(lambda m: m.get("last_sent_at"))),
    Measure(name="tgstreamd_files_total", kind="counter", unit="short", labels=("mirror", "way"),
            help="Files of copied messages: moved part by part, or copied by Telegram by reference.",
            values=_files("streamed", "by_reference")),
    Measure(name="tgstreamd_files_bytes_total", kind="counter", unit="bytes", labels=("mirror", "way"),
            help="The bytes of those files.", values=_files("streamed_bytes", "by_reference_bytes")),
    Measure(name="tgstreamd_transfer_bytes_total", kind="counter", unit="bytes", labels=("direction",),
            help="Bytes of files that went over the line since the start: down from the source, up to the "
            "target.", values=lambda r: [((way,), n) for way, n in r.file_bytes.items()]),
    Measure(name="tgstreamd_transfers", kind="gauge", unit="short", help="Files on their way now.",
            values=_one(lambda r: len(r.several("transfers")))),
    Measure(name="tgstreamd_transfer_window_parts", kind="gauge", unit="short",
            help="Parts of 512 KiB that may be under way at once now; fewer than the buffer after floods.",
            values=_given("window")),
    Measure(name="tgstreamd_transfer_buffer_parts", kind="gauge", unit="short",
            help="Parts that the buffer holds at most: stream.buffer_parts.", values=_given("buffer_parts")),
    Measure(name="tgstreamd_requests_total", kind="counter", unit="short", labels=("method", "outcome"),
            help="Calls to Telegram since the start: ok, flood, limited, unauthorised, no_access, expired, "
            "parts_missing, duplicate, unreadable, unanswered, rejected or other.",
            values=lambda r: r.requests.items()),
    Measure(name="tgstreamd_flood_wait_seconds_total", kind="counter", unit="s", labels=("method",),
            help="Waits that Telegram ordered since the start, in seconds.",
            values=lambda r: [((method,), n) for method, n in r.flood_seconds.items()]),
    Measure(name="tgstreamd_hold_seconds", kind="gauge", unit="s", labels=("scope",),
            help="How long the longest wait in force still lasts: of the account, of a chat, of a method; "
            "thousands of years for a frozen account.", values=_holds),
    Measure(name="tgstreamd_pace_interval_seconds", kind="gauge", unit="s", labels=("lane",),
            help="Time between two messages to one target now; the history's is widened after floods.",
            values=_intervals),
    Measure(name="tgstreamd_telegram_last_answer_timestamp_seconds", kind="gauge", unit="dateTimeAsIso",
            help="When Telegram last answered without an error; absent before the first time.",
            values=lambda r: [((), r.answered_at)] if r.answered_at else []),
    Measure(name="tgstreamd_ledger_bytes", kind="gauge", unit="bytes",
            help="Size of the ledger, its write-ahead log included.", values=_one(lambda r: r.ledger_bytes)),
    Measure(name="tgstreamd_state_free_bytes", kind="gauge", unit="bytes",
            help="Free space of the file system that holds the ledger.", values=_one(lambda r: r.free_bytes)),
    # Names common to all exporters. The library's own collector needs /proc/stat, which the unit hides.
    Measure(name="process_cpu_seconds_total", kind="counter", unit="s",
            help="Total user and system CPU time spent in seconds.",
            values=_one(lambda r: r.process.cpu_seconds)),
    Measure(name="process_resident_memory_bytes", kind="gauge", unit="bytes",
            help="Resident memory size in bytes.", values=_one(lambda r: r.process.memory_rss)),
    Measure(name="process_open_fds", kind="gauge", unit="short", help="Number of open file descriptors.",
            values=_one(lambda r: r.process.open_fds)),
    Measure(name="process_max_fds", kind="gauge", unit="short",
            help="Maximum number of open file descriptors.", values=_one(lambda r: r.process.max_fds)),
    Measure(name="process_start_time_seconds", kind="gauge", unit="dateTimeAsIso",
            help="Start time of the process since unix epoch in seconds.",
            values=_one(lambda r: r.started_at)),
)  # fmt: skip
