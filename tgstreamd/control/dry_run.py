"""Plans posts for a dry run of one mirror: reads its source and plans each post as the daemon would.

Reads from the ledger only what is there already. State between two pages of a listing is returned to the
client and passed back with the next request. Sends and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..config import MirrorConfig
from ..domain.errors import FilterTimeout, TelegramError
from ..domain.messages import GENERAL_TOPIC, Account, Chat, Draft, LastAuthor, Message, Mirror, Piece, Topic
from ..domain.reasons import filter_of
from ..ledger import MirrorRow, Store
from ..mirrors.creation import former_history
from ..mirrors.from_config import beginning, mirror_of
from ..policy.captions import in_words, speaker
from ..policy.links import mentioned
from ..policy.media_plan import Links, Refusal, way
from ..policy.plan import Parent, Plan, plan
from ..policy.text import squeeze
from .check import Reach

#: Messages in a page of the history.
PAGE = 100
#: Characters of a post's text that are shown.
GLIMPSE = 60


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request: which mirror (the only one if not named), above which id (default: its beginning), up to
    which.

    Without `after`, the history of the basic group from before the source's migration comes first, as when a
    mirror copies it.
    """

    mirror: str = ""
    after: int | None = None
    upto: int | None = None
    limit: int = PAGE
    #: State from the previous answer: the chat to which `after` belongs, where the listing began in each
    #: chat, and the last author by topic.
    chat: int | None = None
    begun: dict[int, int] = {}
    voices: dict[int, LastAuthor] = {}


