"""Runs one transfer: the parts of a file and its thumbnail, and the commit that turns them into a document.

Continues where an earlier attempt stopped, refreshes expired file references, sends lost parts again, and
waits through flood waits and outages. `prefetch` decides which transfer runs when; the pipe transfers the
bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import (
    CdnUnusable,
    FloodWait,
    MediaExpired,
    PartsMissing,
    Rejected,
    SourceGone,
    Transient,
)
from ..domain.holds import Scope
from ..domain.messages import PART_SIZE, SMALL_FILE_MAX, Media, Message, Upload, Value
from ..domain.ports import Ids, Source, Target
from ..ledger import Job, Store
from ..limits.holds import StoredHolds
from ..mirrors.registry import MirrorRegistry
from ..policy.retry import backoff
from .pipe import PART_SHORT, Pipe

log = structlog.get_logger()

COMMIT = "messages.uploadMedia"
#: Failures of one transfer while connected (a quarter of an hour) before the sender decides what becomes of
#: the message.
TRIES = 20
#: Refusals of an upload without a reason before its parts are sent anew, and how often that is done.
REFUSALS = 3
ANEW = 3


class Transfer(Value, frozen=True, kw_only=True):
    """One running transfer, for the status."""

    mirror: str
    source_id: int
    name: str
    size: int
    transferred: int
    bytes_per_second: float


class Flow:
    """The state of a running transfer."""

    def __init__(self, mirror: str, message: Message, media: Media, started: float) -> None:
        self.mirror = mirror
        self.source_id = message.id
        self.media = media
        self.started = started
        self.at_start: int | None = None
        self.transferred = 0
        #: Whether the last error was a refusal of the upload itself, and the seconds spent retrying those.
        self.refused = False
        self.troubled = 0.0

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


class TransferRunner:
    """Runs the transfers of single messages, any number in parallel."""

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
    ) -> None:
        self._pipe = pipe
        self._holds = holds
        self._source = source
        self._target = target
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids

    async def bring(self, job: Job, message: Message, flow: Flow) -> None:
        """Transfer and commit one message's media with its thumbnail, retrying transient errors.

        Raises the error that ends the transfer permanently.
        """
        dc = flow.media.dc or None
        log.info("transfer began", **self._names(job, message), size=flow.media.size, dc=dc)
        tries = 0
        while True:
            flow.refused = False
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
                until = self._clock.now() + error.seconds
                await self._holds.hold(Scope.method(error.method), until, error.what)
                await self._sleep(max(1.0, error.seconds))
            except CdnUnusable:
                raise
            except Transient as error:
                # Every step here may be repeated: it only creates a document that nobody has seen.
                tries += self._target.connected and self._source.connected
                if tries > TRIES:
                    raise
                log.warning("transfer interrupted", **self._names(job, message), why=error.line())
                if flow.refused:
                    flow.troubled += backoff(tries)
                await self._sleep(backoff(tries))
        moved = flow.seen(self._clock.monotonic())
        log.info(
            "transfer done",
            **self._names(job, message),
            size=flow.media.size,
            seconds=round(self._clock.monotonic() - flow.started, 1),
            bytes_per_second=int(moved.bytes_per_second),
        )

    async def _once(self, job: Job, message: Message, flow: Flow) -> None:
        media = flow.media

        async def refresh() -> Media:
            flow.media = await self._refetch(job, message, flow.media)
            return flow.media

        upload = await self._flow_parts(job, message, media, refresh, flow.progress, thumb=False)
        thumb = None
        if media.thumb_size:
            try:
                thumb = await self._flow_parts(job, message, flow.media, refresh, None, thumb=True)
            except (Rejected, SourceGone, CdnUnusable) as error:
                # The file is complete without its thumbnail.
                log.warning("thumbnail left out", **self._names(job, message), why=error.line())
        mirror = self._roster.mirrors[job.mirror]
        await self._until_commits_are_free()
        media = await self._with_companions(job, message, flow.media)
        try:
            raw = await self._commit(job, message, mirror.target, media, upload, thumb)
        except Transient as error:
            flow.refused = await self._record_refusal(job, message, error)
            raise
        await self._store.commit_upload(job.id, message.id, media_id=flow.media.id, raw=raw)

    async def _commit(
        self, job: Job, message: Message, chat: int, media: Media, upload: Upload, thumb: Upload | None
    ) -> bytes:
        try:
            return await self._target.commit(chat, media, upload, thumb)
        except MediaExpired as error:
            if media.alone or not media.companions:
                raise
            log.warning("cover or moving part left out", **self._names(job, message), why=error.line())
            return await self._target.commit(chat, msgspec.structs.replace(media, alone=True), upload, thumb)

    async def _with_companions(self, job: Job, message: Message, media: Media) -> Media:
        """Return the media with fresh references of its cover or moving part, or without them if they cannot
        be had. The transfer may have outlasted the old references."""
        if not media.companions:
            return media
        source = self._roster.sources.get(self._roster.mirrors[job.mirror].source)
        if self._roster.same_account and not (source is not None and source.protected):
            try:
                return await self._refetch(job, message, media)
            except SourceGone as error:
                log.warning("cover or moving part left out", **self._names(job, message), why=error.line())
        return msgspec.structs.replace(media, alone=True)

    async def _until_commits_are_free(self) -> None:
        """Wait out a hold on the commit, perhaps from before a restart; parts are transferred meanwhile."""
        now = self._clock.now()
        if left := (await self._holds.look()).seconds_left(Scope.method(COMMIT), now):
            await self._sleep(left)

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
        size = media.extent(thumb=thumb)
        row = await self._store.upload(job.id, message.id, thumb=thumb)
        key = self._target.key
        if row is None or row.media_id != media.id or row.key != key or row.upload.size != size:
            new = Upload(
                file_id=self._ids.random_id(),
                size=size,
                name="thumb.jpg" if thumb else media.name or _name(media),
                small=thumb or media.kind in ("photo", "live_photo", "round") or size <= SMALL_FILE_MAX,
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
        try:
            await self._pipe.transfer(
                media, upload, done=done, acknowledge=acknowledge, refresh=refresh, progress=progress,
                thumb=thumb,
            )  # fmt: skip
        except Transient as error:
            if error.error != PART_SHORT:
                raise
            # The short answer persists over retries: the missing bytes do not exist.
            raise SourceGone("the file is shorter than Telegram says") from error
        return upload

    async def _refetch(self, job: Job, message: Message, old: Media) -> Media:
        """Return the media with a fresh file reference, taken from its message."""
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

    async def _record_refusal(self, job: Job, message: Message, error: Transient) -> bool:
        """Return whether Telegram answered with an error that gives no reason.

        This may persist forever if an earlier process committed this upload and died before recording it.
        """
        if not (self._target.connected and error.error):
            return False
        if await self._store.refuse_upload(
            job.id, message.id, after=REFUSALS, at_most=ANEW, new_id=self._ids.random_id
        ):
            log.warning("upload begins anew", **self._names(job, message), why=error.line())
        return True

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.monotonic() + seconds)

    def _names(self, job: Job, message: Message) -> dict[str, str | int]:
        return {"mirror": self._roster.mirrors[job.mirror].name, "source_id": message.id}


def _name(media: Media) -> str:
    """Return a file name for media without one: photos are accepted only with an extension."""
    known = {
        "photo": "photo.jpg",
        "live_photo": "photo.jpg",
        "voice": "voice.ogg",
        "round": "round.mp4",
        "gif": "gif.mp4",
    }
    return known.get(media.kind, "file")
