"""Finds the copy that a reply answers, or the reason why there is none.

A parent still waiting in the backlog is moved directly before the live reply to it, one level deep. A lost
parent degrades to a line and never blocks. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from ..domain.clock import Clock
from ..domain.messages import Chat, Message, Mirror
from ..domain.ports import Ids, Source
from ..domain.reasons import filter_of
from ..ledger import Job, Store
from ..mirrors.registry import MirrorRegistry
from ..policy.captions import link
from ..policy.plan import Parent
from ..transfer.prefetch import Prefetcher

log = structlog.get_logger()

#: Largest distance in ids between an album's items, when the first is fetched alone.
ALBUM_SPAN = 9
#: Shown for a parent whose copy is in the basic group from before the target's migration.
BEFORE = "a message from before this group became a supergroup"


class Lifted:
    """The parent was moved before its reply and goes first."""


class Parents:
    """Finds the parents of replies."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: MirrorRegistry,
        staging: Prefetcher,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._source = source
        self._store = store
        self._roster = roster
        self._staging = staging
        self._clock = clock
        self._ids = ids

    async def find(
        self, mirror: Mirror, job: Job, messages: Sequence[Message], *, may_lift: bool = True
    ) -> Parent | Lifted | None:
        """Return the parent of the job; Lifted if the parent was moved before it and goes first."""
        if job.follows is not None:
            copy = await self._store.first_copy(job.follows)
            return Parent(copy=copy) if copy is not None else None
        reply = next((message.reply for message in messages if message.reply), None)
        if reply is None:
            return None
        chat = reply.chat or job.chat
        origin = await self._store.origin(mirror.id, chat, reply.id)
        if origin is None and chat != job.chat:
            elsewhere = Chat(id=chat, title="", kind="supergroup")
            return Parent(
                lost=reply.what or "a message of another chat",
                link=link(elsewhere, reply.id) if reply.id else "",
            )
        where = link(self._roster.source_of(mirror, chat), reply.id) if reply.id else ""
        if origin is not None and origin.copy_id is not None:
            if origin.target != mirror.target:
                return Parent(lost=BEFORE)
            return Parent(copy=origin.copy_id, topic=origin.topic)
        may_lift = may_lift and job.lane == "live" and job.sub >= 0
        if origin is not None and origin.state == "waiting" and origin.lane == "backlog" and may_lift:
            kept = [message for message, _ in await self._store.messages(origin.job)]
            return await self._lift(mirror, job, kept)
        if origin is None and may_lift and await self._lies_ahead(mirror, chat, reply.id):
            found = await self._fetch_whole(chat, reply.id)
            if found:
                return await self._lift(mirror, job, found)
        if origin is not None and not filter_of(origin.reason):
            return Parent(lost=origin.reason or origin.state, link=where)
        return Parent(lost="not mirrored", link=where)

    async def _lift(self, mirror: Mirror, job: Job, messages: Sequence[Message]) -> Lifted:
        await self._store.take_lifted(
            mirror.id, messages, before=job.id, now=self._clock.now(), new_id=self._ids.random_id
        )
        log.info("parent goes first", mirror=mirror.name, source_id=messages[0].id, answered_by=job.first_id)
        self._staging.wake()
        return Lifted()

    async def _lies_ahead(self, mirror: Mirror, chat: int, source_id: int) -> bool:
        gaps = await self._store.gaps(mirror.id)
        return any(gap.chat == chat and gap.next_id < source_id <= gap.end_id for gap in gaps)

    async def _fetch_whole(self, chat: int, source_id: int) -> list[Message]:
        """Fetch a message, or the whole album that it belongs to."""
        around = range(max(1, source_id - ALBUM_SPAN), source_id + ALBUM_SPAN + 1)
        found = await self._source.messages(chat, list(around))
        message = found.get(source_id)
        if message is None or message.service:
            return []
        if message.group is None:
            return [message]
        return [found[i] for i in sorted(found) if found[i].group == message.group]
