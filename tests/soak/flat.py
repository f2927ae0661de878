"""Whether what a long run uses stays flat: samples, a line fitted to their second half's floor, a verdict.

The first half is for warming up. Load comes and goes, and with it connections for files and their buffers;
what leaks does not come down again. So the second half is cut into windows, the lowest look of each window is
the floor, and the line is fitted to those. A tolerance says by how much it may rise over the second half, a
share of it and in absolute terms; the larger of the two counts. The highest look of the run stands beside it.
The ledger grows by design, a row for each message, so it is judged by the bytes that a message costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

MIB = 1 << 20
#: Windows of the second half: so long that in each of them there is a moment with hardly a file under way.
WINDOWS = 3
#: By how much each may rise over the second half: a share of its mean, and as such.
TOLERANCE: dict[str, tuple[float, float]] = {
    "rss": (0.02, 1.5 * MIB),
    "objects": (0.01, 500),
    "descriptors": (0.0, 2),
    "threads": (0.0, 1),
    "tasks": (0.0, 2),
    "wal": (0.0, 1 * MIB),
}
#: Bytes of ledger that a settled message may cost, its indexes included: less than the texts that soaks say.
A_MESSAGE = 500


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look at the daemon; None where this kind of run cannot see it."""

    #: Seconds of the mirror's time since the soak began.
    at: float
    #: Messages settled so far, and those that wait.
    messages: int
    waiting: int
    rss: int
    descriptors: int
    ledger: int
    wal: int
    threads: int | None = None
    tasks: int | None = None
    objects: int | None = None


@dataclass
class Judged:
    """What came of a soak."""

    rows: list[tuple[str, ...]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        return not self.wrong

    def lines(self) -> list[str]:
        head = ("", "floor at the middle", "at the end", "rise", "tolerated", "highest look")
        table = [head, *self.rows]
        width = [max(len(row[i]) for row in table) for i in range(len(head))]
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, width, strict=True)) for row in table]
        return [*lines, f"flat: {'yes' if self.flat else 'no: ' + ', '.join(self.wrong)}"]


def judge(samples: Sequence[Sample]) -> Judged:
    """Fit a line to the floor of each series' second half, and say whether it rises by more than it may."""
    judged = Judged()
    half = [sample for sample in samples if sample.at >= (samples[0].at + samples[-1].at) / 2]
    for name in (one.name for one in fields(Sample)):
        seen = [(s.at, float(v)) for s in samples if (v := getattr(s, name)) is not None]
        if name not in TOLERANCE or len(seen) != len(samples):
            continue
        share, least = TOLERANCE[name]
        begin, end = line(*floor(seen[-len(half) :]), over=(half[0].at, half[-1].at))
        allowed = max(share * abs(begin), least)
        highest = max(value for _, value in seen)
        judged.rows.append((name, *(number(name, v) for v in (begin, end, end - begin, allowed, highest))))
        if end - begin > allowed:
            judged.wrong.append(name)
    counted = [float(s.messages + s.waiting) for s in half]
    begin, end = line(counted, [float(s.ledger) for s in half], over=(counted[0], counted[-1]))
    cost = (end - begin) / max(1.0, counted[-1] - counted[0])
    judged.rows.append(
        (
            "ledger",
            number("ledger", begin),
            number("ledger", end),
            f"{cost:.0f} B/message",
            f"{A_MESSAGE} B/message",
            "",
        )
    )
    if cost > A_MESSAGE:
        judged.wrong.append("ledger")
    return judged


def floor(seen: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Of (moment, value): the middle of each window that was looked into, and the lowest value there."""
    first, span = seen[0][0], (seen[-1][0] - seen[0][0]) / WINDOWS or 1.0
    lowest: dict[int, float] = {}
    for at, value in seen:
        window = min(WINDOWS - 1, int((at - first) / span))
        lowest[window] = min(value, lowest.get(window, value))
    return [first + (window + 0.5) * span for window in lowest], list(lowest.values())


def line(at: Sequence[float], values: Sequence[float], *, over: tuple[float, float]) -> tuple[float, float]:
    """The fitted straight line (least squares) where the span `over` begins, and where it ends."""
    n = len(at)
    mean_at, mean = sum(at) / n, sum(values) / n
    spread = sum((x - mean_at) ** 2 for x in at)
    slope = (
        sum((x - mean_at) * (y - mean) for x, y in zip(at, values, strict=True)) / spread if spread else 0.0
    )
    begin, end = over
    return mean + slope * (begin - mean_at), mean + slope * (end - mean_at)


def number(name: str, value: float) -> str:
    if name in ("rss", "ledger", "wal"):
        return f"{value / MIB:.2f} MiB"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
