"""Transfers media ahead of its message's turn, while the job waits for the pace.

Uploaded parts are stored by Telegram, not in memory, so a backlog runs at the pace rather than at the pace
plus transfer time. Owns the transfers and their tasks; the pipe transfers the bytes, the ledger records which
parts arrived. Sends no messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import FilterTimeout, ends_process
from ..domain.holds import Scope
from ..domain.messages import Media, Message
from ..domain.ports import Beat, Ids, Source, Target
from ..ledger import Job, Store
from ..limits.holds import StoredHolds
from ..mirrors.registry import MirrorRegistry
from ..policy.filters import dropped
from ..policy.plan import way
from .pipe import Pipe
from .transfer import Flow, Transfer, TransferRunner

log = structlog.get_logger()

#: Concurrent small and large files, as Telegram asks of clients
#: (https://core.telegram.org/api/files#downloading-files, `small_queue_max_active_operations_count`).
SMALL_FILES = 5
LARGE_FILES = 2
LARGE = 20 * 1024 * 1024
#: Jobs of each lane whose media may be transferred before their turn,
AHEAD = 12
#: and of all lanes together (the first of each lane always): about six minutes at the pace. Uploaded parts
#: and committed media live for minutes to hours (https://core.telegram.org/api/files#uploading-files).
AHEAD_OF_ALL = 100
IDLE = 60.0


@dataclass(frozen=True)
class Failure:
    """The permanent error of one message's transfer."""

    error: BaseException
    source_id: int
    #: Seconds that the transfer spent retrying errors specific to this message.
    troubled: float = 0.0


