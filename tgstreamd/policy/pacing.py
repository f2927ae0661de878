"""Computes the earliest time of the next send from the intervals of target, account and backlogs, and holds.

Pure arithmetic on values that the ledger keeps, so a restart does not refill the budget. Promises that a wall
clock set back costs at most one interval, never the hours of the step. Does not wait itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..domain.messages import Mark, Value

#: A flood wait of this many seconds on a send shows that the backlog is too fast.
LONG_FLOOD = 60
#: Maximum of the backlog's interval in seconds.
WIDEST = 30.0
#: A widened interval is halved after this many seconds without a long flood wait.
CALM = 12 * 3600.0
#: Live posts overtake a backlog only while it would still take longer than this.
OVERTAKE_AFTER = 15 * 60.0


class Pace(Value, frozen=True, kw_only=True):
    """The configured intervals in seconds: between messages of one target, and of the whole account."""

    interval: float = 3.5
    account_interval: float = 1.0


class BacklogInterval(Value, frozen=True, kw_only=True):
    """The interval that all backlogs of an account share, and when it last changed."""

    interval: float
    changed: float = 0.0


def not_before(
    pace: Pace,
    *,
    now: float,
    backlog: bool,
    target: Mark | None,
    account: Mark | None,
    backlog_mark: Mark | None,
    backlog_interval: float,
    holds: Sequence[float] = (),
) -> float:
    """Return the unix time before which the next send must not start; in the past if it may start at once.

    A mark is charged after it: an album of N blocks the target for N intervals. `holds` are unix times (flood
    waits, slow mode). Marks from the future count as of now: write them back with `anchored`, else the answer
    moves with each later question.
    """
    times = list(holds)
    charged = [(target, pace.interval), (account, pace.account_interval)]
    if backlog:
        charged.append((backlog_mark, max(backlog_interval, pace.interval)))
    for mark, interval in charged:
        if mark is not None:
            times.append(anchored(mark, now).at + mark.cost * interval)
    return max(times, default=now)


def anchored(mark: Mark, now: float) -> Mark:
    """Return the mark, moved to now where it is in the future because the wall clock was set back."""
    return mark if mark.at <= now else Mark(at=now, cost=mark.cost)


def flooded(tempo: BacklogInterval, seconds: float, now: float) -> BacklogInterval:
    """Return the backlog interval after a flood wait of `seconds` on a send."""
    if seconds < LONG_FLOOD:
        return tempo
    return BacklogInterval(interval=max(tempo.interval, min(WIDEST, tempo.interval * 2)), changed=now)


def calmed(tempo: BacklogInterval, pace: Pace, now: float) -> BacklogInterval:
    """Return the current backlog interval: halved once for each calm stretch, down to the pace's interval."""
    interval, changed = tempo.interval, tempo.changed
    if changed > now:
        return BacklogInterval(interval=interval, changed=now)
    while interval > pace.interval and now - changed >= CALM:
        interval, changed = max(pace.interval, interval / 2), changed + CALM
    return (
        tempo
        if changed == tempo.changed
        else BacklogInterval(interval=max(interval, pace.interval), changed=changed)
    )


def rate(times: Sequence[float], now: float, window: float = 600.0) -> float:
    """Return messages per minute over the last `window` seconds; `times` are unix times, in any order."""
    return sum(1 for at in times if now - window < at <= now) * 60.0 / window


def eta(waiting: int, interval: float, *, incoming: float = 0.0) -> float | None:
    """Return the seconds until `waiting` messages are sent at `interval`, while `incoming` arrive per minute.

    None where they arrive as fast as they leave: it never ends.
    """
    if waiting <= 0:
        return 0.0
    if interval <= 0:
        return 0.0
    leaving = 60.0 / interval
    if incoming >= leaving:
        return None
    return waiting * 60.0 / (leaving - incoming)


def arrival(files: Iterable[tuple[int, float]]) -> float:
    """Return the seconds until the files in transfer have arrived: of each, bytes left and bytes per second.

    A file without speed is ignored.
    """
    return max((left / speed for left, speed in files if speed > 0), default=0.0)


def behind(incoming: float, outgoing: float) -> str:
    """Return `falling behind: 24/min in, 17/min out`, or nothing where the pace suffices."""
    if incoming <= outgoing:
        return ""
    return f"falling behind: {incoming:.0f}/min in, {outgoing:.0f}/min out"


def overtakes(backlog: int, interval: float) -> bool:
    """Return whether live posts may overtake a backlog of this size (`order = "live-first"`)."""
    return backlog * interval > OVERTAKE_AFTER
