"""Whether every mirror is caught up or gets on: what a dead man's switch hangs on.

Pure: `moved` keeps when each mirror was last seen to get on, `stalled` says why not all of them do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..domain.messages import Value
from .alarms import Picture, View, duration


class Motion(Value, frozen=True, kw_only=True):
    """When a mirror was last seen to get on (monotonic time)."""

    marks: tuple[int, ...]
    at: float


def moved(before: Mapping[str, Motion], mirrors: Sequence[View], now: float) -> dict[str, Motion]:
    """The motions after another look; a mirror that is new, or has nothing to do, counts as moving now."""
    after: dict[str, Motion] = {}
    for mirror in mirrors:
        old = before.get(mirror.name)
        after[mirror.name] = (
            old
            if mirror.busy and old is not None and old.marks == mirror.marks
            else Motion(marks=mirror.marks, at=now)
        )
    return after


def stalled(picture: Picture, motions: Mapping[str, Motion], now: float, stall: float) -> str:
    """Why not every mirror is caught up or getting on; empty where all are."""
    if picture.frozen:
        return "the account is frozen"
    if picture.unknown:
        return "Telegram does not know the login"
    if not picture.connected:
        return "Telegram is not reachable"

    def still(name: str) -> bool:
        return name not in motions or now - motions[name].at > stall

    # All histories of an account share one interval: while one gets on, the others wait their turn.
    anyone = any(not still(mirror.name) for mirror in picture.mirrors if mirror.history)
    for mirror in picture.mirrors:
        if mirror.stands:
            return f'mirror "{mirror.name}" stands'
        if not still(mirror.name):
            continue
        if mirror.late > 0 or mirror.unread or (mirror.history and not anyone):
            return f'mirror "{mirror.name}" has not moved for {duration(now - motions[mirror.name].at)}'
    return ""
