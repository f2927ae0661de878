"""Transfers a file of known size from source to target part by part, within a fixed memory budget.

Each part is independent: permit, fetch, send, acknowledge, release. Guarantees that media in memory stays
under `buffer_parts` over all transfers, that a failing part fails its transfer, and that a waiting part
(flood wait, no network) holds neither memory nor an upload slot. Knows neither ledger nor messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

from ..domain.clock import Clock
from ..domain.errors import FloodWait, MediaExpired, SourceGone, TelegramError, TgstreamdError, Transient
from ..domain.messages import PART_SIZE, Media, Upload
from ..domain.ports import Source, Target
from ..policy.retry import part_delay
from .window import Window

#: Acknowledged parts are reported in groups of this many, or after this many seconds.
GROUP = 12
GROUP_SECONDS = 1.0
#: Error name for a source that delivered fewer bytes than the size of its file.
PART_SHORT = "PART_SHORT"

type Acknowledge = Callable[[Sequence[int]], Awaitable[None]]


class Pipe:
    """Runs all transfers between one reading and one writing account."""

    def __init__(
        self,
        source: Source,
        target: Target,
        clock: Clock,
        *,
        buffer_parts: int = 20,
        parallel_uploads: int = 10,
        on_flood: Callable[[str, int], None] | None = None,
    ) -> None:
        """`on_flood` is called with method and seconds of every wait that Telegram orders; the pipe obeys it
        itself."""
        self._source = source
        self._target = target
        self._clock = clock
        self._on_flood = on_flood
        self._workers = max(1, buffer_parts)
        self._window = Window(self._workers)
        self._slots = asyncio.Semaphore(max(1, parallel_uploads))

    @property
    def buffer_parts(self) -> int:
        return self._workers

    @property
    def window(self) -> int:
        """The number of parts that may be in transfer now: `buffer_parts`, or fewer after flood
        waits."""
        return self._window.size

    async def transfer(
        self,
        media: Media,
        upload: Upload,
        *,
        done: Collection[int],
        acknowledge: Acknowledge,
        refresh: Callable[[], Awaitable[Media]],
        progress: Callable[[int], None] | None = None,
        thumb: bool = False,
    ) -> None:
        """Transfer every part of `media` (or of its thumbnail) that is not in `done`.

        `acknowledge` gets the indices of parts that arrived, in small groups, at the end and on cancellation.
        `refresh` fetches the media again when its file reference expired. `progress` gets the bytes of the
        file that have arrived so far, on a slow line including those inside a part. Raises the error of the
        first part that cannot succeed.
        """
        held = frozenset(done)
        # Bounds what a crash costs, however slow the ledger is: the parts of all workers and one group. (A
        # worker that waits here means that the others are busy, so a group fills up and is flushed.)
        room = self._workers + GROUP - 1
        run = _Run(media, upload, held, acknowledge, refresh, progress, thumb, room)
        if run.extent(media) != upload.size or upload.size == 0:
            raise SourceGone(f"the file has {run.extent(media)} bytes, and {upload.size} were announced")
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._workers, upload.parts - len(held))):
                    group.create_task(self._work(run))
        except BaseExceptionGroup as errors:
            await self._flush_quietly(run)
            raise errors.exceptions[0] from None
        except asyncio.CancelledError:
            await self._flush_quietly(run)
            raise
        await self._flush(run)

    async def _work(self, run: _Run) -> None:
        for index in run.left:
            await run.room.acquire()
            await self._deliver(run, index)
            run.arrived(index)
            if len(run.pending) >= GROUP or self._clock.monotonic() >= run.flushed + GROUP_SECONDS:
                await self._flush(run)

    async def _deliver(self, run: _Run, index: int) -> None:
        """Deliver one part, retrying until it arrives or cannot."""
        failures = 0
        while True:
            if run.held_until > self._clock.monotonic():
                await self._clock.sleep_until(run.held_until)
            seen = run.generation
            epoch = await self._window.enter(run)
            try:
                try:
                    await self._once(run, index)
                finally:
                    run.within.pop(index, None)
                    self._window.leave()
                self._window.widen()
                return
            except TelegramError as error:
                # Nothing of the attempt survives this block: the error's traceback refers to the part's
                # bytes.
                connected = self._source.connected and self._target.connected
                failures += connected
                delay = part_delay(error, failures, connected=connected)
                if delay is None:
                    raise error.with_traceback(None) from error.__cause__
                expired = isinstance(error, MediaExpired)
                if isinstance(error, FloodWait):
                    self._window.narrow(epoch)
                    run.held_until = max(run.held_until, self._clock.monotonic() + delay)
                    if self._on_flood is not None:
                        self._on_flood(error.method, error.seconds)
            if delay:
                await self._flush(run)
                await self._clock.sleep_until(self._clock.monotonic() + delay)
            if expired:
                await self._renew(run, seen)

    async def _once(self, run: _Run, index: int) -> None:
        """Try once; the part's bytes live no longer than this frame."""
        offset = index * PART_SIZE
        data = await self._source.part(run.media, offset, PART_SIZE, thumb=run.thumb)
        expected = min(PART_SIZE, run.upload.size - offset)
        if len(data) != expected:
            what = f"part {index} has {len(data)} bytes instead of {expected}"
            raise Transient(what, error=PART_SHORT)
        async with self._slots:
            await self._target.save_part(run.upload, index, data, on_step=lambda n: run.moves(index, n))

    async def _renew(self, run: _Run, seen: int) -> None:
        """Fetch the file reference once for all parts that found it expired."""
        async with run.renewing:
            failures = 0
            while run.generation == seen:
                try:
                    media = await run.refresh()
                except TelegramError as error:
                    connected = self._source.connected
                    failures += connected
                    delay = part_delay(error, failures, connected=connected)
                    if delay is None or isinstance(error, MediaExpired):
                        raise
                    await self._clock.sleep_until(self._clock.monotonic() + delay)
                    continue
                if media.id != run.media.id or run.extent(media) != run.upload.size:
                    raise SourceGone("the message holds another file now")
                run.media = media
                run.generation += 1

    async def _flush(self, run: _Run) -> None:
        run.flushed = self._clock.monotonic()
        if not run.pending:
            return
        group, run.pending = run.pending, []
        try:
            await run.acknowledge(group)
        except BaseException:
            # Whether it was written is unknown; acknowledging twice is harmless.
            run.pending = group + run.pending
            raise
        for _ in group:
            run.room.release()

    async def _flush_quietly(self, run: _Run) -> None:
        """Acknowledge the parts that arrived, suppressing further errors."""
        with contextlib.suppress(TgstreamdError):
            await self._flush(run)