class Stage:
    """One mirror, with everything about its chats that planning needs."""

    def __init__(self, mirror: Mirror, reach: Reach, store: Store | None, row: MirrorRow | None) -> None:
        self.mirror = mirror
        self.voices: dict[int, LastAuthor] = {}
        #: By chat, the id above which the listing began.
        self.begun: dict[int, int] = {}
        self._reach = reach
        self._store = store
        self._row = row
        self._history = row.history if row is not None else mirror.history
        self._said: dict[tuple[int, int], str] = {}
        self._source: Chat
        self._target: Chat | None = None
        self._reader: Account
        self._writer: Account
        self._topics: dict[int, str] = {}
        self._born_to: dict[int, int] = {}

    @classmethod
    async def of(cls, wanted: MirrorConfig, reach: Reach, store: Store | None) -> Stage:
        """Collect what planning needs. Raises Telegram's errors about the source."""
        source = await reach.source.chat(await _resolved(wanted.source, reach, store))
        if source.migrated_to is not None:
            source = await reach.source.chat(source.migrated_to)
        target_id = await _resolved(wanted.target, reach, store)
        try:
            target = await reach.target.chat(target_id)
        except TelegramError:
            target = None  # `check` reports it; the plan does not depend on the target
        mirror = mirror_of(wanted, source.id, target.id if target is not None else target_id)
        row = None
        if store is not None:
            row = await store.find_mirror(
                mirror.source, mirror.source_topic, mirror.target, mirror.target_topic
            )
        stage = cls(
            mirror_of(wanted, mirror.source, mirror.target, id=row.id if row else 0), reach, store, row
        )
        stage._source, stage._target = source, target
        stage._reader, stage._writer = await reach.source.account(), await reach.target.account()
        if source.forum and mirror.source_topic is None:
            stage._topics = {topic.id: topic.title for topic in await reach.source.topics(source.id)}
        if store is not None and row is not None:
            for chat in (mirror.source, *await store.former_chats(row.id)):
                stage._born_to[chat] = await store.born_to(row.id, chat)
        return stage

    async def places(self, asked: Asked, now: float) -> list[tuple[int, int, int | None]]:
        """Return the stretches to read: chat, the id above which, and the id up to which."""
        source, reader = self.mirror.source, self._reach.source
        if asked.after is not None and asked.chat in (None, source):
            self.begun = asked.begun or {source: asked.after}
            return [(source, asked.after, asked.upto)]
        at = self._row.born_at if self._row is not None else now
        if self._history == "none":
            born_to = self._born_to.get(source, 0)
            self.begun[source] = born_to or await reader.newest(source, self.mirror.source_topic)
        else:
            self.begun[source] = await beginning(self._history, self.mirror, reader, at)
        places: list[tuple[int, int, int | None]] = [(source, self.begun[source], asked.upto)]
        former = await former_history(self._history, self.mirror, self._source, reader, at)
        if former is not None:
            chat, self.begun[chat], end = former
            places.insert(0, (chat, self.begun[chat] if asked.after is None else asked.after, end))
        return places

    async def read(
        self, places: Sequence[tuple[int, int, int | None]], limit: int
    ) -> tuple[list[list[Message]], tuple[int, int] | None]:
        """Return at most `limit` posts, albums whole, and the chat and id after which the next ones
        follow."""
        posts: dict[tuple[int, str, int], list[Message]] = {}
        for chat, after, upto in places:
            topic = self.mirror.source_topic if chat == self.mirror.source else None
            at = after
            while len(posts) <= limit:
                page = await self._reach.source.history(chat, after=at, topic=topic, limit=PAGE)
                for message in page:
                    if upto is None or message.id <= upto:
                        kind, number = (
                            ("one", message.id) if message.group is None else ("album", message.group)
                        )
                        posts.setdefault((chat, kind, number), []).append(message)
                if not page or (upto is not None and page[-1].id >= upto):
                    break
                at = page[-1].id
        found = list(posts.values())
        # The post after the last one shows that the last one is complete.
        return found[:limit], (found[limit][0].chat, found[limit][0].id - 1) if len(found) > limit else None

    async def row(self, post: Sequence[Message], voices: dict[int, LastAuthor]) -> dict[str, Any]:
        """Return one post as it would be sent."""
        if not self.voices:
            self.voices = dict(voices)
        first = post[0]
        parent, reply = await self._parent(post)
        links = await self._links(post)
        try:
            planned = self._plan(post, parent, links)
        except FilterTimeout as error:
            planned = Plan(skip=f"{error}: it would be parked")
        for message in post:
            self._said[message.chat, message.id] = planned.skip
        origin = await self._store.origin(self.mirror.id, first.chat, first.id) if self._store else None
        moved = self._moved(post, planned)
        kinds = [_kind(message) for message in post]
        return {
            "id": first.id,
            "chat": first.chat,
            "messages": [message.id for message in post],
            "date": first.date,
            "author": speaker(first),
            "kind": kinds[0] if len(post) == 1 else f"album of {len(post)}",
            "kinds": kinds,
            "text": squeeze(first.text)[:GLIMPSE],
            "topic": first.topic,
            "ways": sorted(moved["ways"]) if planned.drafts else ["skip"],
            "skip": planned.skip,
            "notes": moved["notes"] if planned.drafts else [],
            "calls": len(planned.drafts),
            "sends": sum(draft.cost for draft in planned.drafts),
            "bytes": moved["bytes"],
            "reference_bytes": moved["reference_bytes"],
            "reply": reply,
            "links": len(links.copies) if links is not None else 0,
            "ledger": origin.state if origin is not None else "",
        }

    def _plan(self, post: Sequence[Message], parent: Parent | None, links: Links | None) -> Plan:
        first = post[0]
        topic, name = self._place(first)
        planned = plan(
            post,
            mirror=self.mirror,
            account=self._writer,
            source=self._source_of(first.chat),
            parent=parent,
            backlog=self._row is None or first.id <= self._born_to.get(first.chat, 0),
            same_account=self._reader.id == self._writer.id,
            topic=topic,
            topic_name=name,
            links=links,
            before=self.voices.get(topic or 0),
        )
        if first.service == "TopicCreate" and topic is not None and self.mirror.source_topic is None:
            opens = Topic(id=topic, title=name)
            return Plan(drafts=(Draft(pieces=(Piece(source_id=first.id),), opens=opens),))
        if planned.drafts:
            voice = planned.drafts[-1].voice
            if voice is not None:
                self.voices[topic or 0] = voice
            else:
                self.voices.pop(topic or 0, None)
        return planned

    def _place(self, message: Message) -> tuple[int | None, str]:
        """Return the source topic that stands for the one in the target, or the name for a line."""
        topic = message.topic or GENERAL_TOPIC
        if topic == GENERAL_TOPIC or topic not in self._topics:
            return None, ""
        if self._target is not None and self._target.forum and self.mirror.target_topic is None:
            return topic, ""
        return None, self._topics[topic] if self.mirror.topic_names else ""

    def _source_of(self, chat: int) -> Chat:
        """Return the source, or the basic group from before its migration."""
        if chat == self._source.id:
            return self._source
        return msgspec.structs.replace(self._source, id=chat, kind="group", username="")

    async def _links(self, post: Sequence[Message]) -> Links | None:
        """Return the source messages to which it links, as far as they are copied by then or already."""
        if self._target is None:
            return None
        copies = {}
        for source_id in mentioned(post, self._source):
            if (known := await self._known(self._source.id, source_id, before=post[0])) is not None:
                copies[source_id] = known
        return Links(source=self._source, target=self._target, copies=copies)

    async def _known(self, chat: int, source_id: int, *, before: Message) -> int | None:
        """Return the copy of a message, or a stand-in for one that is copied before this post."""
        origin = await self._store.origin(self.mirror.id, chat, source_id) if self._store else None
        if origin is not None and origin.copy_id is not None:
            return origin.copy_id
        if (chat, source_id) in self._said:
            return None if self._said[chat, source_id] else source_id
        if origin is not None:
            return source_id if origin.state == "waiting" else None
        earlier = chat != before.chat or source_id < before.id
        return source_id if earlier and source_id > self.begun.get(chat, 2**31) else None

    async def _parent(self, post: Sequence[Message]) -> tuple[Parent | None, str]:
        """Return what the post answers, for the plan and in words."""
        first = post[0]
        reply = next((message.reply for message in post if message.reply), None)
        if reply is None:
            return None, ""
        chat = reply.chat or first.chat
        known = await self._known(chat, reply.id, before=first)
        if known is not None:
            return Parent(copy=known), "known"
        origin = await self._store.origin(self.mirror.id, chat, reply.id) if self._store else None
        lost = "not mirrored" if chat == first.chat else reply.what or "a message of another chat"
        if self._said.get((chat, reply.id)):
            lost = self._said[chat, reply.id]
        elif origin is not None:
            lost = origin.reason or origin.state
        # Readers of the target are never shown the name of a filter.
        return Parent(lost="not mirrored" if filter_of(lost) else lost), f"lost: {lost}"

    def _moved(self, post: Sequence[Message], planned: Plan) -> dict[str, Any]:
        """Return how each media of a post would be copied, what would become a note, and its bytes."""
        sent = {
            piece.source_id for draft in planned.drafts for piece in draft.pieces if piece.media is not None
        }
        ways = {"topic"} if any(draft.opens for draft in planned.drafts) else set[str]()
        notes: list[str] = []
        streamed = referenced = 0
        for message in post:
            media = message.media
            if media is None:
                ways |= set() if ways == {"topic"} else {"text"}
                continue
            protected = message.protected or self._source.protected
            how = way(
                media,
                mirror=self.mirror,
                account=self._writer,
                same_account=self._reader.id == self._writer.id,
                no_reference=protected,
            )
            if isinstance(how, Refusal) or message.id not in sent:
                ways.add("note")
                notes += in_words(media, str(how) if isinstance(how, Refusal) else "").text.splitlines()[:1]
                continue
            ways.add(how)
            streamed += media.size if how == "stream" and planned.drafts else 0
            referenced += media.size if how == "reference" and planned.drafts else 0
            if media.lacks:
                notes.append(media.lacks)
        return {"ways": ways, "notes": notes, "bytes": streamed, "reference_bytes": referenced}


def _kind(message: Message) -> str:
    if message.service:
        return message.service
    return message.media.kind if message.media is not None else "text"


async def _resolved(ref: int | str, reach: Reach, store: Store | None) -> int:
    """Return the id to which a name resolved first, as a start uses it."""
    known = await store.known_name(ref) if store is not None and isinstance(ref, str) else None
    found = known if known is not None else await reach.resolve(ref)
    return await store.moved_to(found) if store is not None else found
