"""Downloads parts of files from their data centre, or from the CDN to which it redirects.

Remembers for a limited number of files that they are on a CDN. Every byte from a CDN belongs to a range whose
hash the file's data centre has sent, and a part takes no more memory than its bytes. What the CDN does not
deliver, or delivers wrong, is requested from the data centre again; if that redirects again, the part fails
(CdnUnusable).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import structlog
from telethon.errors import RPCError
from telethon.tl import functions, types

from ..domain.errors import CdnUnusable, LoginUnknown, Rejected, Transient, Undecodable
from ..domain.messages import Media
from .cdn_file import TOO_OLD, CdnFile, CdnTrouble, Check, Range, covering, pieces
from .cdn_pool import CdnPool
from .line_speed import Steps
from .pool import Pool

log = structlog.get_logger()

#: Files remembered as being on a CDN: more than are ever in transfer.
FILES_MAX: Final = 32
#: How often a part is requested from a CDN, and how often the redirect is renewed meanwhile.
TRIES: Final = 2
REUPLOADS: Final = 5
#: Seconds in which errors of a CDN are logged once.
QUIET: Final = 60.0

#: A file's id, and whether its thumbnail is meant.
type Place = tuple[int, bool]


class Downloads:
    """The downloads of one account."""

    def __init__(self, pool: Pool, cdn: CdnPool, monotonic: Callable[[], float]) -> None:
        self._pool = pool
        self._cdn = cdn
        self._monotonic = monotonic
        #: Files on a CDN; the most recently found stands last.
        self._files: dict[Place, CdnFile] = {}
        self._told: dict[int, float] = {}

    async def part(self, media: Media, location: Any, offset: int, limit: int, *, thumb: bool) -> bytes:
        """Return `limit` bytes from `offset` of the file at `location`; fewer only at its end."""
        async with self._pool.speed("down").turn(_size(media, offset, limit, thumb=thumb)) as steps:
            return await self._part(media, location, offset, limit, steps, thumb=thumb)

    async def _part(
        self, media: Media, location: Any, offset: int, limit: int, steps: Steps | None, *, thumb: bool
    ) -> bytes:
        place = media.id, thumb
        for _ in range(TRIES):
            file = self._files.get(place)
            if file is None:
                answer = await self._from_origin(media, location, offset, limit, steps)
                if isinstance(answer, bytes):
                    return answer
                file = self._remember(place, answer)
            try:
                return await self._from_cdn(media, file, offset, limit, steps, thumb=thumb)
            except CdnTrouble as error:
                trouble = str(error)
                self._forget(place, file)
                self._tell(place, file.dc, error)
        raise CdnUnusable(
            f"Telegram has this file on a CDN alone, and it cannot be had from there: {trouble}",
            error="CDN_UNUSABLE",
            hint="later: tgstreamd parked retry",
        )

    async def _from_origin(
        self, media: Media, location: Any, offset: int, limit: int, steps: Steps | None
    ) -> bytes | types.upload.FileCdnRedirect:
        """Return the bytes, or the redirect of the file's data centre."""
        found: list[bytes] = []
        async for at, count in self._paced(steps, offset, offset + limit):
            answer = await self._pool.call(media.dc, "down", _get_file(location, at, count), file=media.id)
            if isinstance(answer, types.upload.FileCdnRedirect):
                return answer
            if not isinstance(answer, types.upload.File):
                raise Undecodable("upload.getFile: the answer is no part of a file")
            found.append(bytes(answer.bytes[: offset + limit - at]))
            if len(found[-1]) < count:
                break
        return found[0] if len(found) == 1 else b"".join(found)

    async def _paced(self, steps: Steps | None, start: int, end: int) -> AsyncIterator[tuple[int, int]]:
        """Yield the requests (offset, limit) for these bytes, each no larger than a step."""
        at = start
        while at < end:
            at, count = next(pieces(at, end if steps is None else min(end, at + steps.size)))
            began = self._monotonic()
            yield at, count
            if steps is not None:
                await steps.took(self._monotonic() - began)
            at += count

    # Redirects.

    def _remember(self, place: Place, redirect: Any) -> CdnFile:
        file = CdnFile(redirect)
        known = self._files.pop(place, None)
        if known is not None and known.token == file.token:
            # Another part was redirected there at the same time.
            known.learn(redirect.file_hashes)
            file = known
        self._files[place] = file
        if len(self._files) > FILES_MAX:
            del self._files[next(iter(self._files))]
        return file

    def _forget(self, place: Place, file: CdnFile) -> None:
        """Forget the redirect, so that the data centre is asked next."""
        if self._files.get(place) is file:
            del self._files[place]

    def _tell(self, place: Place, dc: int, trouble: CdnTrouble) -> None:
        now = self._monotonic()
        if not trouble.ordinary and now >= self._told.get(dc, 0.0):
            self._told[dc] = now + QUIET
            why = str(trouble)
            log.warning("CDN does not give a file, its data centre is asked", file=place[0], why=why)

    # From the CDN.

    async def _from_cdn(
        self, media: Media, file: CdnFile, offset: int, limit: int, steps: Steps | None, *, thumb: bool
    ) -> bytes:
        size = media.extent(thumb=thumb)
        end = min(offset + limit, size)
        if end <= offset:
            return b""
        ranges = await self._ranges(media, file, offset, end)
        check = Check(ranges, offset, end)
        stop = min(size, max(known.end for known in ranges))
        async for at, count in self._paced(steps, min(known.offset for known in ranges), stop):
            data = await self._piece(media, file, at, count)
            if len(data) != min(count, size - at):
                raise CdnTrouble(f"CDN {file.dc}: {len(data)} bytes instead of {min(count, size - at)}")
            check.add(at, data)
        found = check.bytes()
        file.used(ranges, end)
        return found

    async def _ranges(self, media: Media, file: CdnFile, offset: int, end: int) -> list[Range]:
        """Return the ranges with known hashes that cover these bytes, requesting missing hashes."""
        found: list[Range] = []
        while offset < end:
            known = file.range_at(offset)
            if known is None:
                async with file.asking:
                    known = file.range_at(offset)
                    if known is None:
                        request = functions.upload.GetCdnFileHashesRequest(file.token, offset)
                        known = covering(file.learn(await self._origin(media, request)), offset)
            if known is None:
                raise CdnTrouble(f"Telegram tells no hash of the bytes from {offset} on")
            found.append(known)
            offset = known.end
        return found

    async def _piece(self, media: Media, file: CdnFile, offset: int, limit: int) -> bytes:
        """Return the CDN's bytes, decrypted and not verified yet."""
        for _ in range(REUPLOADS):
            answer = await self._cdn.part(file, offset, limit)
            if isinstance(answer, types.upload.CdnFile):
                return file.decrypt(offset, answer.bytes)
            if not isinstance(answer, types.upload.CdnFileReuploadNeeded):
                break
            request = functions.upload.ReuploadCdnFileRequest(file.token, answer.request_token)
            file.learn(await self._origin(media, request))
        raise CdnTrouble(f"CDN {file.dc}: it does not have the file, however often it is given to it")

    async def _origin(self, media: Media, request: Any) -> Any:
        """Return the answer of the file's data centre, which redirected to the CDN."""
        try:
            return await self._pool.call(media.dc, "down", request, file=media.id)
        except Rejected as error:
            raise CdnTrouble(error.what, ordinary=error.error in TOO_OLD) from error
        except Transient as error:
            if isinstance(error, LoginUnknown) or not isinstance(error.__cause__, RPCError):
                raise
            # An error of Telegram's on the way to the CDN, which may last: other ways remain.
            raise CdnTrouble(error.what) from error


def _size(media: Media, offset: int, limit: int, *, thumb: bool) -> int:
    return max(0, min(limit, media.extent(thumb=thumb) - offset))


def _get_file(location: Any, offset: int, limit: int) -> Any:
    """Build the request for a part. Without `cdn_supported`, Telegram redirects to a CDN only where it
    must."""
    return functions.upload.GetFileRequest(location, offset, limit)
