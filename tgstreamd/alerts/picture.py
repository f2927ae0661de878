"""Builds the input of `policy.alert_conditions` from the ledger's figures and the daemon's state.

Uses only what it is given and makes no requests; `free` queries the file system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..domain.log_in import UNKNOWN
from ..domain.messages import Mirror, Value
from ..ledger import Standing
from ..limits.holds import Holds
from ..policy.alert_conditions import Picture, View
from ..policy.pacing import Pace, behind


class Alive(Value, frozen=True, kw_only=True):
    """State known only to the running daemon."""

    connected: bool
    frozen: bool
    #: A sentence if Telegram does not know the login; empty while it does.
    unknown: str
    #: Configured mirrors by their id in the ledger; `unborn` holds those that could not begin, with the
    #: reason.
    mirrors: Mapping[int, Mirror]
    #: Mirrors whose source cannot be read to its end.
    unread: frozenset[int]
    unborn: Mapping[str, str]
    #: Live messages received per minute, and bytes transferred, by mirror id.
    incoming: Mapping[int, float]
    moving: Mapping[int, int]
    pace: Pace


def picture(
    standings: Sequence[Standing],
    holds: Holds,
    alive: Alive,
    *,
    now: float,
    directory: Path,
    free: int | None,
    log_in: str = UNKNOWN,
) -> Picture:
    """Return the state of everything at one moment."""
    frozen = alive.frozen or holds.is_frozen
    return Picture(
        at=now,
        mirrors=(
            *(_view(one, alive, now) for one in standings),
            *(
                View(name=name, lost=why, begun=False)
                for name, why in alive.unborn.items()
                # While a reload checks them anew, running mirrors are listed as not created, too.
                if name not in {one.mirror.name for one in standings}
            ),
        ),
        frozen=frozen,
        unknown=alive.unknown,
        log_in=log_in,
        limited_until=0.0 if frozen else holds.limited_until,
        connected=alive.connected,
        free=free,
        directory=str(directory),
    )


def _view(one: Standing, alive: Alive, now: float) -> View:
    row = one.mirror
    mirror = alive.mirrors.get(row.id)
    delay = mirror.delay if mirror else 0.0
    history = one.backlog + one.unread_backlog + one.unread_live
    late = max(0.0, now - one.oldest_live - delay) if one.oldest_live else 0.0
    if history and mirror is not None and mirror.order == "source":
        late = 0.0  # live posts wait for the history, as configured
    coming = alive.incoming.get(row.id, 0.0)
    limit = 60.0 / alive.pace.interval if alive.pace.interval else float("inf")
    return View(
        name=row.name,
        hold=row.hold,
        waiting=row.waiting,
        lost=row.lost,
        held=row.held,
        parked=one.parked,
        last_error=row.last_error,
        late=late,
        history=history,
        unread=row.id in alive.unread,
        behind=behind(coming, limit),
        marks=(
            one.done + one.skipped + one.parked,
            one.unread_backlog + one.unread_live,
            alive.moving.get(row.id, 0),
        ),
    )


def moving(transfers: Iterable[tuple[str, int]], mirrors: Mapping[int, Mirror]) -> dict[int, int]:
    """Return bytes transferred by mirror id, from `(mirror's name, bytes moved)`."""
    by_name: dict[str, int] = {}
    for name, moved in transfers:
        by_name[name] = by_name.get(name, 0) + moved
    return {id: by_name[mirror.name] for id, mirror in mirrors.items() if mirror.name in by_name}
