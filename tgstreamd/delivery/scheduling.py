"""Chooses the job that a mirror sends next and the time from which it may be sent.

Knows the two lanes and what a job waits for: its release by a position, the rest of its album, its delay, its
media and the pace. Reads the ledger, changes nothing.
"""

from __future__ import annotations

import math

from ..domain.clock import Clock
from ..domain.messages import Mirror
from ..ledger import Heads, Job, Lane, Store
from ..limits.pacer import Pacer
from ..mirrors.registry import MirrorRegistry
from ..policy.pacing import overtakes
from ..transfer.prefetch import Prefetcher
from .prepare import Outgoing


class Turns:
    """Chooses the next job of a mirror."""

    def __init__(
        self,
        store: Store,
        roster: MirrorRegistry,
        staging: Prefetcher,
        outgoing: Outgoing,
        pacer: Pacer,
        clock: Clock,
    ) -> None:
        self._store = store
        self._roster = roster
        self._staging = staging
        self._outgoing = outgoing
        self._pacer = pacer
        self._clock = clock

    async def next(self, mirror: Mirror) -> tuple[Job | None, float]:
        """Return the next job and the unix time from which it may be sent; infinite if something else must
        happen first, whose author then wakes the sender."""
        heads = await self._store.heads(mirror.id)
        first, second = self._lanes(mirror, heads.left)
        head, ready_at = await self._head(mirror, heads, first)
        if head is None and first == "backlog" and heads.unread:
            return None, math.inf
        if head is not None and (first == "backlog" or ready_at <= self._clock.now()):
            return head, ready_at
        # A live post that is not ready does not delay the backlog.
        other, other_at = await self._head(mirror, heads, second)
        return (other, other_at) if other_at < ready_at else (head, ready_at)

    async def is_next(self, mirror: Mirror, job: Job) -> bool:
        """Return whether no job precedes this one, which is not queued yet because its old copies still
        exist."""
        heads = await self._store.heads(mirror.id)
        lanes = self._lanes(mirror, heads.left)
        for lane in lanes[: lanes.index(job.lane) + 1]:
            head = heads.of(lane)
            if head is None:
                continue
            if lane != job.lane or (head.ord, head.sub, head.id) < (job.ord, job.sub, job.id):
                return False
        return job.lane == lanes[0] or lanes[0] != "backlog" or not heads.unread

    def _lanes(self, mirror: Mirror, left: int) -> tuple[Lane, Lane]:
        """Return the lanes in order: live first only if configured and only while the backlog would still
        take long."""
        if mirror.order == "live-first" and overtakes(left, self._pacer.backlog_interval):
            return "live", "backlog"
        return "backlog", "live"

    async def _head(self, mirror: Mirror, heads: Heads, lane: Lane) -> tuple[Job | None, float]:
        job = heads.of(lane)
        return (job, await self._ready_at(mirror, job)) if job is not None else (None, math.inf)

    async def _ready_at(self, mirror: Mirror, job: Job) -> float:
        if not job.released or not job.sealed:
            return math.inf
        if job.lane == "live" and job.sub >= 0:
            floor = await self._store.live_floor(mirror.id)
            if floor is not None and job.ord > floor:
                return math.inf
        when = max(job.not_before, job.date + mirror.delay if mirror.delay else 0.0)
        if not self._staging.failed(job.id) and await self._staging.needs(job):
            self._staging.wake()
            return math.inf
        method = await self._outgoing.method(job)
        return max(when, self._pacer.not_before(mirror, job.lane == "backlog", method))
