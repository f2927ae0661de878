"""The target side: one service that sends the next job of every mirror, when its pace allows.

Leases, waits, delivers, settles. What is sent is committed before it is sent; a call whose outcome is
unknown is settled by `outcome` before anything else goes to that target. Must not read the source, other
than the parent of a live reply, and must not decide how a copy looks.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable

import structlog

from .clock import Clock
from .errors import TgstreamdError
from .holding import Holding
from .model import Draft, Mirror
from .outcome import Outcome
from .outgoing import Outgoing
from .pace import overtakes
from .ports import Beat, Target
from .retry import (
    Again,
    Decision,
    Degrade,
    Hold,
    HoldAccount,
    Park,
    PauseMirror,
    Refresh,
    Resend,
    Skip,
    Stop,
    Unknown,
    decide,
)
from .roster import Roster
from .staging import Staging
from .store import Job, Lane, MirrorRow, Send, Store

log = structlog.get_logger()

IDLE = 60.0
#: Different jobs of one mirror in a row that broke us, after which it is the mirror that is broken.
POISON_LIMIT = 3
#: Seconds between looks while there is no connection.
OFFLINE = 2.0
#: Seconds for which a target waits for a message that Telegram has accepted but only scheduled.
SCHEDULED_PATIENCE = 30 * 60.0


class Sender:
    """Sends to all targets of the roster, one call at a time."""

    def __init__(
        self,
        target: Target,
        store: Store,
        roster: Roster,
        staging: Staging,
        outgoing: Outgoing,
        holding: Holding,
        clock: Clock,
        *,
        may_start: Callable[[MirrorRow], Awaitable[bool]],
        on_sent: Callable[[int], None],
    ) -> None:
        """`may_start` judges a mirror before its first send; `on_sent` hears of every target sent to."""
        self._target = target
        self._store = store
        self._roster = roster
        self._staging = staging
        self._outgoing = outgoing
        self._holding = holding
        self._clock = clock
        self._may_start = may_start
        self._on_sent = on_sent
        self._wake = asyncio.Event()
        #: Which process attempted a send: an older one's attempt is never fresh.
        self._run_id = secrets.token_hex(8)
        self._outcome = Outcome(target, store, clock, run=self._run_id)
        #: Per target: the highest message id that is known to exist there.
        self._floors: dict[int, int] = {}
        #: Jobs of unknown outcome: when to find out, and how.
        self._unknown: dict[int, Unknown] = {}
        self._repeats: dict[int, int] = {}
        self._poisoned: dict[int, list[int]] = {}
        self._served: dict[int, float] = {}

    def wake(self) -> None:
        """Look again: something became ready, or a pause was lifted."""
        self._wake.set()

    async def run(self, beat: Beat) -> None:
        """The service."""
        while True:
            beat(IDLE)
            self._wake.clear()
            due = await self.step(beat)
            if due > self._clock.now():
                wait = min(due - self._clock.now(), IDLE / 2)
                await self._clock.wait(self._wake, self._clock.monotonic() + wait)

    async def step(self, beat: Beat = lambda seconds: None) -> float:
        """Send what is due; the unix time at which there may be more."""
        if not self._target.connected:
            # A send without a connection would only become an unknown outcome.
            return self._clock.now() + OFFLINE
        rows = await self._store.mirror_list()
        await self._holding.load()
        due = math.inf
        for target in dict.fromkeys(row.target for row in rows):
            beat(IDLE)
            mirrors = [row for row in rows if row.target == target and row.id in self._roster.mirrors]
            if (job := await self._store.open_job(target)) is not None:
                if job.mirror in self._roster.mirrors:
                    due = min(due, await self._serve(self._roster.mirrors[job.mirror], job))
                continue
            # The mirror that was served longest ago comes first.
            for row in sorted(mirrors, key=lambda row: self._served.get(row.id, 0.0)):
                if row.paused or not await self._may_start(row):
                    continue
                mirror = self._roster.mirrors[row.id]
                job, ready_at = await self._next(mirror)
                if job is None or ready_at > self._clock.now():
                    due = min(due, ready_at)
                    continue
                self._served[row.id] = self._clock.monotonic()
                due = min(due, await self._serve(mirror, job))
                break
        return due

    # -- which job ------------------------------------------------------------------------------------

    async def _next(self, mirror: Mirror) -> tuple[Job | None, float]:
        """The job whose turn it is, and from when it may go; infinite where something else must happen."""
        lanes = await self._lanes(mirror)
        found: tuple[Job | None, float] = (None, math.inf)
        for lane in lanes:
            heads = await self._store.ahead(mirror.id, lane, 1)
            if not heads:
                if (
                    lane == "backlog"
                    and len(lanes) > 1
                    and lanes[0] == "backlog"
                    and await self._unread(mirror)
                ):
                    break
                continue
            ready_at = await self._ready_at(mirror, heads[0])
            if ready_at < found[1]:
                found = (heads[0], ready_at)
            if lanes[0] == "backlog" or ready_at <= self._clock.now():
                break
        return found

    async def _lanes(self, mirror: Mirror) -> tuple[Lane, ...]:
        """Live posts overtake the backlog only while it would still take long, and only if they may."""
        standing = next(s for s in await self._store.standings() if s.mirror.id == mirror.id)
        left = standing.backlog + standing.unread_backlog
        if mirror.order == "live-first" and overtakes(left, self._holding.backlog_interval):
            return ("live", "backlog")
        return ("backlog", "live")

    async def _unread(self, mirror: Mirror) -> bool:
        return any(gap.lane == "backlog" for gap in await self._store.gaps(mirror.id))

    async def _ready_at(self, mirror: Mirror, job: Job) -> float:
        if not job.released or not job.sealed:
            return math.inf
        if job.lane == "live" and job.sub >= 0:
            floor = await self._store.live_floor(mirror.id)
            if floor is not None and job.first_id > floor:
                return math.inf
        when = max(job.not_before, job.date + mirror.delay if mirror.delay else 0.0)
        if (failure := self._staging.failure(job.id)) is not None:
            return min(when, await self._failed(mirror, job, failure))
        if await self._staging.needs(job):
            self._staging.wake()
            return math.inf
        method = await self._outgoing.method(job)
        return max(when, self._holding.not_before(mirror, job.lane == "backlog", method))

    # -- one job --------------------------------------------------------------------------------------

    async def _serve(self, mirror: Mirror, job: Job) -> float:
        """One call of one job, and what follows from it; when to look again."""
        try:
            if job.state == "open":
                return await self._find_out(mirror, job)
            ready = await self._outgoing.prepare(mirror, job)
            if ready is not None:
                await self._attempt(mirror, job, *ready)
        except Exception as error:  # noqa: BLE001 - the one place of the target side: a poison message
            return await self._failed(mirror, job, error)
        self._poisoned.pop(mirror.id, None)
        return self._clock.now()

    async def _attempt(
        self, mirror: Mirror, job: Job, send: Send, draft: Draft, committed: list[bytes | None]
    ) -> None:
        if mirror.target not in self._floors:
            self._floors[mirror.target] = await self._target.newest(mirror.target)
        await self._store.attempt(
            job.id,
            send.seq,
            draft=draft,
            committed=committed,
            fingerprints=self._outgoing.fingerprints(draft, committed),
            floor_id=self._floors[mirror.target],
            run=self._run_id,
            now=self._clock.now(),
        )
        self._unknown[job.id] = Unknown(at=self._clock.now())
        ids = [copy.random_id for copy in send.copies]
        sent = await self._target.send(mirror.target, draft, ids, committed)
        await self._settled(mirror, job, send.seq, sent.ids, sent.scheduled)

    async def _settled(
        self, mirror: Mirror, job: Job, seq: int, ids: dict[int, int], scheduled: dict[int, int]
    ) -> None:
        """Telegram has said what the call became; what it left out becomes a call of its own."""
        send = next(s for s in await self._store.sends(job.id) if s.seq == seq)
        missing = [c for c in send.copies if c.random_id not in ids and c.random_id not in scheduled]
        if missing and len(missing) == len(send.copies):
            # An answer without any of our ids says nothing: find out.
            self._unknown[job.id] = Unknown(at=self._clock.now(), search=True)
            return
        if missing:
            await self._outgoing.split_off(job, send, {copy.random_id for copy in missing})
        done = await self._store.settle(
            job.id,
            seq,
            ids=ids,
            scheduled=scheduled,
            target=mirror.target,
            backlog=job.lane == "backlog",
            now=self._clock.now(),
        )
        self._unknown.pop(job.id, None)
        self._repeats.pop(job.id, None)
        await self._holding.sent()
        self._floors[mirror.target] = max([self._floors.get(mirror.target, 0), *ids.values()])
        log.info(
            "message copied" if done else "part of a message copied",
            mirror=mirror.name,
            source_id=job.first_id,
            target_id=min(ids.values(), default=None),
            items=len(ids) + len(scheduled),
            **({"scheduled": True} if scheduled else {}),
        )
        self._staging.wake()
        self._on_sent(mirror.target)

    async def _find_out(self, mirror: Mirror, job: Job) -> float:
        """An attempt whose outcome is not known: this process's, or one before it."""
        how = self._unknown.setdefault(job.id, Unknown(at=0.0, search=True))
        if how.at > self._clock.now():
            return how.at
        send = next((s for s in await self._store.sends(job.id) if s.state in ("open", "accepted")), None)
        if send is None:
            await self._store.refused(job.id, 0)
            return self._clock.now()
        if send.state == "accepted":
            return await self._await_publication(mirror, job, send)
        ids, scheduled = await self._outcome.settle(mirror, job, send, how)
        if ids or scheduled:
            await self._settled(mirror, job, send.seq, ids, scheduled)
        elif how.last:
            await self._end(mirror, job, "parked", how.reason or "its outcome stayed unknown")
        return self._clock.now()

    async def _await_publication(self, mirror: Mirror, job: Job, send: Send) -> float:
        """Accepted, and only scheduled: the real message comes by itself, and is waited for a while."""
        now = self._clock.now()
        found = await self._outcome.published(mirror, send)
        for scheduled_id, message_id in found.items():
            await self._store.published(mirror.target, scheduled_id, message_id, now)
        if now - send.attempted_at >= SCHEDULED_PATIENCE:
            log.warning(
                "scheduled message not seen yet, going on", mirror=mirror.name, source_id=job.first_id
            )
            for copy in send.copies:
                if copy.scheduled_id is not None and copy.target_id is None:
                    await self._store.published(mirror.target, copy.scheduled_id, None, now)
            return now
        self._unknown[job.id] = Unknown(at=now + 15.0)
        return now if found else now + 15.0

    # -- trouble --------------------------------------------------------------------------------------

    async def _failed(self, mirror: Mirror, job: Job, error: BaseException) -> float:
        """What follows from an error, as `retry` decides it."""
        if not isinstance(error, Exception):
            raise error
        current = await self._store.job(job.id) or job
        send = next((s for s in await self._store.sends(job.id) if s.state == "open"), None)
        attempted = current.state == "open" and send is not None
        self._repeats[job.id] = self._repeats.get(job.id, 0) + 1
        decision = decide(
            error,
            attempts=max(1, current.attempts, self._repeats[job.id]),
            now=self._clock.now(),
            troubled_for=current.troubled,
            attempted=attempted,
            repeats=self._repeats[job.id],
            strikes=self._holding.strikes,
            tried=self._outgoing.cures(job.id),
        )
        if not isinstance(error, TgstreamdError):
            log.exception("message broke us", mirror=mirror.name, source_id=job.first_id, exc_info=error)
            if await self._is_poison(mirror, job):
                return math.inf
        return await self._apply(mirror, current, send, decision, error)

    async def _apply(
        self, mirror: Mirror, job: Job, send: Send | None, decision: Decision, error: Exception
    ) -> float:
        now = self._clock.now()
        names = {"mirror": mirror.name, "source_id": job.first_id}
        if not isinstance(decision, Unknown | Stop) and send is not None:
            # Everything else is a definite no.
            await self._store.refused(job.id, send.seq)
            self._unknown.pop(job.id, None)
        match decision:
            case Stop():
                raise decision.error
            case Again() | Refresh() | Resend():
                log.warning("sending failed, trying on", **names, why=decision_words(error))
                if isinstance(decision, Refresh):
                    await self._outgoing.refresh(mirror, job)
                await self._store.postpone(job.id, decision.at, trouble=self._trouble(decision.at))
                return decision.at
            case Unknown():
                log.warning("outcome unknown, finding out", **names, why=decision_words(error))
                self._unknown[job.id] = decision
                await self._store.postpone(job.id, 0.0, trouble=self._trouble(decision.at))
                return decision.at
            case Hold():
                await self._holding.hold(decision, mirror)
                return decision.until
            case HoldAccount():
                await self._holding.hold_account(decision)
                return decision.until
            case Degrade():
                log.warning(
                    "refused as it is, sent differently", **names, why=decision.reason, without=decision.what
                )
                await self._outgoing.degrade(mirror, job, send, decision)
                return now
            case Park():
                await self._end(mirror, job, "parked", decision.reason)
            case Skip():
                await self._end(mirror, job, "skipped", decision.reason)
            case PauseMirror():
                await self._pause(mirror, decision.reason)
                return math.inf
        return now

    async def _end(self, mirror: Mirror, job: Job, state: str, reason: str) -> None:
        await self._store.finish(job.id, state, reason, self._clock.now())
        self._unknown.pop(job.id, None)
        self._outgoing.forget(job.id)
        level = log.error if state == "parked" else log.info
        level(f"message {state}", mirror=mirror.name, source_id=job.first_id, job=job.id, why=reason)
        if state == "parked":
            await self._store.set_last_error(mirror.id, f"message {job.first_id}: {reason}")
        self._staging.wake()

    async def _pause(self, mirror: Mirror, reason: str) -> None:
        if await self._store.pause(mirror.id, "lost", reason):
            log.error("mirror paused, asked again every 10 minutes", mirror=mirror.name, why=reason)

    async def _is_poison(self, mirror: Mirror, job: Job) -> bool:
        """Three different jobs in a row: it is not the message. The third stays where it is."""
        broken = self._poisoned.setdefault(mirror.id, [])
        if job.id not in broken:
            broken.append(job.id)
        if len(broken) < POISON_LIMIT:
            return False
        self._poisoned.pop(mirror.id)
        await self._pause(mirror, f"{POISON_LIMIT} messages in a row broke the program: see the journal")
        return True

    def _trouble(self, at: float) -> float:
        """What waiting until then adds to the job's own trouble: nothing while there is no connection."""
        return max(0.0, at - self._clock.now()) if self._target.connected else 0.0


def decision_words(error: Exception) -> str:
    return error.line() if isinstance(error, TgstreamdError) else f"{type(error).__name__}: {error}"
