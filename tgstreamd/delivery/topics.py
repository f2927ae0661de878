"""Finds the target topic of a post, for mirrors of a whole forum, and mirrors changes of topics.

A topic missing in the target is queued as a job directly before its first post. In a target without topics,
or with one fixed topic, the topic's name is shown as a line instead. Sends no message.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import TargetLost, TelegramError
from ..domain.messages import GENERAL_TOPIC, Draft, Message, Mirror, Piece, Sent, Topic, Value
from ..domain.ports import Ids, Source, Target
from ..domain.refusals import row
from ..ledger import UNSURE, Change, Job, Store, TopicRow
from ..mirrors.registry import MirrorRegistry

log = structlog.get_logger()

TOPIC_CLOSED = "TOPIC_CLOSED"
#: Seconds until the next check whether the posts before a topic's closing have been sent.
CLOSING_LOOK = 60.0
DELETED = "a topic that was deleted"


class Place(Value, frozen=True, kw_only=True):
    """The destination of a post: a topic of the target (None for General), and the line that names its own
    topic."""

    topic: int | None = None
    name: str = ""
    #: The topic must be created first and was queued before the post.
    later: bool = False


async def deliver(
    target: Target,
    chat: int,
    draft: Draft,
    random_ids: Sequence[int],
    committed: Sequence[bytes | None],
) -> Sent:
    """Carry out one draft, which sends messages or creates a topic. Raises the errors of `Target.send`."""
    if (topic := draft.opens) is not None:
        (random_id,) = random_ids
        return await target.create_topic(chat, topic.title, topic.icon_color, topic.icon_emoji, random_id)
    return await target.send(chat, draft, random_ids, committed)


class Topics:
    """Finds the topics of posts and carries out changes of topics."""

    def __init__(
        self, source: Source, target: Target, store: Store, roster: MirrorRegistry, clock: Clock, ids: Ids
    ) -> None:
        self._source = source
        self._target = target
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids

    async def place(self, mirror: Mirror, job: Job, message: Message, *, may_make: bool = True) -> Place:
        """Return the destination of this post. Raises the source's errors."""
        topic = message.topic or GENERAL_TOPIC
        source = self._roster.sources.get(job.chat)
        if mirror.source_topic is not None or topic == GENERAL_TOPIC or not (source and source.forum):
            return Place()
        row = await self._known(mirror, job.chat, topic)
        name = row.state.title if row is not None else DELETED
        if not self._by_topic(mirror):
            return Place(name=name if mirror.topic_names else "")
        if row is not None and row.copy_id is not None:
            return Place(topic=row.copy_id)
        if row is None or row.job_state == "parked" or not may_make:
            # The topic cannot be created, and its posts must not wait for it.
            return Place(name=name)
        await self._store.place_topic(
            mirror.id, row.state, before=job.id, now=self._clock.now(), new_id=self._ids.random_id
        )
        log.info("topic goes first", mirror=mirror.name, topic=name, source_id=job.first_id)
        return Place(later=True)

    async def is_elsewhere(self, mirror: Mirror, chat: int, topic: int, place: Place) -> bool:
        """Return whether the copies of this source topic are in a topic other than `place`."""
        if topic == 0 or mirror.source_topic is not None or not self._by_topic(mirror):
            return False
        if topic == GENERAL_TOPIC:
            return place.topic not in (None, GENERAL_TOPIC)
        row = await self._store.topic(mirror.id, chat, topic)
        return (row.copy_id if row is not None else None) != place.topic

    async def opening(self, mirror: Mirror, job: Job) -> Draft | None:
        """Return the call that creates the topic of this job; None if there is nothing to create."""
        row = await self._known(mirror, job.chat, job.first_id)
        if row is None or row.copy_id is not None:
            return None
        return Draft(pieces=(Piece(source_id=job.first_id, text=row.state.title),), opens=row.state)

    async def change(self, mirror: Mirror, change: Change) -> bool:
        """Bring a topic of the target up to date with its original; false if that must wait."""
        wanted = msgspec.msgpack.decode(change.payload, type=Topic)
        row = await self._store.topic(mirror.id, change.chat, change.source_id)
        if row is None or row.copy_id is None or row.shown is None or not self._by_topic(mirror):
            return True
        shown = row.shown
        closing = wanted.closed and not shown.closed
        if closing and not await self._store.topic_settled(mirror.id, change.chat, change.source_id):
            wanted = msgspec.structs.replace(wanted, closed=False)
        else:
            closing = False
        general = row.copy_id == GENERAL_TOPIC
        await self._store.topic_attempted(change)
        try:
            await self._target.edit_topic(
                mirror.target,
                row.copy_id,
                title=wanted.title if row.unsure or wanted.title != shown.title else None,
                icon=wanted.icon_emoji
                if not general and (row.unsure or wanted.icon_emoji != shown.icon_emoji)
                else None,
                closed=wanted.closed if row.unsure or wanted.closed != shown.closed else None,
                hidden=wanted.hidden if general and (row.unsure or wanted.hidden != shown.hidden) else None,
            )
        except TargetLost as error:
            if not _is_gone(error):
                raise
            log.warning("topic was deleted in the target", mirror=mirror.name, topic=wanted.title)
            # Its next post creates it again with the present title; until then there is nothing to change.
            await self._store.topic_changed(change, wanted)
            return True
        await self._store.topic_changed(change, wanted)
        if wanted != shown:
            log.info("topic changed", mirror=mirror.name, topic=wanted.title, closed=wanted.closed)
        if closing:
            await self._store.postpone_change(change.id, self._clock.now() + CLOSING_LOOK)
        return not closing

    async def order(self, mirror: Mirror, change: Change) -> bool:
        """Pin topics in the target as in the source, in the same order; true when done."""
        wanted = msgspec.msgpack.decode(change.payload, type=list[int])
        target = self._roster.targets.get(mirror.target)
        if not mirror.pins or not self._by_topic(mirror) or not (target and target.may_manage_topics):
            return True
        made = {GENERAL_TOPIC: GENERAL_TOPIC, **await self._store.made_topics(mirror.id, change.chat)}
        order = [made[topic] for topic in wanted if topic in made]
        await self._store.order_shown(mirror.id, UNSURE)
        try:
            gone = await self._target.pin_topics(mirror.target, order, set(made.values()))
        except TargetLost as error:
            if not _is_gone(error):
                raise
            # It was deleted just now, so the next reading does not include it.
            await self._store.postpone_change(change.id, self._clock.now() + CLOSING_LOOK)
            return False
        if gone:
            # Once its next post has created it again, the order differs from the one recorded.
            log.warning("topic was deleted in the target", mirror=mirror.name, n=len(gone))
        shown = [topic for topic in wanted if topic in made and made[topic] not in gone]
        await self._store.order_shown(mirror.id, shown)
        log.info("topics pinned", mirror=mirror.name, n=len(order) - len(gone))
        return True

    async def repair(self, mirror: Mirror, job: Job, draft: Draft, error: TelegramError) -> bool:
        """Repair the topic for which a post was refused: reopen it or have it created again. Return whether
        to retry."""
        kept = await self._store.messages(job.id)
        if not kept or draft.topic is None or mirror.target_topic is not None:
            return False
        topic = kept[0][0].topic or GENERAL_TOPIC
        row = await self._store.topic(mirror.id, job.chat, topic)
        if row is None:
            return False
        if row.copy_id != draft.topic:
            # Another post found this out earlier; the next attempt uses the topic's present place.
            return _is_gone(error)
        if error.error == TOPIC_CLOSED:
            try:
                await self._target.edit_topic(mirror.target, draft.topic, closed=False)
            except TelegramError:
                return False
            log.warning("topic was closed in the target, opened again", mirror=mirror.name)
            return True
        if _is_gone(error):
            await self._store.forget_topic(mirror.id, job.chat, topic, self._ids.random_id)
            log.warning("topic was deleted in the target, made again", mirror=mirror.name)
            return True
        return False

    # -- inside ---------------------------------------------------------------------------------------

    def _by_topic(self, mirror: Mirror) -> bool:
        target = self._roster.targets.get(mirror.target)
        return mirror.target_topic is None and target is not None and target.forum

    async def _known(self, mirror: Mirror, chat: int, topic: int) -> TopicRow | None:
        row = await self._store.topic(mirror.id, chat, topic)
        if row is None:
            await self.list_topics(mirror, chat)
            row = await self._store.topic(mirror.id, chat, topic)
        return row

    async def list_topics(self, mirror: Mirror, chat: int) -> None:
        """Read the present state of all topics of the source."""
        heard = await self._store.topics_heard(mirror.id, chat)
        topics = await self._source.topics(chat)
        await self._store.take_topics(mirror.id, chat, topics, heard=heard, now=self._clock.now())


def _is_gone(error: TelegramError) -> bool:
    """Return whether the error says that one topic no longer exists, which says nothing about the chat."""
    return row(error.error, error.method).then == "topic" and error.error != TOPIC_CLOSED
