"""Copies the source's title, description and photo to the target (`chat = true`).

Each of the three is carried out and recorded separately, so that none is done twice. The photo (a few hundred
KiB) is transferred part by part like any file. Calls for which the account has no rights are not made.
"""

from __future__ import annotations

import msgspec
import structlog

from ..domain.errors import MediaExpired, Rejected, TargetLost, TelegramError
from ..domain.messages import PART_SIZE, ChatProfile, Media, Mirror, Upload
from ..domain.ports import Ids, Source, Target
from ..ledger import Change, Store
from ..mirrors.registry import MirrorRegistry

log = structlog.get_logger()

#: Marks a call in progress: the target may show the old or the new value, so this equals no value of a
#: source.
UNSURE = ChatProfile(title="", about="\0", photo=Media(kind="photo", id=-1))


class Faces:
    """Carries out changes of kind `chat`."""

    def __init__(
        self, source: Source, target: Target, store: Store, roster: MirrorRegistry, ids: Ids
    ) -> None:
        self._source = source
        self._target = target
        self._store = store
        self._roster = roster
        self._ids = ids

    async def change(self, mirror: Mirror, change: Change) -> bool:
        """Bring the target's profile up to date and return true.

        Each of the three parts is attempted whatever becomes of the others. Raises the first refusal at the
        end; other errors of the ports are raised at once.
        """
        wanted = msgspec.msgpack.decode(change.payload, type=ChatProfile)
        shown = await self._store.face(mirror.id)
        target = self._roster.targets.get(mirror.target)
        if shown is None or not mirror.chat or not (target and target.may_change_info):
            return True
        refused: list[TelegramError] = []
        for part in (self._title, self._about, self._photo):
            try:
                await part(mirror, change, wanted)
            except (Rejected, TargetLost) as error:
                refused.append(error)
        if refused:
            raise refused[0]
        log.info("target looks as its source does", mirror=mirror.name, title=wanted.title)
        return True

    async def _title(self, mirror: Mirror, change: Change, wanted: ChatProfile) -> None:
        if (await self._present(mirror)).title != wanted.title:
            await self._shown(mirror, title=UNSURE.title)
            await self._target.edit_title(mirror.target, wanted.title)
            await self._shown(mirror, title=wanted.title)

    async def _about(self, mirror: Mirror, change: Change, wanted: ChatProfile) -> None:
        if (await self._present(mirror)).about != wanted.about:
            await self._shown(mirror, about=UNSURE.about)
            await self._target.edit_about(mirror.target, wanted.about)
            await self._shown(mirror, about=wanted.about)

    async def _photo(self, mirror: Mirror, change: Change, wanted: ChatProfile) -> None:
        present = (await self._present(mirror)).photo
        if (present.id if present else 0) != (wanted.photo.id if wanted.photo else 0):
            upload = await self._request_transfer(change, wanted.photo) if wanted.photo else None
            await self._shown(mirror, photo=UNSURE.photo)
            await self._target.edit_photo(mirror.target, upload)
            await self._shown(mirror, photo=wanted.photo)

    async def _present(self, mirror: Mirror) -> ChatProfile:
        return await self._store.face(mirror.id) or UNSURE

    async def _shown(self, mirror: Mirror, **changes: str | Media | None) -> None:
        shown = msgspec.structs.replace(await self._present(mirror), **changes)
        await self._store.face_shown(mirror.id, shown)

    async def _request_transfer(self, change: Change, photo: Media) -> Upload | None:
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
