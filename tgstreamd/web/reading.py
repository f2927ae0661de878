"""Collects everything that is shown at one moment: the status and the process's own figures.

Readings are shared: the ledger is read once a second at most, however many clients ask. Bounded in time: a
ledger that does not answer yields a reading, too. Changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..domain.clock import Clock
from ..domain.errors import LoginUnknown, NotAuthorised, StoreError, TgstreamdError
from ..domain.messages import Value
from ..system.resources import free, resident

#: Seconds for which a reading is reused, and within which the ledger must answer.
FRESH = 1.0
PATIENCE = 10.0


class Counts(Protocol):
    """The counts of requests to Telegram and their outcomes."""

    @property
    def requests(self) -> Mapping[tuple[str, str], int]: ...
    @property
    def flood_seconds(self) -> Mapping[str, int]: ...
    @property
    def file_bytes(self) -> Mapping[str, int]: ...
    @property
    def answered_at(self) -> float: ...


class Line(Protocol):
    """The visible part of the connection to Telegram."""

    @property
    def connected(self) -> bool: ...
    @property
    def trouble(self) -> TgstreamdError | None: ...
    @property
    def tally(self) -> Counts: ...


class Process(Value, frozen=True, kw_only=True):
    """The process's own figures, as far as /proc shows them under the unit's hardening."""

    cpu_seconds: float
    memory_rss: int
    open_fds: int
    max_fds: int


class Reading(Value, frozen=True, kw_only=True):
    """The figures at `at` (unix time). `trouble` says why the ledger could not be read."""

    at: float
    started_at: float
    #: `status --json`; empty if the ledger did not answer.
    status: dict[str, Any]
    process: Process
    trouble: str = ""
    #: Services that missed their watchdog deadline.
    overdue: tuple[str, ...] = ()
    connected: bool = False
    #: Why Telegram no longer knows this account; empty while it does.
    unauthorised: str = ""
    requests: Mapping[tuple[str, str], int] = {}
    flood_seconds: Mapping[str, int] = {}
    file_bytes: Mapping[str, int] = {}
    answered_at: float = 0.0
    ledger_bytes: int = 0
    free_bytes: int = 0

    def several(self, what: str) -> list[dict[str, Any]]:
        """Return the status' mirrors, transfers or holds."""
        found: list[dict[str, Any]] = self.status.get(what, [])
        return found


class Meter:
    """Makes readings: `read()` at any time; `hand_over` once there are a connection and services."""

    def __init__(
        self,
        ledger: Path,
        status: Callable[[], Awaitable[dict[str, Any]]],
        clock: Clock,
        *,
        remedy: Callable[[str], str] = lambda hint: hint,
    ) -> None:
        """`remedy` adapts a hint to log in to this configuration."""
        self._ledger = ledger
        self._status = status
        self._clock = clock
        self._remedy = remedy
        self._started_at = clock.now()
        self._line: Line | None = None
        self._overdue: Callable[[float], Sequence[str]] = lambda now: ()
        self._reading: Reading | None = None
        self._read_at = 0.0
        self._one = asyncio.Lock()

    def hand_over(self, line: Line, overdue: Callable[[float], Sequence[str]]) -> None:
        """Set the connection; `overdue` returns the services whose deadline is before a monotonic time."""
        self._line = line
        self._overdue = overdue

    async def read(self) -> Reading:
        """Return a reading at most a second old."""
        async with self._one:
            now = self._clock.monotonic()
            if self._reading is None or now - self._read_at >= FRESH:
                self._reading, self._read_at = await self._new(), now
            return self._reading

    async def _new(self) -> Reading:
        status: dict[str, Any] = {}
        trouble = ""
        try:
            async with asyncio.timeout(PATIENCE):
                status = await self._status()
        except TimeoutError:
            trouble = f"the ledger does not answer within {PATIENCE:.0f} s"
        except StoreError as error:
            trouble = error.line()
        seen = self._line
        lost = seen.trouble if seen else None
        return Reading(
            at=self._clock.now(),
            started_at=self._started_at,
            status=status,
            process=_process(),
            trouble=trouble,
            overdue=tuple(self._overdue(self._clock.monotonic())),
            connected=seen.connected if seen else False,
            unauthorised=self._over(lost) if isinstance(lost, NotAuthorised | LoginUnknown) else "",
            requests=dict(seen.tally.requests) if seen else {},
            flood_seconds=dict(seen.tally.flood_seconds) if seen else {},
            file_bytes=dict(seen.tally.file_bytes) if seen else {},
            answered_at=seen.tally.answered_at if seen else 0.0,
            ledger_bytes=sum(_size(self._ledger.with_name(self._ledger.name + end)) for end in ("", "-wal")),
            free_bytes=free(self._ledger.parent) or 0,
        )

    def _over(self, lost: TgstreamdError) -> str:
        hint = self._remedy(lost.hint)
        return f"{lost.what} ({hint})" if hint else lost.what


def _process() -> Process:
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:
        fds = len(os.listdir("/proc/self/fd")) - 1  # without the listing's own descriptor
    except OSError:
        fds = 0
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Process(
        cpu_seconds=used.ru_utime + used.ru_stime,
        memory_rss=resident(),
        open_fds=fds,
        max_fds=limit,
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
