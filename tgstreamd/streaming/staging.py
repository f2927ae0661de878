"""Media under way before its message's turn: while a job waits for its pace, its file already flows.

What has been uploaded lies with Telegram, not in memory, so a backlog runs at the pace, not at the pace
plus transfer time. Owns the transfers and their tasks; the pipe moves the bytes, the ledger remembers
which parts arrived. Never sends a message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from ..clock import Clock
from ..decide.plan import way
from ..decide.retry import backoff
from ..errors import (
    FloodWait,
    NotAuthorised,
    PartsMissing,
    Rejected,
    SourceGone,
    StoreError,
    Transient,
)
from ..model import PART_SIZE, SMALL_FILE_MAX, Media, Message, Upload, Value
from ..ports import Beat, Ids, Source, Target
from ..roster import Roster
from ..store import Job, Store
from .pipe import Pipe

log = structlog.get_logger()

#: Files under way at once, small and large: what Telegram asks of clients
#: (https://core.telegram.org/api/files#downloading-files, `small_queue_max_active_operations_count`).
SMALL_FILES = 5
LARGE_FILES = 2
LARGE = 20 * 1024 * 1024
#: Jobs of each lane whose media may flow before their turn.
AHEAD = 12
IDLE = 60.0
COMMIT = "messages.uploadMedia"


class Transfer(Value, frozen=True, kw_only=True):
    """One file on its way, for the status."""

    mirror: str
    source_id: int
    name: str
    size: int
    transferred: int
    bytes_per_second: float


@dataclass(frozen=True)
class Failure:
    """What ended the transfer of one message's media for good."""

    error: BaseException
    source_id: int


class _Flow:
    """What is known of a transfer while it runs."""

    def __init__(self, mirror: str, message: Message, media: Media, started: float) -> None:
        self.mirror = mirror
        self.source_id = message.id
        self.media = media
        self.started = started
        self.at_start: int | None = None
        self.transferred = 0

    def progress(self, transferred: int) -> None:
        if self.at_start is None:
            self.at_start = transferred
        self.transferred = transferred

    def seen(self, now: float) -> Transfer:
        moved = self.transferred - (self.at_start or 0)
        return Transfer(
            mirror=self.mirror,
            source_id=self.source_id,
            name=self.media.name or self.media.kind,
            size=self.media.size,
            transferred=self.transferred,
            bytes_per_second=moved / max(0.001, now - self.started),
        )


