"""Answers *not before when*: the interval of a target, of the account, of its backlogs, and the holds.

Pure arithmetic on what the ledger keeps, so a restart does not refill the budget. Promises that a wall
clock set back costs at most one interval, never the hours of the step. Waits for nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..domain.messages import Mark, Value

#: A flood of this many seconds on a send says that the backlog is too fast.
LONG_FLOOD = 60
#: The backlog's interval is never widened beyond this.
WIDEST = 30.0
#: A widened interval is halved after so long without a long flood.
CALM = 12 * 3600.0
#: Live posts overtake a backlog only while it would still take longer than this.
OVERTAKE_AFTER = 15 * 60.0


class Pace(Value, frozen=True, kw_only=True):
    """The configured intervals in seconds: between messages of one target, and of the whole account."""

    interval: float = 3.5
    account_interval: float = 1.0


class BacklogInterval(Value, frozen=True, kw_only=True):
    """The interval that all backlogs of an account share, and when it was last widened or narrowed."""

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
    """The unix time before which the next send must not start; in the past where it may start at once.

    A mark is charged after it: an album of N keeps the target closed for N intervals. `holds` are unix
    times (flood waits, slow mode). Marks from the future count as of now: write them back with
    `anchored`, else asking again later moves the answer along.
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
    """The mark as it can be true: the wall clock was set back where it lies in the future."""
    return mark if mark.at <= now else Mark(at=now, cost=mark.cost)


def flooded(tempo: BacklogInterval, seconds: float, now: float) -> BacklogInterval:
    """The backlog's tempo after a flood wait of `seconds` on a send."""
    if seconds < LONG_FLOOD:
        return tempo
    return BacklogInterval(interval=max(tempo.interval, min(WIDEST, tempo.interval * 2)), changed=now)


def calmed(tempo: BacklogInterval, pace: Pace, now: float) -> BacklogInterval:
    """The backlog's tempo now: halved once for each calm stretch, down to the pace's own interval."""
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
    """Messages a minute over the last `window` seconds; `times` are unix times, in any order."""
    return sum(1 for at in times if now - window < at <= now) * 60.0 / window


def eta(waiting: int, interval: float, *, incoming: float = 0.0) -> float | None:
    """Seconds until `waiting` messages are sent at `interval`, while `incoming` arrive a minute.

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
    """Seconds until the files on their way are there: bytes that are left, and bytes a second, of each.

    A file that stands still just now foretells nothing.
    """
    return max((left / speed for left, speed in files if speed > 0), default=0.0)


def behind(incoming: float, outgoing: float) -> str:
    """`falling behind: 24/min in, 17/min out`, or nothing where the pace suffices."""
    if incoming <= outgoing:
        return ""
    return f"falling behind: {incoming:.0f}/min in, {outgoing:.0f}/min out"


def overtakes(backlog: int, interval: float) -> bool:
    """Whether live posts may go before a backlog of so many messages (`order = "live-first"`)."""
    return backlog * interval > OVERTAKE_AFTER
