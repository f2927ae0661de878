"""Builds the answer of `status --json`, and the line that systemd shows.

The answer is the same from a running daemon and from the ledger of a stopped one (`Live` holds what only a
running one knows). Its format is documented and only ever extended. Reads the ledger, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from .. import __version__
from ..domain.holds import Hold
from ..domain.messages import Account, Value
from ..ledger import READER, MirrorRow, Standing, Store
from ..limits.holds import Holds
from ..policy.pacing import BacklogInterval, Pace, arrival, behind, eta

State = Literal["starting", "running", "stopped"]


class Unborn(Value, frozen=True, kw_only=True):
    """A configured mirror without a row in the ledger, because its chats cannot be asked yet."""

    name: str
    source: int | str
    target: int | str
    source_topic: int | None = None
    target_topic: int | None = None
    why: str


class Live(Value, frozen=True, kw_only=True):
    """State known only to the running daemon. The defaults are those of a stopped one."""

    state: State = "stopped"
    account: Account | None = None
    #: Files in transfer, each with mirror, source_id, name, size, transferred, bytes_per_second.
    transfers: tuple[Any, ...] = ()
    #: Parts that may be in transfer at once now (fewer after flood waits), and the buffer size.
    window: int | None = None
    buffer_parts: int | None = None
    #: Bytes of resident memory.
    memory_rss: int | None = None
    #: Messages per minute received and sent, by the mirror's id in the ledger.
    incoming: Mapping[int, float] = {}
    outgoing: Mapping[int, float] = {}
    unborn: tuple[Unborn, ...] = ()
    #: Telegram's refusals: counts by method, error name and our error class.
    refusals: Mapping[tuple[str, str, str], int] = {}
    #: A sentence about the daemon: why it is still starting, what it waits for, or that the login is unknown.
    note: str = ""


async def status(store: Store | None, live: Live, *, pace: Pace, now: float) -> dict[str, Any]:
    """Return everything that `status --json` shows; `store` is None if there is no ledger yet."""
    standings = await store.standings() if store else []
    holds = Holds(await store.holds(READER)) if store else Holds()
    _, stored = await store.pace(READER) if store else ({}, "")
    titles = await store.titles() if store else {}
    tempo = (
        msgspec.json.decode(stored, type=BacklogInterval)
        if stored
        else BacklogInterval(interval=pace.interval)
    )
    slow = max(tempo.interval, pace.interval)
    return {
        "version": __version__,
        "at": round(now),
        "state": live.state,
        "note": live.note,
        "account": {"id": live.account.id, "name": live.account.name, "premium": live.account.premium}
        if live.account
        else None,
        "mirrors": [
            *(_mirror(one, standings, holds, titles, live, pace, slow, now) for one in standings),
            *[
                _not_created(one, titles, await store.pause_of_not_created(one.name) if store else "")
                for one in live.unborn
            ],
        ],
        "holds": [
            {"scope": str(hold.scope.shown), "until": round(hold.until), "reason": hold.reason}
            for hold in holds.in_force(now)
        ],
        "transfers": [msgspec.to_builtins(transfer) for transfer in live.transfers],
        "refusals": [
            {"method": method, "error": error, "outcome": outcome, "count": count}
            for (method, error, outcome), count in sorted(live.refusals.items())
        ],
        "window": live.window,
        "buffer_parts": live.buffer_parts,
        "memory_rss": live.memory_rss,
        "interval": pace.interval,
        "backlog_interval": slow,
    }


def _mirror(
    one: Standing,
    everyone: Sequence[Standing],
    holds: Holds,
    titles: Mapping[int, str],
    live: Live,
    pace: Pace,
    slow: float,
    now: float,
) -> dict[str, Any]:
    mirror = one.mirror
    fresh, old = one.live + one.unread_live, one.backlog + one.unread_backlog
    coming, going = live.incoming.get(mirror.id, 0.0), live.outgoing.get(mirror.id, 0.0)
    # All backlogs share one interval and take turns: until ours is done, each other one has had as many turns
    # as it has messages, but no more than ours.
    shared = sum(min(old, other.backlog + other.unread_backlog) for other in everyone if not _waits(other))
    left = eta(fresh, pace.interval, incoming=coming)
    if left is not None and old:
        left += max(old, shared) * slow
    if left is not None and (fresh or old):
        ours = [file for file in live.transfers if file.mirror == mirror.name]
        left = max(left, arrival((file.size - file.transferred, file.bytes_per_second) for file in ours))
    hold = holds.on_messages(mirror.id, mirror.target, now)
    limit = 60.0 / pace.interval if pace.interval else float("inf")
    settled = one.done + one.skipped + one.parked
    return {
        "name": mirror.name,
        "source": mirror.source,
        "source_topic": mirror.source_topic,
        "source_title": titles.get(mirror.source, ""),
        "target": mirror.target,
        "target_topic": mirror.target_topic,
        "target_title": titles.get(mirror.target, ""),
        "state": "paused" if mirror.paused else "running",
        "paused": mirror.paused,
        "position": one.position,
        "settled": settled,
        "total": settled + fresh + old,
        "done": one.done,
        "rescued": one.rescued,
        "skipped": one.skipped,
        "skipped_by": one.skipped_by,
        "parked": one.parked,
        "backlog": fresh + old,
        "waiting_live": fresh,
        "waiting_history": old,
        "lag_seconds": max(0, round(now - one.oldest_live)) if one.oldest_live else 0,
        "eta_seconds": None if left is None or mirror.paused else round(left),
        "per_minute": round(going, 1),
        "incoming_per_minute": round(coming, 1),
        "last_sent_at": round(one.last_sent) if one.last_sent else None,
        "streamed": one.streamed,
        "streamed_bytes": one.streamed_bytes,
        "by_reference": one.referenced,
        "by_reference_bytes": one.referenced_bytes,
        "hold_until": round(hold.until) if hold else None,
        "hold_reason": hold.reason if hold else "",
        "changes": one.changes,
        "given_up": {
            kind: {
                "count": last.n,
                "source_id": last.source_id or None,
                "reason": last.reason,
                "at": round(last.at),
            }
            for kind, last in one.given_up.items()
        },
        "held_deletions": mirror.held,
        "last_error": mirror.last_error,
        "note": behind(coming, limit) if coming > limit else "",
    }


def _not_created(one: Unborn, titles: Mapping[int, str], hold: str = "") -> dict[str, Any]:
    """Return a mirror without a ledger row: the same keys, nothing counted. `hold`: why it is to begin
    paused."""
    counts = (
        "position", "settled", "total", "done", "rescued", "skipped", "parked", "backlog", "waiting_live",
        "waiting_history", "lag_seconds", "streamed",
        "streamed_bytes", "by_reference", "by_reference_bytes",
    )  # fmt: skip
    return {
        "name": one.name,
        "source": one.source,
        "source_topic": one.source_topic,
        "source_title": titles.get(one.source, "") if isinstance(one.source, int) else "",
        "target": one.target,
        "target_topic": one.target_topic,
        "target_title": titles.get(one.target, "") if isinstance(one.target, int) else "",
        "state": "paused",
        "paused": "; ".join(filter(None, (hold, one.why))),
        **dict.fromkeys(counts, 0),
        "skipped_by": {},
        "eta_seconds": None,
        "per_minute": 0.0,
        "incoming_per_minute": 0.0,
        "last_sent_at": None,
        "hold_until": None,
        "hold_reason": "",
        "changes": 0,
        "given_up": {},
        "held_deletions": "",
        "last_error": one.why,
        "note": "",
    }


def _waits(one: Standing) -> bool:
    return bool(one.mirror.paused)


def line(standings: Sequence[Standing], held: Callable[[MirrorRow], Hold | None], now: float) -> str:
    """Return one line for `systemctl status`; `held` returns what holds a mirror's messages."""
    waiting = sum(s.live + s.backlog + s.unread_live + s.unread_backlog for s in standings)
    paused = [s.mirror.name for s in standings if s.mirror.paused]
    parts = [f"{len(standings)} mirrors, {waiting} messages waiting"]
    if paused:
        parts.append(f"paused: {', '.join(paused)}")
    if parked := sum(s.parked for s in standings):
        parts.append(f"{parked} parked")
    if holds := [hold for s in standings if (hold := held(s.mirror))]:
        parts.append(f"waiting {max(hold.until for hold in holds) - now:.0f} s: {holds[0].reason}")
    return "; ".join(parts)