class Staging:
    """Brings the media of the next jobs to the target's side."""

    def __init__(
        self,
        pipe: Pipe,
        source: Source,
        target: Target,
        store: Store,
        roster: Roster,
        clock: Clock,
        ids: Ids,
        *,
        notify: Callable[[], None],
    ) -> None:
        """`notify` is called when a job's media is ready, or never will be."""
        self._pipe = pipe
        self._source = source
        self._target = target
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._notify = notify
        self._wake = asyncio.Event()
        self._flows: dict[tuple[int, int], _Flow] = {}
        #: What ended a transfer for good; the sender decides what becomes of the job.
        self._failures: dict[int, Failure] = {}
        self._floods: dict[str, float] = {}
        #: Jobs whose media is moved although it could go by reference: a reference was refused.
        self.forced: set[int] = set()

    def wake(self) -> None:
        """Look again: jobs came, or were settled."""
        self._wake.set()

    def transfers(self) -> list[Transfer]:
        """What is on its way now."""
        now = self._clock.monotonic()
        return [flow.seen(now) for flow in self._flows.values()]

    def failed(self, job: int) -> bool:
        """Whether the media of this job cannot be brought over."""
        return job in self._failures

    def failure(self, job: int) -> Failure | None:
        """Why it cannot; asking clears it, so that it is tried anew."""
        return self._failures.pop(job, None)

    def streams(self, job: int, media: Media | None, *, mirror: int) -> bool:
        """Whether this media's bytes have to be moved before its message can be sent."""
        if media is None:
            return False
        roster = self._roster
        source = roster.sources.get(roster.mirrors[mirror].source)
        how = way(
            media,
            mirror=roster.mirrors[mirror],
            account=roster.writer,
            same_account=roster.same_account,
            no_reference=job in self.forced or (source is not None and source.protected),
        )
        return how == "stream"

    async def needs(self, job: Job) -> list[Message]:
        """The messages of a job whose media is still to be brought over."""
        moving = [
            (message, message.media.id)
            for message, _ in await self._store.messages(job.id)
            if message.media is not None and self.streams(job.id, message.media, mirror=job.mirror)
        ]
        committed = await self._store.committed(job.id) if moving else {}
        return [message for message, media in moving if committed.get(message.id, (0, b""))[0] != media]

    async def run(self, beat: Beat) -> None:
        """The service that starts transfers, the next jobs' first."""
        async with asyncio.TaskGroup() as group:
            while True:
                beat(IDLE)
                self._wake.clear()
                for job, message, media in await self._candidates():
                    if self._room_for(media) and (job.id, message.id) not in self._flows:
                        name = self._roster.mirrors[job.mirror].name
                        flow = _Flow(name, message, media, self._clock.monotonic())
                        self._flows[job.id, message.id] = flow
                        group.create_task(self._carry(job, message, flow), name=f"transfer {message.id}")
                await self._clock.wait(self._wake, self._clock.monotonic() + IDLE / 2)

    def flooded(self, method: str, seconds: float) -> None:
        """The pipe has met a wait that Telegram orders, and obeys it; new transfers and restarts do too."""
        until = self._clock.now() + seconds
        if until > self._floods.get(method, 0.0) + 1.0:
            log.warning("Telegram asks to wait, transfers rest", method=method, seconds=seconds)
            self._floods[method] = until
            self._wake.set()

    async def _keep_floods(self) -> bool:
        """Write new floods down; true while one binds transfers."""
        for method, until in self._floods.items():
            await self._store.hold_until(f"method:{method}", until, f"{method}: wait ordered by Telegram")
        self._floods.clear()
        holds = await self._store.holds()
        binding = ("account", *(scope for scope in holds if scope.startswith("method:upload.")))
        return any(scope in holds and holds[scope].until > self._clock.now() for scope in binding)

    async def catch_up(self) -> None:
        """Bring over what comes next, one after the other, until nothing is left: what tests call."""
        while todo := await self._candidates():
            job, message, media = todo[0]
            flow = _Flow(self._roster.mirrors[job.mirror].name, message, media, self._clock.monotonic())
            self._flows[job.id, message.id] = flow
            await self._carry(job, message, flow)

    async def _candidates(self) -> list[tuple[Job, Message, Media]]:
        """What could flow now, in the order in which it will be wanted."""
        found: list[tuple[Job, Message, Media]] = []
        paused = {row.id for row in await self._store.mirror_list() if row.paused}
        if await self._keep_floods():
            return []
        for mirror in self._roster.mirrors.values():
            if mirror.id in paused:
                continue
            for lane in ("live", "backlog"):
                for job in await self._store.ahead(mirror.id, lane, AHEAD):
                    if job.id in self._failures or job.kind != "copy":
                        continue
                    for message in await self.needs(job):
                        if message.media is not None:
                            found.append((job, message, message.media))
        return found

    def _room_for(self, media: Media) -> bool:
        large = media.size >= LARGE
        same = sum(1 for flow in self._flows.values() if (flow.media.size >= LARGE) == large)
        return same < (LARGE_FILES if large else SMALL_FILES)

    async def _carry(self, job: Job, message: Message, flow: _Flow) -> None:
        """One transfer to its end; what ends it badly is kept for the sender, whatever it is."""
        try:
            [outcome] = await asyncio.gather(self._bring(job, message, flow), return_exceptions=True)
        finally:
            del self._flows[job.id, message.id]
            self._wake.set()
        if isinstance(outcome, NotAuthorised | StoreError):
            raise outcome
        if isinstance(outcome, BaseException):
            self._failures[job.id] = Failure(error=outcome, source_id=message.id)
        self._notify()

    async def _bring(self, job: Job, message: Message, flow: _Flow) -> None:
        log.info("transfer began", **self._names(job, message), size=flow.media.size)
        tries = 0
        while True:
            try:
                await self._once(job, message, flow)
                break
            except PartsMissing as error:
                tries += 1
                if tries > 10:
                    raise
                await self._lost_parts(job, message, error, restart=tries > 3)
            except FloodWait as error:
                log.warning("Telegram asks to wait", **self._names(job, message), seconds=error.seconds)
                await self._store.hold_until(
                    f"method:{error.method}", self._clock.now() + error.seconds, error.what
                )
                await self._sleep(max(1.0, error.seconds))
            except Transient as error:
                # Everything here may be repeated: it only makes a document that nobody saw.
                tries += self._target.connected and self._source.connected
                if tries > 30:
                    raise
                log.warning("transfer interrupted", **self._names(job, message), why=error.line())
                await self._sleep(backoff(tries))
        moved = flow.seen(self._clock.monotonic())
        log.info(
            "transfer done",
            **self._names(job, message),
            size=flow.media.size,
            seconds=round(self._clock.monotonic() - flow.started, 1),
            bytes_per_second=int(moved.bytes_per_second),
        )

    async def _once(self, job: Job, message: Message, flow: _Flow) -> None:
        media = flow.media

        async def refresh() -> Media:
            flow.media = await self._refetched(job, message, flow.media)
            return flow.media

        upload = await self._flow_parts(job, message, media, refresh, flow.progress, thumb=False)
        thumb = None
        if media.thumb_size:
            try:
                thumb = await self._flow_parts(job, message, flow.media, refresh, None, thumb=True)
            except (Rejected, SourceGone) as error:
                # A picture of the file is not the file.
                log.warning("thumbnail left out", **self._names(job, message), why=error.line())
        mirror = self._roster.mirrors[job.mirror]
        await self._until_commits_are_free()
        raw = await self._target.commit(mirror.target, flow.media, upload, thumb)
        await self._store.commit_upload(job.id, message.id, media_id=flow.media.id, raw=raw)

    async def _until_commits_are_free(self) -> None:
        """A flood wait on the commit, perhaps ordered before a restart, does not keep parts from moving."""
        hold = (await self._store.holds()).get(f"method:{COMMIT}")
        if hold is not None and hold.until > self._clock.now():
            await self._sleep(hold.until - self._clock.now())

    async def _flow_parts(
        self,
        job: Job,
        message: Message,
        media: Media,
        refresh: Callable[[], Awaitable[Media]],
        progress: Callable[[int], None] | None,
        *,
        thumb: bool,
    ) -> Upload:
        size = media.thumb_size if thumb else media.size
        row = await self._store.upload(job.id, message.id, thumb=thumb)
        key = self._target.key
        if row is None or row.media_id != media.id or row.key != key or row.upload.size != size:
            new = Upload(
                file_id=self._ids.random_id(),
                size=size,
                name="thumb.jpg" if thumb else media.name or _name(media),
                small=thumb or media.kind in ("photo", "round") or size <= SMALL_FILE_MAX,
            )
            await self._store.begin_upload(job.id, message.id, new, media_id=media.id, key=key, thumb=thumb)
            upload, done = new, frozenset[int]()
        else:
            upload, done = row.upload, row.done
            if not thumb:
                log.info(
                    "transfer goes on", **self._names(job, message), parts_done=len(done), parts=upload.parts
                )

        async def acknowledge(parts: Sequence[int]) -> None:
            await self._store.acknowledge(upload.file_id, parts)

        if progress is not None:
            progress(min(size, len(done) * PART_SIZE))
        await self._pipe.transfer(
            media, upload, done=done, acknowledge=acknowledge, refresh=refresh, progress=progress, thumb=thumb
        )
        return upload

    async def _refetched(self, job: Job, message: Message, old: Media) -> Media:
        """The media with a fresh reference, from the message that it hangs on."""
        fresh = (await self._source.messages(message.chat, [message.id])).get(message.id)
        if fresh is None:
            raise SourceGone("the original was deleted before its media could be read")
        if fresh.media is None or fresh.media.id != old.id:
            raise SourceGone("the original has other media now")
        await self._store.refresh(job.id, [fresh])
        return fresh.media

    async def _lost_parts(self, job: Job, message: Message, error: PartsMissing, *, restart: bool) -> None:
        row = await self._store.upload(job.id, message.id)
        if row is None or restart or not error.parts or 0 in error.parts:
            log.warning("upload begins anew", **self._names(job, message), why=error.line())
            await self._store.drop_upload(job.id, message.id)
        else:
            log.warning("parts were lost, sent again", **self._names(job, message), parts=error.parts)
            await self._store.forget_parts(row.upload.file_id, error.parts)

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.monotonic() + seconds)

    def _names(self, job: Job, message: Message) -> dict[str, str | int]:
        return {"mirror": self._roster.mirrors[job.mirror].name, "source_id": message.id}


def _name(media: Media) -> str:
    """A file name where the original has none: photos need an extension to be accepted."""
    known = {"photo": "photo.jpg", "voice": "voice.ogg", "round": "round.mp4", "gif": "gif.mp4"}
    return known.get(media.kind, "file")
