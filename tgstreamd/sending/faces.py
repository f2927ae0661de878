"""Makes the target look as its source does: title, description, photo (`chat = true`).

Each is carried out by itself and written down, so that nothing is done twice. The photo's few hundred
kilobytes are moved like any file's, part by part. What this account may not do is said, and left.
"""

from __future__ import annotations

import msgspec
import structlog

from ..clock import Clock
from ..errors import FloodWait, MediaExpired, Rejected, TargetLost
from ..model import PART_SIZE, Face, Media, Mirror, Upload
from ..ports import Ids, Source, Target
from ..store import Change, Store

log = structlog.get_logger()

#: While a call is under way the target may look either way: like nothing that a source can look like.
UNSURE = Face(title="", about="\0", photo=Media(kind="photo", id=-1))


class Faces:
    """Carries out changes of kind `chat`."""

    def __init__(self, source: Source, target: Target, store: Store, clock: Clock, ids: Ids) -> None:
        self._source = source
        self._target = target
        self._store = store
        self._clock = clock
        self._ids = ids

    async def change(self, mirror: Mirror, change: Change) -> bool:
        """True once the target looks so. Raises what the ports raise, but for refusals."""
        wanted = msgspec.msgpack.decode(change.payload, type=Face)
        shown = await self._store.face(mirror.id)
        if shown is None or not mirror.chat:
            return True
        try:
            if wanted.title != shown.title:
                shown = await self._shown(mirror, shown, title=UNSURE.title)
                await self._target.edit_title(mirror.target, wanted.title)
                shown = await self._shown(mirror, shown, title=wanted.title)
            if wanted.about != shown.about:
                shown = await self._shown(mirror, shown, about=UNSURE.about)
                await self._target.edit_about(mirror.target, wanted.about)
                shown = await self._shown(mirror, shown, about=wanted.about)
            if wanted.looks() != shown.looks():
                upload = await self._bring_over(change, wanted.photo) if wanted.photo else None
                shown = await self._shown(mirror, shown, photo=UNSURE.photo)
                await self._target.edit_photo(mirror.target, upload)
                await self._shown(mirror, shown, photo=wanted.photo)
        except (Rejected, TargetLost) as error:
            if isinstance(error, TargetLost) and error.error != "CHAT_ADMIN_REQUIRED":
                raise
            log.warning("target cannot look as its source does", mirror=mirror.name, why=error.line())
            return True
        except FloodWait as error:
            # The hold names a method that nobody looks at before this kind of change.
            await self._store.postpone_change(change.id, self._clock.now() + error.seconds)
            raise
        log.info("target looks as its source does", mirror=mirror.name, title=wanted.title)
        return True

    async def _shown(self, mirror: Mirror, shown: Face, **changes: str | Media | None) -> Face:
        shown = msgspec.structs.replace(shown, **changes)
        await self._store.face_shown(mirror.id, shown)
        return shown

    async def _bring_over(self, change: Change, photo: Media) -> Upload | None:
        try:
            return await self._move(photo)
        except MediaExpired:
            fresh = (await self._source.chat(change.chat)).photo
            return await self._move(fresh) if fresh is not None else None

    async def _move(self, photo: Media) -> Upload:
        upload = Upload(file_id=self._ids.random_id(), size=photo.size, name="photo.jpg", small=True)
        for index in range(upload.parts):
            data = await self._source.part(photo, index * PART_SIZE, PART_SIZE)
            await self._target.save_part(upload, index, data)
        return upload
