"""Logs one line a day: messages copied, skipped and parked, the longest lag, and the time held by Telegram.

Counts are differences of the ledger's own, so a restart loses none; the state of the current day is a fact in
the ledger.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import structlog

from ..domain.messages import Value
from ..ledger import Standing, Store

log = structlog.get_logger()

#: The key of the fact in the ledger.
KEY = "day"
#: A check that comes later than this after the last one does not count the time between.
SEEN = 300.0


class Share(Value, frozen=True, kw_only=True):
    """One mirror's day: its counts at the beginning, the longest lag, seconds of holds."""

    done: int
    skipped: int
    lag: int = 0
    held: int = 0


class Day(Value, frozen=True, kw_only=True):
    """The current day, by the names of the mirrors."""

    date: str
    shares: dict[str, Share]


class Daybook:
    """Keeps the day's figures; call `look` at every tick. It logs the line when the day (of UTC) is over."""

    def __init__(self, store: Store, keep: Callable[[str, str], Awaitable[None]]) -> None:
        """`keep` writes a fact of the ledger."""
        self._store = store
        self._keep = keep
        self._day: Day | None = None
        self._looked: float | None = None

    async def look(
        self,
        standings: Sequence[Standing],
        late: Mapping[str, float],
        held: Mapping[str, bool],
        *,
        now: float,
    ) -> None:
        """Update the figures. `late`: seconds of lag by mirror; `held`: whether Telegram holds any of its
        messages."""
        if self._day is None:
            self._day = _read(await self._store.fact(KEY))
        date = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
        day = self._day or Day(date=date, shares={})
        passed = now - self._looked if self._looked is not None and 0 <= now - self._looked <= SEEN else 0.0
        self._looked = now
        shares: dict[str, Share] = {}
        for one in standings:
            name = one.mirror.name
            share = day.shares.get(name) or Share(done=one.done, skipped=one.skipped)
            shares[name] = msgspec.structs.replace(
                share,
                lag=max(share.lag, round(late.get(name, 0.0))),
                held=share.held + (round(passed) if held.get(name) else 0),
            )
        # A date in the past means that the clock was corrected: the day continues.
        if date > day.date:
            _log(day.date, shares, standings)
            begun = {one.mirror.name: Share(done=one.done, skipped=one.skipped) for one in standings}
            day = Day(date=date, shares=begun)
        else:
            day = msgspec.structs.replace(day, shares=shares)
        if day != self._day:
            self._day = day
            await self._keep(KEY, msgspec.json.encode(day).decode())


def _read(stored: str) -> Day | None:
    """Return the stored day; none if another version wrote it in a different format."""
    try:
        return msgspec.json.decode(stored, type=Day) if stored else None
    except msgspec.MsgspecError:
        return None


def _log(date: str, shares: Mapping[str, Share], standings: Sequence[Standing]) -> None:
    rows = [
        (
            one.mirror.name,
            max(0, one.done - share.done),
            max(0, one.skipped - share.skipped),
            one.parked,
            share.lag,
            share.held,
        )
        for one in standings
        if (share := shares.get(one.mirror.name))
    ]
    log.info(
        "the day in short",
        day=date,
        copied=sum(row[1] for row in rows),
        skipped=sum(row[2] for row in rows),
        parked=sum(row[3] for row in rows),
        longest_lag_seconds=max((row[4] for row in rows), default=0),
        held_seconds=max((row[5] for row in rows), default=0),
        mirrors="; ".join(
            f"{name}: {copied} copied, {skipped} skipped, {parked} parked, lag {lag} s, held {held} s"
            for name, copied, skipped, parked, lag, held in rows
            if copied or skipped or parked or lag or held
        )
        or "nothing to do",
    )