class _Run:
    """One running transfer."""

    def __init__(
        self,
        media: Media,
        upload: Upload,
        done: frozenset[int],
        acknowledge: Acknowledge,
        refresh: Callable[[], Awaitable[Media]],
        progress: Callable[[int], None] | None,
        thumb: bool,
        room: int,
    ) -> None:
        self.media = media
        self.upload = upload
        self.acknowledge = acknowledge
        self.refresh = refresh
        self.thumb = thumb
        #: Shared by all workers: a file of 4 GB needs no list of its parts.
        self.left: Iterator[int] = (index for index in range(upload.parts) if index not in done)
        #: Parts in transfer, or arrived but not yet acknowledged.
        self.room = asyncio.Semaphore(room)
        #: Parts arrived and not yet passed to `acknowledge`.
        self.pending: list[int] = []
        #: Bytes already transferred of parts still in transfer.
        self.within: dict[int, int] = {}
        self.flushed = 0.0
        self.held_until = 0.0
        #: Counts refreshes, so that a part can tell whether another one has refreshed since.
        self.generation = 0
        self.renewing = asyncio.Lock()
        self._progress = progress
        self._bytes = sum(self._size(index) for index in done)

    def extent(self, media: Media) -> int:
        return media.extent(thumb=self.thumb)

    def moves(self, index: int, through: int) -> None:
        """Record that `through` bytes of a part in transfer have arrived."""
        self.within[index] = min(through, self._size(index))
        self._tell()

    def arrived(self, index: int) -> None:
        self.pending.append(index)
        self._bytes += self._size(index)
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._bytes + sum(self.within.values()))

    def _size(self, index: int) -> int:
        return min(PART_SIZE, self.upload.size - index * PART_SIZE)
