"""Plans the copies of a job: calls the pure `policy.plan` with data from ledger, registry and source.

Finds a reply's parent, the topic, the copies that links point to, and the author of the preceding post.
Writes only to place a parent or a topic job before this one. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..domain.clock import Clock
from ..domain.messages import GENERAL_TOPIC, LastAuthor, Message, Mirror
from ..domain.ports import Ids, Source
from ..ledger import Job, Store
from ..mirrors.registry import MirrorRegistry
from ..policy.links import mentioned
from ..policy.media_plan import Links
from ..policy.plan import Parent, Plan, plan
from ..transfer.prefetch import Prefetcher
from .replies import Lifted, Parents
from .topics import Place, Topics

#: Minimum seconds that a poll must stay open (https://core.telegram.org/constructor/poll).
CLOSING = 10.0


class Planning:
    """Plans jobs."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: MirrorRegistry,
        staging: Prefetcher,
        topics: Topics,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._source = source
        self._store = store
        self._roster = roster
        self._staging = staging
        self._topics = topics
        self._clock = clock
        self._parents = Parents(source, store, roster, staging, clock, ids)

    async def of(self, mirror: Mirror, job: Job, messages: Sequence[Message]) -> Plan | None:
        """Return what the job sends; None if its topic or its parent was placed before it."""
        if job.kind == "topic":
            opening = await self._topics.opening(mirror, job)
            return Plan(drafts=(opening,)) if opening else Plan(skip="the topic is there already")
        place = await self._topics.place(mirror, job, messages[0])
        if place.later:
            self._staging.wake()
            return None
        parent = await self._parents.find(mirror, job, messages)
        messages = await self._fetch_whole(job, messages)
        return None if isinstance(parent, Lifted) else await self._plan(mirror, job, messages, parent, place)

    async def again(self, mirror: Mirror, job: Job, messages: Sequence[Message]) -> Plan:
        """Return what the copy of edited originals should look like now. Moves no parent ahead."""
        parent = await self._parents.find(mirror, job, messages, may_lift=False)
        place = await self._topics.place(mirror, job, messages[0], may_make=False)
        parent = None if isinstance(parent, Lifted) else parent
        bare = job.host not in (0, *(message.id for message in messages))
        said = (job.byline, job.placed)
        return await self._plan(mirror, job, messages, parent, place, said=said, bare=bare)

    # -- inside ---------------------------------------------------------------------------------------

    async def _plan(
        self,
        mirror: Mirror,
        job: Job,
        messages: Sequence[Message],
        parent: Parent | None,
        place: Place,
        *,
        said: tuple[bool | None, bool | None] = (None, None),
        bare: bool = False,
    ) -> Plan:
        """`said`: whether author and topic were shown when the copy was made. `bare`: an album item whose
        lines are carried by another item."""
        messages = [_close_if_due(message, self._clock.now()) for message in messages]
        if parent is not None and await self._topics.is_elsewhere(mirror, job.chat, parent.topic, place):
            parent = msgspec.structs.replace(parent, across=True)
        links = await self._links(mirror, messages)
        return plan(
            messages,
            mirror=mirror,
            account=self._roster.writer,
            source=self._roster.source_of(mirror, job.chat),
            parent=parent,
            backlog=job.lane == "backlog",
            same_account=self._roster.same_account,
            topic=place.topic,
            topic_name=place.name,
            links=links,
            before=await self._preceding_author(mirror, place),
            line=said[0],
            placed=said[1],
            bare=bare,
        )

    async def _preceding_author(self, mirror: Mirror, place: Place) -> LastAuthor | None:
        """Return the author of the last post where the next one goes; None if that does not matter."""
        if mirror.attribution == "none" and not place.name:
            return None
        topic = mirror.target_topic or place.topic or GENERAL_TOPIC
        return await self._store.voice(mirror.id, mirror.target, 0 if topic == GENERAL_TOPIC else topic)

    async def _fetch_whole(self, job: Job, messages: Sequence[Message]) -> Sequence[Message]:
        """Return the messages, with media that Telegram had sent only in part fetched in full."""
        if not any(message.media is not None and message.media.partial for message in messages):
            return messages
        fresh = await self._source.messages(job.chat, [message.id for message in messages])
        # A message deleted since stays as it was received.
        return [
            msgspec.structs.replace(message, media=fresh[message.id].media)
            if message.id in fresh and fresh[message.id].media is not None
            else message
            for message in messages
        ]

    async def _links(self, mirror: Mirror, messages: Sequence[Message]) -> Links | None:
        """Return the copies of those source messages to which these messages link."""
        source, target = self._roster.sources[mirror.source], self._roster.targets.get(mirror.target)
        if target is None:
            return None
        copies = {}
        for source_id in mentioned(messages, source):
            origin = await self._store.origin(mirror.id, mirror.source, source_id)
            # A copy in the basic group from before the migration has an id of that group.
            if origin is not None and origin.copy_id is not None and origin.target == mirror.target:
                copies[source_id] = origin.copy_id
        return Links(source=source, target=target, copies=copies)


def _close_if_due(message: Message, now: float) -> Message:
    """Return the poll as closed if its closing time passed while it waited: it takes no more votes, and
    Telegram accepts no closing time in the past."""
    media = message.media
    if media is None or media.closed or not 0 < media.closes <= now + CLOSING:
        return message
    return msgspec.structs.replace(message, media=msgspec.structs.replace(media, closed=True))
