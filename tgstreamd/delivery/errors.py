"""Handles errors of the target side: `policy.retry` decides, this module applies the decision to the ledger.

Keeps per-job error state for the life of the process: which calls have an unknown outcome, how often each job
was tried, which jobs raised unhandled errors. Sends and awaits nothing; returns the time of the next attempt.
"""

from __future__ import annotations

import math

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import FloodWait, MediaExpired, TargetLost, TelegramError, TgstreamdError
from ..domain.holds import Scope
from ..domain.messages import Mirror
from ..domain.ports import Target
from ..ledger import Job, Send, Store
from ..limits.backoff import Patience
from ..limits.pacer import Pacer
from ..policy.decisions import Confirm, Confirmation
from ..policy.retry import (
    PATIENCE,
    Again,
    AskChat,
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
    WaitForChat,
    decide,
)
from ..transfer.prefetch import Prefetcher
from .blame import Blame
from .naming import answers_another, named, words
from .prepare import Outgoing

log = structlog.get_logger()

#: Different jobs of one mirror in a row that raise an unhandled error before the mirror itself is paused.
POISON_LIMIT = 3


class Trouble:
    """Handles the errors of jobs and mirrors."""

    def __init__(
        self,
        target: Target,
        store: Store,
        staging: Prefetcher,
        outgoing: Outgoing,
        pacer: Pacer,
        clock: Clock,
        *,
        confirm: Confirm,
    ) -> None:
        """`confirm` asks a chat whether it is lost."""
        self._target = target
        self._confirm = confirm
        self._store = store
        self._staging = staging
        self._outgoing = outgoing
        self._pacer = pacer
        self._clock = clock
        #: Jobs whose call has an unknown outcome: when and how to search. Jobs not listed: at once.
        self.unknown: dict[int, Unknown] = {}
        #: Jobs whose call was repeated without a search: its refusal says nothing about the first call.
        self.unsure: set[int] = set()
        #: Jobs that are not the cause of their unhandled error: not parked if a last search finds nothing.
        self.spared: set[int] = set()
        self._tries: dict[int, int] = {}
        #: How often a job met an error, by Telegram's name for the error.
        self._met: dict[int, dict[str, int]] = {}
        self._blame = Blame()
        self._poisoned: dict[int, list[int]] = {}
        self._patience = Patience(clock)

    def settled(self, mirror: Mirror, job: Job) -> None:
        """Clear the error state of a job whose call succeeded."""
        self.unknown.pop(job.id, None)
        self.unsure.discard(job.id)
        self.spared.discard(job.id)
        self._forget(job)
        self._poisoned.pop(mirror.id, None)
        self._blame.forget(mirror)

    # -- errors of a job ------------------------------------------------------------------------------

    async def of_job(
        self, mirror: Mirror, job: Job, error: BaseException, *, source_id: int | None = None
    ) -> float:
        """Handle a job's error; return when to try again. `source_id`: the item whose media failed."""
        if not isinstance(error, Exception):
            raise error
        current = await self._store.job(job.id) or job
        send = next((s for s in await self._store.sends(job.id) if s.state == "open"), None)
        if send is not None and await self._repair_topic(mirror, job, send, error):
            return self._clock.now()
        self._tries[job.id] = self._tries.get(job.id, 0) + 1
        decision = await self._decide(mirror, current, send, error, source_id)
        if not isinstance(error, TgstreamdError):
            log.error("message broke us", mirror=mirror.name, source_id=job.first_id, exc_info=error)
            if await self._is_poison(mirror, job):
                self.spared.add(job.id)
                if send is not None:
                    self.unknown[job.id] = Unknown(at=self._clock.now(), search=True, last=True)
                return math.inf
        return await self._carry_out(mirror, current, send, decision, error, source_id)

    async def _decide(
        self, mirror: Mirror, job: Job, send: Send | None, error: Exception, source_id: int | None
    ) -> Decision:
        """Return the decision of `policy.retry`, asking the chat where that depends on its answer."""
        name = named(error)
        met = self._met.setdefault(job.id, {})
        met[name] = met.get(name, 0) + 1
        possible = await self._outgoing.cures(mirror, job, send, source_id=source_id)
        tries = self._tries[job.id]

        def decided(said: Confirmation | None) -> Decision:
            return decide(
                error,
                attempts=tries,
                now=self._clock.now(),
                troubled_for=job.troubled,
                attempted=send is not None,
                unsure=job.id in self.unsure or (send is not None and answers_another(error, send)),
                repeats=tries,
                strikes=self._pacer.holds.seen.strikes,
                possible=possible,
                met=met[name],
                said=said,
            )

        decision = decided(None)
        if not isinstance(decision, AskChat):
            return decision
        said = await self._confirm(mirror, decision.side)
        return self._blame.weigh(mirror, job, decided(said), said)

    def _forget(self, job: Job) -> None:
        self._tries.pop(job.id, None)
        self._met.pop(job.id, None)

    async def of_look(self, mirror: Mirror, job: Job, how: Unknown, error: TelegramError) -> float:
        """Handle a failed search for a call of unknown outcome; return the unix time of the next attempt.

        The error concerns the search, not the call, which stays open.
        """
        if isinstance(error, FloodWait):
            await self._pacer.holds.remember(error)
            at = self._clock.now() + max(1, error.seconds)
            self.unknown[job.id] = msgspec.structs.replace(how, at=at, search=True)
            return at
        current = await self._store.job(job.id) or job
        if how.last and current.troubled >= 2 * PATIENCE and self._target.connected:
            await self.end(mirror, job, "parked", f"its outcome cannot be found out: {error.line()}")
            return self._clock.now()
        return await self.of_job(mirror, job, error)

    async def _repair_topic(self, mirror: Mirror, job: Job, send: Send, error: Exception) -> bool:
        """Return whether the topic was the cause and was repaired: the next attempt then counts as the
        first."""
        if not isinstance(error, TargetLost) or job.id in self.unsure:
            return False
        if not await self._outgoing.topics.repair(mirror, job, send.draft, error):
            return False
        await self._store.refused(job.id, send.seq)
        self.unknown.pop(job.id, None)
        return True

    async def end(self, mirror: Mirror, job: Job, state: str, reason: str) -> None:
        """Park or skip the job and log it."""
        await self._store.finish(job.id, state, reason, self._clock.now())
        self.unknown.pop(job.id, None)
        self.unsure.discard(job.id)
        self._outgoing.forget(job.id)
        self._forget(job)
        say = log.error if state == "parked" else log.info
        say(f"message {state}", mirror=mirror.name, source_id=job.first_id, job=job.id, why=reason)
        if state == "parked":
            await self._store.set_last_error(mirror.id, f"message {job.first_id}: {reason}")
        self._staging.wake()

    async def _carry_out(
        self,
        mirror: Mirror,
        job: Job,
        send: Send | None,
        decision: Decision,
        error: Exception,
        source_id: int | None,
    ) -> float:
        now = self._clock.now()
        names = {"mirror": mirror.name, "source_id": job.first_id}
        open_still = isinstance(decision, Unknown | Stop) or getattr(decision, "unsure", False)
        if send is not None and not open_still:
            await self._store.refused(job.id, send.seq)
            self.unknown.pop(job.id, None)
            self.unsure.discard(job.id)
        match decision:
            case Stop():
                raise decision.error
            case Again() | Refresh() | Resend():
                log.warning("sending failed, trying on", **names, why=words(error))
                await self._store.postpone(job.id, decision.at, trouble=self._cost(decision.at))
                if not isinstance(decision, Again):
                    # Uploads are committed again under a new file_id; references into the source are
                    # refetched.
                    try:
                        await self._outgoing.refresh(mirror, job, send, source_id=source_id)
                    except TelegramError as further:
                        return await self.of_job(mirror, job, further, source_id=source_id)
                return decision.at
            case Unknown():
                log.warning("outcome unknown, finding out", **names, why=words(error))
                self.unknown[job.id] = decision
                await self._store.postpone(job.id, 0.0, trouble=self._cost(decision.at))
                return decision.at
            case Hold():
                await self._pacer.hold(decision, mirror)
                self._wait_unsure(job, decision.until, decision.unsure)
                if not Scope.method(decision.method).is_sending:
                    # The hold concerns a call that prepares the send, and no hold on sends covers it.
                    await self._store.postpone(job.id, decision.until)
                if decision.counts:
                    await self._store.postpone(job.id, decision.until, trouble=self._cost(decision.until))
                return decision.until
            case HoldAccount():
                await self._pacer.holds.hold_account(decision)
                self._wait_unsure(job, decision.until, decision.unsure)
                return decision.until
            case Degrade():
                what, why = decision.what, decision.reason
                log.warning("refused as it is, sent differently", **names, without=what, why=why)
                if isinstance(error, MediaExpired):
                    # The replacement media has its own file references, which may need fetching again.
                    self._forget(job)
                await self._outgoing.degrade(mirror, job, send, decision, source_id=source_id)
                return now
            case Park():
                await self.end(mirror, job, "parked", decision.reason)
            case Skip():
                await self.end(mirror, job, "skipped", decision.reason)
            case WaitForChat():
                await self._wait_for_chat(mirror, decision)
                self._wait_unsure(job, decision.until, decision.unsure)
                return decision.until
            case PauseMirror():
                await self.pause(mirror, decision.reason)
                self._wait_unsure(job, now + 600.0, decision.unsure)
                return math.inf
        return now

    async def _wait_for_chat(self, mirror: Mirror, decision: WaitForChat) -> None:
        """Store the hold in the ledger, so that status shows it and a restart keeps it."""
        await self._pacer.holds.hold(Scope.mirror(mirror.id), decision.until, decision.reason)
        seconds = round(decision.until - self._clock.now())
        log.warning("waiting for a chat's word", mirror=mirror.name, seconds=seconds, why=decision.reason)

    def _wait_unsure(self, job: Job, until: float, unsure: bool) -> None:
        if unsure:
            self.unknown[job.id] = Unknown(at=until, search=True)

    def _cost(self, at: float) -> float:
        """Return the seconds that a wait until `at` takes from the job's retry budget: none while offline."""
        return max(0.0, at - self._clock.now()) if self._target.connected else 0.0

    async def _is_poison(self, mirror: Mirror, job: Job) -> bool:
        """Pause the mirror, and return true, once POISON_LIMIT different jobs in a row raised unhandled
        errors.

        The cause is then not the message. The last job stays in the queue and is tried when the mirror
        resumes.
        """
        broken = self._poisoned.setdefault(mirror.id, [])
        if job.id not in broken:
            broken.append(job.id)
        if len(broken) < POISON_LIMIT:
            return False
        await self.pause(mirror, f"{POISON_LIMIT} messages in a row broke the program: see the journal")
        return True

    # -- errors of a mirror ---------------------------------------------------------------------------

    async def pause(self, mirror: Mirror, reason: str) -> None:
        """Pause the mirror until its chats have been asked again."""
        if await self._store.pause(mirror.id, "lost", reason):
            log.error("mirror paused, asked again every 10 minutes", mirror=mirror.name, why=reason)

    def rests(self, mirror: Mirror) -> float:
        """Return the unix time until which the target is not called, after an error that concerns no job."""
        return self._clock.now() + self._patience.left(mirror.id)

    async def of_mirror(self, mirror: Mirror, error: TelegramError) -> float:
        """Handle an error from before a job was chosen; return the unix time of the next attempt."""
        if isinstance(error, TargetLost):
            said = await self._confirm(mirror, "target")
            if said.lost:
                await self.pause(mirror, said.lost)
                return math.inf
        if isinstance(error, FloodWait):
            await self._pacer.holds.remember(error)
        self._patience.failed(mirror.id, "target could not be looked at", error, mirror=mirror.name)
        return self.rests(mirror)
