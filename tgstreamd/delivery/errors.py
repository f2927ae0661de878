"""What follows from an error of the target side: `retry` decides, this carries it out in the ledger.

Owns what is known of troubled jobs while the process lives: which are of unknown outcome, how often each
was tried, which broke us. Sends nothing, waits for nothing: it says when to look again.
"""

from __future__ import annotations

import math

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import FloodWait, MediaExpired, TargetLost, TelegramError, TgstreamdError
from ..domain.messages import Mirror
from ..domain.ports import Target
from ..ledger import Job, Send, Store
from ..limits.backoff import Patience
from ..limits.holds import Floods
from ..limits.pacer import Holding
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

#: Different jobs of one mirror in a row that broke us, after which it is the mirror that is broken.
POISON_LIMIT = 3


class Trouble:
    """Deals with errors, one job's or one mirror's."""

    def __init__(
        self,
        target: Target,
        store: Store,
        staging: Prefetcher,
        outgoing: Outgoing,
        holding: Holding,
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
        self._holding = holding
        self._clock = clock
        #: Jobs of unknown outcome: when to find out, and how. One that is missing: search at once.
        self.unknown: dict[int, Unknown] = {}
        #: Jobs whose call was made again without a search: its refusal says nothing about the first.
        self.unsure: set[int] = set()
        #: Jobs that broke us and are not to blame: not parked, even if a last search finds nothing.
        self.spared: set[int] = set()
        self._tries: dict[int, int] = {}
        #: How often a job has met an error, by Telegram's name for it.
        self._met: dict[int, dict[str, int]] = {}
        self._blame = Blame()
        self._poisoned: dict[int, list[int]] = {}
        self._patience = Patience(clock)
        self._floods = Floods(store, clock)

    def settled(self, mirror: Mirror, job: Job) -> None:
        """A call went through: nothing of its trouble matters any more."""
        self.unknown.pop(job.id, None)
        self.unsure.discard(job.id)
        self.spared.discard(job.id)
        self._forget(job)
        self._poisoned.pop(mirror.id, None)
        self._blame.forget(mirror)

    # -- a job's --------------------------------------------------------------------------------------

    async def of_job(
        self, mirror: Mirror, job: Job, error: BaseException, *, source_id: int | None = None
    ) -> float:
        """What becomes of the job; when to look again. `source_id`: the item whose media failed."""
        if not isinstance(error, Exception):
            raise error
        current = await self._store.job(job.id) or job
        send = next((s for s in await self._store.sends(job.id) if s.state == "open"), None)
        if send is not None and await self._repaired(mirror, job, send, error):
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
        """What `retry` says, and where that depends on it, after the chat was asked."""
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
                strikes=self._holding.strikes,
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
        """The target could not be looked through for a call of unknown outcome: when to try again.

        Nothing that is refused here was refused to the call, which stays open.
        """
        if isinstance(error, FloodWait):
            await self._floods.remember(error)
            at = self._clock.now() + max(1, error.seconds)
            self.unknown[job.id] = msgspec.structs.replace(how, at=at, search=True)
            return at
        current = await self._store.job(job.id) or job
        if how.last and current.troubled >= 2 * PATIENCE and self._target.connected:
            await self.end(mirror, job, "parked", f"its outcome cannot be found out: {error.line()}")
            return self._clock.now()
        return await self.of_job(mirror, job, error)

    async def _repaired(self, mirror: Mirror, job: Job, send: Send, error: Exception) -> bool:
        """A definite no for the topic's sake, which could be put right: the next attempt is a first one."""
        if not isinstance(error, TargetLost) or job.id in self.unsure:
            return False
        if not await self._outgoing.topics.repair(mirror, job, send.draft, error):
            return False
        await self._store.refused(job.id, send.seq)
        self.unknown.pop(job.id, None)
        return True

    async def end(self, mirror: Mirror, job: Job, state: str, reason: str) -> None:
        """Park or skip, and say so."""
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
                    # What was committed is made again under a new file_id; a source's reference is refetched.
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
                await self._holding.hold(decision, mirror)
                self._wait_unsure(job, decision.until, decision.unsure)
                if not decision.method.startswith("messages.send"):
                    # Something that the job needs before it can be sent: no hold of sends knows of it.
                    await self._store.postpone(job.id, decision.until)
                if decision.counts:
                    await self._store.postpone(job.id, decision.until, trouble=self._cost(decision.until))
                return decision.until
            case HoldAccount():
                await self._holding.hold_account(decision)
                self._wait_unsure(job, decision.until, decision.unsure)
                return decision.until
            case Degrade():
                what, why = decision.what, decision.reason
                log.warning("refused as it is, sent differently", **names, without=what, why=why)
                if isinstance(error, MediaExpired):
                    # What goes now has references of its own, which may have to be fetched anew.
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
        """In the ledger, so that the status shows it and a restart keeps it."""
        await self._store.hold_until(f"mirror:{mirror.id}", decision.until, decision.reason)
        seconds = round(decision.until - self._clock.now())
        log.warning("waiting for a chat's word", mirror=mirror.name, seconds=seconds, why=decision.reason)

    def _wait_unsure(self, job: Job, until: float, unsure: bool) -> None:
        if unsure:
            self.unknown[job.id] = Unknown(at=until, search=True)

    def _cost(self, at: float) -> float:
        """What waiting until then adds to the job's own trouble: nothing while there is no connection."""
        return max(0.0, at - self._clock.now()) if self._target.connected else 0.0

    async def _is_poison(self, mirror: Mirror, job: Job) -> bool:
        """Three different jobs in a row: it is not the message. The third stays where it is, and is what
        the mirror is tried with again."""
        broken = self._poisoned.setdefault(mirror.id, [])
        if job.id not in broken:
            broken.append(job.id)
        if len(broken) < POISON_LIMIT:
            return False
        await self.pause(mirror, f"{POISON_LIMIT} messages in a row broke the program: see the journal")
        return True

    # -- a mirror's -----------------------------------------------------------------------------------

    async def pause(self, mirror: Mirror, reason: str) -> None:
        """Send nothing for this mirror until its chats were asked again."""
        if await self._store.pause(mirror.id, "lost", reason):
            log.error("mirror paused, asked again every 10 minutes", mirror=mirror.name, why=reason)

    def rests(self, mirror: Mirror) -> float:
        """Until when this mirror's target is left alone after trouble that is no job's (unix time)."""
        return self._clock.now() + self._patience.left(mirror.id)

    async def of_mirror(self, mirror: Mirror, error: TelegramError) -> float:
        """The target could not be looked at, before any job: when to try again."""
        if isinstance(error, TargetLost):
            said = await self._confirm(mirror, "target")
            if said.lost:
                await self.pause(mirror, said.lost)
                return math.inf
        if isinstance(error, FloodWait):
            await self._floods.remember(error)
        self._patience.failed(mirror.id, "target could not be looked at", error, mirror=mirror.name)
        return self.rests(mirror)
