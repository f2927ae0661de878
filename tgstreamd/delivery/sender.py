"""Sends the next job of every mirror when its turn has come.

Leases, delivers and settles jobs. Each attempt is committed to the ledger before it is sent, and a call of
unknown outcome is resolved before anything else goes to its target. Does not decide how a copy looks
(`planning`), whose turn it is (`scheduling`), or what an error means (`errors`).
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable

import structlog

from ..domain.clock import Clock
from ..domain.errors import NotAuthorised, TelegramError, Unnamed
from ..domain.messages import Draft, Mirror, Sent
from ..domain.ports import Beat, Target
from ..ledger import Job, MirrorRow, Send, Store
from ..limits.pacer import Pacer
from ..mirrors.registry import MirrorRegistry
from ..policy.decisions import Confirm
from ..policy.retry import VANISHED, Unknown
from ..transfer.prefetch import Prefetcher
from .errors import Trouble
from .outcome import Outcome
from .prepare import Outgoing
from .scheduling import Turns
from .topics import deliver

log = structlog.get_logger()

IDLE = 60.0
#: Seconds between checks while disconnected.
OFFLINE = 2.0
#: Seconds that a target waits for a message that Telegram accepted but only scheduled.
SCHEDULED_PATIENCE = 30 * 60.0
#: Seconds between checks for such a message.
SCHEDULED_LOOK = 15.0


class Sender:
    """Sends to the targets of all mirrors, one call at a time."""

    def __init__(
        self,
        target: Target,
        store: Store,
        roster: MirrorRegistry,
        staging: Prefetcher,
        outgoing: Outgoing,
        pacer: Pacer,
        clock: Clock,
        *,
        confirm: Confirm,
        may_start: Callable[[MirrorRow], Awaitable[bool]],
        on_sent: Callable[[Mirror, int], None],
    ) -> None:
        """`confirm` asks a chat reported as lost; `may_start` decides whether a mirror may make its first
        send; `on_sent` is called for every settled call with its number of messages."""
        self._target = target
        self._store = store
        self._roster = roster
        self._staging = staging
        self._outgoing = outgoing
        self._pacer = pacer
        self._clock = clock
        self._may_start = may_start
        self._on_sent = on_sent
        self._wake = asyncio.Event()
        #: Identifies this process in attempts: an attempt of an earlier process is never fresh.
        self._run_id = secrets.token_hex(8)
        self._outcome = Outcome(target, store, clock, pacer.holds, run=self._run_id)
        self._turns = Turns(store, roster, staging, outgoing, pacer, clock)
        self._trouble = Trouble(target, store, staging, outgoing, pacer, clock, confirm=confirm)
        self._served: dict[int, float] = {}

    def wake(self) -> None:
        """Check for due jobs at once: a job became ready, or a pause was lifted."""
        self._wake.set()

    async def run(self, beat: Beat) -> None:
        """Run the service until cancelled."""
        while True:
            beat(IDLE)
            self._wake.clear()
            due = await self.step(beat)
            if due > self._clock.now():
                wait = min(due - self._clock.now(), IDLE / 2)
                await self._clock.wait(self._wake, self._clock.monotonic() + wait)

    async def step(self, beat: Beat = lambda seconds: None) -> float:
        """Send what is due, one call per target; return the unix time at which more may be due."""
        if not self._target.connected:
            # A send without a connection would only end in an unknown outcome.
            return self._clock.now() + OFFLINE
        due = math.inf
        rows = await self._store.mirror_list(active_only=False)
        targets: dict[int, list[MirrorRow]] = {}
        for row in rows:
            targets.setdefault(row.target, []).append(row)
        # Budgets shared by all targets, above all the backlog interval, go to the target served longest ago.
        for target, there in sorted(targets.items(), key=lambda item: max(map(self._last_served, item[1]))):
            beat(IDLE)
            await self._pacer.load()
            if (job := await self._store.open_job(target)) is not None:
                # An open attempt is resolved even if its mirror is paused or removed.
                row = next(row for row in there if row.id == job.mirror)
                due = min(due, await self._serve(self._mirror(row), job))
            else:
                due = min(due, await self._serve_one_of([row for row in there if row.active]))
        return due

    async def _serve_one_of(self, rows: list[MirrorRow]) -> float:
        """Make the next call to one target, beginning with the mirror served longest ago."""
        due = math.inf
        for row in sorted(rows, key=self._last_served):
            if row.paused or row.id not in self._roster.mirrors:
                continue
            mirror = self._roster.mirrors[row.id]
            if self._trouble.rests(mirror) > self._clock.now():
                due = min(due, self._trouble.rests(mirror))
                continue
            try:
                if not await self._may_start(row):
                    continue
            except NotAuthorised:
                raise
            except TelegramError as error:
                due = min(due, await self._trouble.of_mirror(mirror, error))
                continue
            job, ready_at = await self._turns.next(mirror)
            if job is None or ready_at > self._clock.now():
                due = min(due, ready_at)
                continue
            self._served[row.id] = self._clock.monotonic()
            return min(due, await self._serve(mirror, job))
        return due

    def _last_served(self, row: MirrorRow) -> float:
        return self._served.get(row.id, 0.0)

    async def _serve(self, mirror: Mirror, job: Job) -> float:
        """Make one call of one job and handle its result; return the unix time of the next check."""
        try:
            if job.state == "open":
                return await self._resolve(mirror, job)
            if (failure := self._staging.failure(job.id)) is not None:
                if failure.troubled:
                    await self._store.postpone(job.id, job.not_before, trouble=failure.troubled)
                return await self._trouble.of_job(mirror, job, failure.error, source_id=failure.source_id)
            ready = await self._outgoing.prepare(mirror, job)
            if ready is not None:
                await self._attempt(mirror, job, *ready)
        except Exception as error:  # noqa: BLE001 - the one place of the target side: a poison message
            return await self._trouble.of_job(mirror, job, error)
        return self._clock.now()

    async def _attempt(
        self, mirror: Mirror, job: Job, send: Send, draft: Draft, committed: list[bytes | None]
    ) -> None:
        floor_id, position = await self._outcome.start(mirror.target)
        await self._store.attempt(
            job.id,
            send.seq,
            draft=draft,
            committed=committed,
            fingerprints=self._outgoing.fingerprints(draft, committed),
            floor_id=floor_id,
            position=position,
            run=self._run_id,
            now=self._clock.now(),
        )
        self._trouble.unknown[job.id] = Unknown(at=self._clock.now())
        ids = [copy.random_id for copy in send.copies]
        sent = await deliver(self._target, mirror.target, draft, ids, committed)
        await self._handle_answer(mirror, job, send, sent)

    async def _handle_answer(self, mirror: Mirror, job: Job, send: Send, sent: Sent) -> None:
        """Handle an answer without an error."""
        # Errors of the queries that follow say nothing about the call.
        self._trouble.unsure.add(job.id)
        send = next(s for s in await self._store.sends(job.id) if s.seq == send.seq)
        sent = await self._outcome.confirm(mirror, send, sent)
        if not (sent.ids or sent.scheduled or sent.unseen):
            raise Unnamed("Telegram's answer names none of the messages sent")
        self._outcome.advance(mirror.target, sent)
        await self._record_outcome(mirror, job, send, sent)

    async def _record_outcome(self, mirror: Mirror, job: Job, send: Send, sent: Sent) -> None:
        """Record the call's known outcome; items missing from it become a call of their own."""
        found = sent.ids.keys() | sent.scheduled.keys()
        missing = {copy.random_id for copy in send.copies} - found
        if not found:
            # Deleted items stay together in one call; items that the answer did not name are not among them.
            missing -= sent.unseen.keys()
        if missing:
            await self._outgoing.split_off(job, send, missing)
        if found:
            await self._settle(mirror, job, send, sent)
            if missing and missing <= sent.unseen.keys():
                # These were sent too, and deleted since.
                rest = next(s for s in await self._store.sends(job.id) if s.seq == send.seq + 1)
                await self._handle_deleted(mirror, job, rest)
        else:
            await self._handle_deleted(mirror, job, send)

    async def _settle(self, mirror: Mirror, job: Job, send: Send, sent: Sent) -> None:
        ids, scheduled = sent.ids, sent.scheduled
        done = await self._store.settle(
            job.id,
            send.seq,
            ids=ids,
            scheduled=scheduled,
            target=mirror.target,
            backlog=job.lane == "backlog",
            now=self._clock.now(),
        )
        self._trouble.settled(mirror, job)
        if done:
            self._outgoing.forget(job.id)
        await self._pacer.holds.lift_account()
        log.info(
            "topic made" if job.kind == "topic" else "message copied" if done else "part of a message copied",
            mirror=mirror.name,
            source_id=job.first_id,
            target_id=min(ids.values(), default=None),
            items=len(ids) + len(scheduled),
            **({"scheduled": True} if scheduled else {}),
        )
        self._staging.wake()
        self._on_sent(mirror, len(ids) + len(scheduled))

    # -- unknown outcomes -----------------------------------------------------------------------------

    async def _resolve(self, mirror: Mirror, job: Job) -> float:
        """Resolve an attempt of unknown outcome, of this process or an earlier one."""
        how = self._trouble.unknown.setdefault(job.id, Unknown(at=0.0, search=True))
        if how.at > self._clock.now():
            return how.at
        send = next((s for s in await self._store.sends(job.id) if s.state in ("open", "accepted")), None)
        if send is None:
            await self._store.refused(job.id, 0)
            return self._clock.now()
        if send.state == "accepted":
            return await self._await_publication(mirror, job, send)
        # Until the target has been searched, no refusal says anything about the first call.
        self._trouble.unsure.add(job.id)
        if how.search or how.last or not self._outcome.is_fresh(send):
            try:
                found = await self._outcome.look(mirror, send)
            except TelegramError as error:
                return await self._trouble.of_look(mirror, job, how, error)
            if found.ids or found.scheduled or found.unseen:
                log.info("attempt found in the target", mirror=mirror.name, source_id=job.first_id)
                self._outcome.advance(mirror.target, found)
                await self._record_outcome(mirror, job, send, found)
                return self._clock.now()
            self._trouble.unsure.discard(job.id)
            if how.last:
                await self._end_unfound(mirror, job, send, how)
                return self._clock.now()
        if (until := self._pacer.not_before_again(mirror, send.draft)) > self._clock.now():
            return until
        log.info("sending again under the same random_id", mirror=mirror.name, source_id=job.first_id)
        sent = await self._outcome.repeat(mirror, send)
        await self._handle_answer(mirror, job, send, sent)
        return self._clock.now()

    async def _end_unfound(self, mirror: Mirror, job: Job, send: Send, how: Unknown) -> None:
        """End the job after the last search found nothing; the call is not made again."""
        if job.id in self._trouble.spared:
            await self._store.refused(job.id, send.seq)
        elif how.was:
            await self._handle_deleted(mirror, job, send)
        else:
            await self._trouble.end(mirror, job, "parked", how.reason or "its outcome stayed unknown")

    async def _handle_deleted(self, mirror: Mirror, job: Job, send: Send) -> None:
        """Handle messages deleted before their ids were known: a topic is created again, a message is parked
        for the operator."""
        if send.draft.opens is None:
            await self._trouble.end(mirror, job, "parked", VANISHED)
        else:
            log.warning("topic was deleted in the target, made again", mirror=mirror.name)
        await self._outgoing.vanished(job, send)
        self._trouble.unsure.discard(job.id)

    async def _await_publication(self, mirror: Mirror, job: Job, send: Send) -> float:
        """Wait, up to SCHEDULED_PATIENCE, for a message that Telegram accepted but only scheduled."""
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
        self._trouble.unknown[job.id] = Unknown(at=now + SCHEDULED_LOOK)
        return now if found else now + SCHEDULED_LOOK

    def _mirror(self, row: MirrorRow) -> Mirror:
        """Return the mirror of a row; one that is no longer configured has only its chats."""
        return self._roster.mirrors.get(row.id) or Mirror(
            id=row.id,
            name=row.name,
            source=row.source,
            target=row.target,
            source_topic=row.source_topic,
            target_topic=row.target_topic,
        )
