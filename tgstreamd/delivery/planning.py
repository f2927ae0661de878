"""What the copies of a job should look like: the pure plan, fed with what ledger, roster and source know.

Finds the parent of a reply, the topic, the copies that links lead to, whose post stands before. Writes
nothing but what puts a parent or a topic before the job. Sends nothing.
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

#: Seconds that a poll must at least stay open (https://core.telegram.org/constructor/poll).
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
        """What the job will send; None where its topic or its parent was put before it."""
        if job.kind == "topic":
            opening = await self._topics.opening(mirror, job)
            return Plan(drafts=(opening,)) if opening else Plan(skip="the topic is there already")
        place = await self._topics.place(mirror, job, messages[0])
        if place.later:
            self._staging.wake()
            return None
        parent = await self._parents.find(mirror, job, messages)
        messages = await self._whole(job, messages)
        return None if isinstance(parent, Lifted) else await self._plan(mirror, job, messages, parent, place)

    async def again(self, mirror: Mirror, job: Job, messages: Sequence[Message]) -> Plan:
        """What the copy of originals that have changed should look like now; nobody is lifted for it."""
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
        """`said`: whether author and topic are named, where that was decided when the copy was made. `bare`:
        an item of an album of which another one carries our lines."""
        messages = [_closed_by_now(message, self._clock.now()) for message in messages]
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
            before=await self._before(mirror, place),
            line=said[0],
            placed=said[1],
            bare=bare,
        )

    async def _before(self, mirror: Mirror, place: Place) -> LastAuthor | None:
        """Whose post stands last where the next one goes; None where nobody asks."""
        if mirror.attribution == "none" and not place.name:
            return None
        topic = mirror.target_topic or place.topic or GENERAL_TOPIC
        return await self._store.voice(mirror.id, mirror.target, 0 if topic == GENERAL_TOPIC else topic)

    async def _whole(self, job: Job, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages with media of which Telegram had told only a part."""
        if not any(message.media is not None and message.media.partial for message in messages):
            return messages
        fresh = await self._source.messages(job.chat, [message.id for message in messages])
        # What is gone stays as it was told.
        return [
            msgspec.structs.replace(message, media=fresh[message.id].media)
            if message.id in fresh and fresh[message.id].media is not None
            else message
            for message in messages
        ]

    async def _links(self, mirror: Mirror, messages: Sequence[Message]) -> Links | None:
        """The copies of the messages of the source to which these ones link."""
        source, target = self._roster.sources[mirror.source], self._roster.targets.get(mirror.target)
        if target is None:
            return None
        copies = {}
        for source_id in mentioned(messages, source):
            origin = await self._store.origin(mirror.id, mirror.source, source_id)
            # A copy in the group that the target was has an id of that.
            if origin is not None and origin.copy_id is not None and origin.target == mirror.target:
                copies[source_id] = origin.copy_id
        return Links(source=source, target=target, copies=copies)


def _closed_by_now(message: Message, now: float) -> Message:
    """A poll whose time has come while it waited takes no votes, and Telegram no such time."""
    media = message.media
    if media is None or media.closed or not 0 < media.closes <= now + CLOSING:
        return message
    return msgspec.structs.replace(message, media=msgspec.structs.replace(media, closed=True))