class Prefetcher:
    """Transfers the media of the next jobs to the target's account."""

    def __init__(
        self,
        pipe: Pipe,
        source: Source,
        target: Target,
        store: Store,
        roster: MirrorRegistry,
        clock: Clock,
        ids: Ids,
        holds: StoredHolds,
        *,
        notify: Callable[[], None],
    ) -> None:
        """`notify` is called when a job's media is ready or has failed permanently."""
        self._carrier = TransferRunner(pipe, source, target, store, roster, clock, ids, holds)
        self._holds = holds
        self._store = store
        self._roster = roster
        self._clock = clock
        self._notify = notify
        self._wake = asyncio.Event()
        self._flows: dict[tuple[int, int], Flow] = {}
        #: Permanent errors of transfers; the sender decides what becomes of the job.
        self._failures: dict[int, Failure] = {}
        self._floods: dict[str, float] = {}
        #: New media of edited originals, until it is transferred.
        self._wanted: dict[tuple[int, int], tuple[Job, Message]] = {}
        #: Jobs whose media is transferred although it could go by reference, because a reference was refused.
        self.forced: set[int] = set()
        #: Jobs whose media goes by reference although it could be transferred, because it cannot be fetched
        #: or stored.
        self.referred: set[int] = set()

    def wake(self) -> None:
        """Check for transfers to start at once: jobs were added or settled."""
        self._wake.set()

    def transfers(self) -> list[Transfer]:
        """Return the transfers running now."""
        now = self._clock.monotonic()
        return [flow.seen(now) for flow in self._flows.values()]

    def failed(self, job: int) -> bool:
        """Return whether the transfer of this job's media has failed permanently."""
        return job in self._failures

    def failure(self, job: int) -> Failure | None:
        """Return the error of a failed transfer and clear it, so that it is tried again."""
        return self._failures.pop(job, None)

    def streams(self, job: int, media: Media | None, *, mirror: int) -> bool:
        """Return whether the bytes of this media must be transferred before its message can be sent."""
        if media is None or (job in self.referred and self.could_refer(media, mirror)):
            return False
        return self._moves(media, mirror, refused=job in self.forced)

    def could_move(self, media: Media, mirror: int) -> bool:
        """Return whether the media's bytes can be transferred if its reference is refused."""
        return self._moves(media, mirror, refused=True)

    def could_refer(self, media: Media, mirror: int) -> bool:
        """Return whether the media can go by reference if its bytes cannot be transferred."""
        roster = self._roster
        source = roster.sources.get(roster.mirrors[mirror].source)
        how = way(
            media,
            mirror=msgspec.structs.replace(roster.mirrors[mirror], transfer="reference"),
            account=roster.writer,
            same_account=roster.same_account,
            no_reference=source is not None and source.protected,
        )
        return how == "reference"

    def _moves(self, media: Media, mirror: int, *, refused: bool) -> bool:
        roster = self._roster
        source = roster.sources.get(roster.mirrors[mirror].source)
        how = way(
            media,
            mirror=roster.mirrors[mirror],
            account=roster.writer,
            same_account=roster.same_account,
            no_reference=refused or (source is not None and source.protected),
        )
        return how == "stream"

    async def needs(self, job: Job) -> list[Message]:
        """Return the job's messages whose media is still to be transferred; none for a job that is
        dropped."""
        messages = [message for message, _ in await self._store.messages(job.id)]
        moving = [
            (message, message.media.id)
            for message in messages
            if message.media is not None and self.streams(job.id, message.media, mirror=job.mirror)
        ]
        try:
            if moving and dropped(messages, self._roster.mirrors[job.mirror].filter):
                return []
        except FilterTimeout:
            return []  # the sender parks it
        due = await self._store.media_to_send(job.id) if moving and job.attempts else None
        if due is not None:
            # Media already sent is not transferred again.
            moving = [(message, media) for message, media in moving if message.id in due]
        committed = await self._store.committed(job.id) if moving else {}
        return [message for message, media in moving if committed.get(message.id, (0, b""))[0] != media]

    async def run(self, beat: Beat) -> None:
        """Run the service that starts transfers, those of the next jobs first."""
        async with asyncio.TaskGroup() as group:
            while True:
                beat(IDLE)
                self._wake.clear()
                for job, message, media in await self._candidates():
                    if self._has_slot_for(media) and (job.id, message.id) not in self._flows:
                        name = self._roster.mirrors[job.mirror].name
                        flow = Flow(name, message, media, self._clock.monotonic())
                        self._flows[job.id, message.id] = flow
                        group.create_task(
                            self._run_transfer(job, message, flow), name=f"transfer {message.id}"
                        )
                await self._clock.wait(self._wake, self._clock.monotonic() + IDLE / 2)

    def want(self, job: Job, message: Message) -> None:
        """Request the transfer of the new media of an original that was edited after its copy was made."""
        self._wanted[job.id, message.id] = (job, message)
        self._wake.set()

    def unwant(self, job: int) -> None:
        """Drop requests by `want` for this job."""
        self._failures.pop(job, None)
        for key in [key for key in self._wanted if key[0] == job]:
            del self._wanted[key]

    def flooded(self, method: str, seconds: float) -> None:
        """Record a flood wait that the pipe met and obeys, so that new transfers and restarts obey it too."""
        until = self._clock.now() + seconds
        if until > self._floods.get(method, 0.0) + 1.0:
            log.warning("Telegram asks to wait, transfers rest", method=method, seconds=seconds)
            self._floods[method] = until
            self._wake.set()

    async def _keep_floods(self) -> bool:
        """Store new flood waits in the ledger; return whether one holds transfers now."""
        # The pipe may meet another one while these are being stored.
        while self._floods:
            method, until = self._floods.popitem()
            await self._holds.hold(Scope.method(method), until, f"{method}: wait ordered by Telegram")
        return (await self._holds.look()).on_transfers(self._clock.now())

    async def catch_up(self) -> None:
        """Transfer everything in order until nothing is left; used by tests."""
        while todo := await self._candidates():
            job, message, media = todo[0]
            flow = Flow(self._roster.mirrors[job.mirror].name, message, media, self._clock.monotonic())
            self._flows[job.id, message.id] = flow
            await self._run_transfer(job, message, flow)

    async def _candidates(self) -> list[tuple[Job, Message, Media]]:
        """Return what could be transferred now, in the order in which it is needed."""
        found: list[tuple[Job, Message, Media]] = []
        paused = {row.id for row in await self._store.mirror_list(active_only=False) if row.paused}
        if await self._keep_floods():
            return []
        for job, message in list(self._wanted.values()):
            known = (await self._store.committed(job.id)).get(message.id, (0, b""))[0]
            if message.media is None or known == message.media.id or job.id in self._failures:
                self._wanted.pop((job.id, message.id), None)
            else:
                found.append((job, message, message.media))
        mirrors = tuple(mirror for mirror in self._roster.mirrors if mirror not in paused)
        for job in _in_turn(await self._store.media_ahead(mirrors, AHEAD)):
            if job.id in self._failures or job.kind != "copy":
                continue
            for message in await self.needs(job):
                if message.media is not None:
                    found.append((job, message, message.media))
        return found

    def _has_slot_for(self, media: Media) -> bool:
        large = media.size >= LARGE
        same = sum(1 for flow in self._flows.values() if (flow.media.size >= LARGE) == large)
        return same < (LARGE_FILES if large else SMALL_FILES)

    async def _run_transfer(self, job: Job, message: Message, flow: Flow) -> None:
        """Run one transfer to its end; keep any permanent error for the sender."""
        try:
            [outcome] = await asyncio.gather(self._carrier.bring(job, message, flow), return_exceptions=True)
        finally:
            del self._flows[job.id, message.id]
            self._wake.set()
        if isinstance(outcome, BaseException):
            if ends_process(outcome):
                raise outcome
            self._failures[job.id] = Failure(error=outcome, source_id=message.id, troubled=flow.troubled)
        self._notify()


def _in_turn(lanes: Sequence[Sequence[Job]]) -> list[Job]:
    """Return the first job of every lane, then the second of every lane, and so on, within the limit."""
    jobs = [job for rank in zip_longest(*lanes) for job in rank if job is not None]
    return jobs[: max(AHEAD_OF_ALL, sum(1 for lane in lanes if lane))]
