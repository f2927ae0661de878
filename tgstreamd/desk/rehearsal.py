"""What would be sent for a stretch of a chat: planned post by post, with nothing sent and nothing written.

Reads the source, and of the ledger only what is there already. Plans by the same pure decisions as a real
send; what only a send finds out (a refusal, an expired reference, links led to copies) it cannot know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from ..config import Config, MirrorConfig
from ..configured import beginning, mirror_of
from ..decide.item import Refusal, way
from ..decide.lines import in_words, speaker
from ..decide.plan import Parent, Plan, plan
from ..decide.text import squeeze
from ..errors import TelegramError, TgstreamdError
from ..model import GENERAL_TOPIC, Account, Chat, Draft, Message, Mirror, Piece, Topic, Voice
from ..store import MirrorRow, Store
from .checks import Reach

#: Messages of a page of the history, and posts of one answer at most.
PAGE = 100
POSTS_MAX = 500
#: Characters of a post's text that are shown.
GLIMPSE = 60


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which mirror (the only one, where none is named), above which id (its beginning), up to which."""

    mirror: str = ""
    after: int | None = None
    upto: int | None = None
    limit: int = PAGE
    #: Handed back from the answer before: where the listing began, and who spoke last in which topic.
    begun: int | None = None
    voices: dict[int, Voice] = {}


async def rehearse(
    config: Config, reach: Reach, store: Store | None, request: dict[str, Any], *, now: float
) -> dict[str, Any]:
    """`posts`, `totals` over them, and `next`: what to ask for more; None at the end."""
    try:
        asked = msgspec.convert(request, Asked, str_keys=True)
    except msgspec.ValidationError as error:
        raise TgstreamdError(f"plan: {error}") from None
    stage = await Stage.of(_named(config, asked.mirror), reach, store)
    after = asked.after
    if after is None:
        after = await stage.beginning(now)
    begun = after if asked.begun is None else asked.begun
    posts, following = await stage.read(after, asked.upto, max(1, min(asked.limit, POSTS_MAX)))
    rows = [await stage.row(post, begun, asked.voices) for post in posts]
    return {
        "mirror": stage.mirror.name,
        "interval": config.pace.interval,
        "posts": rows,
        "totals": totals(rows, config.pace.interval),
        "next": None
        if following is None
        else {"after": following, "begun": begun, "voices": msgspec.to_builtins(stage.voices, str_keys=True)},
    }


def _named(config: Config, name: str) -> MirrorConfig:
    found = [mirror for mirror in config.mirrors if name in ("", mirror.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(mirror.name for mirror in config.mirrors)
    what = f'no mirror is named "{name}"' if name else "there are several mirrors: name one"
    raise TgstreamdError(what, hint=f"there is {names}")


class Stage:
    """One mirror, with what has to be known of its chats."""

    def __init__(self, mirror: Mirror, reach: Reach, store: Store | None, row: MirrorRow | None) -> None:
        self.mirror = mirror
        self.voices: dict[int, Voice] = {}
        self._reach = reach
        self._store = store
        self._row = row
        self._history = row.history if row is not None else mirror.history
        self._said: dict[int, str] = {}
        self._source: Chat
        self._target: Chat | None = None
        self._reader: Account
        self._writer: Account
        self._topics: dict[int, str] = {}
        self._born_to = 0

    @classmethod
    async def of(cls, wanted: MirrorConfig, reach: Reach, store: Store | None) -> Stage:
        """Ask what a plan needs to know. Raises what Telegram says about the source."""
        source = await reach.source.chat(await _resolved(wanted.source, reach, store))
        if source.migrated_to is not None:
            source = await reach.source.chat(source.migrated_to)
        target_id = await _resolved(wanted.target, reach, store)
        try:
            target = await reach.target.chat(target_id)
        except TelegramError:
            target = None  # `check` says so; what would be sent does not depend on it
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
            stage._born_to = await store.born_to(row.id, mirror.source)
        return stage

    async def beginning(self, now: float) -> int:
        """The id above which the mirror's history lies."""
        at = self._row.born_at if self._row is not None else now
        if self._history == "none":
            return self._born_to or await self._reach.source.newest(self._source.id, self.mirror.source_topic)
        return await beginning(self._history, self.mirror, self._reach.source, at)

    async def read(self, after: int, upto: int | None, limit: int) -> tuple[list[list[Message]], int | None]:
        """At most `limit` posts above `after`, albums whole, and the id after which the next ones lie."""
        posts: dict[tuple[str, int], list[Message]] = {}
        at = after
        while len(posts) <= limit:
            page = await self._reach.source.history(
                self._source.id, after=at, topic=self.mirror.source_topic, limit=PAGE
            )
            for message in page:
                if upto is None or message.id <= upto:
                    key = ("one", message.id) if message.group is None else ("album", message.group)
                    posts.setdefault(key, []).append(message)
            if not page or (upto is not None and page[-1].id >= upto):
                break
            at = page[-1].id
        found = list(posts.values())
        # The post behind the last one shows that that one is whole.
        return found[:limit], found[limit][0].id - 1 if len(found) > limit else None

    async def row(self, post: Sequence[Message], begun: int, voices: dict[int, Voice]) -> dict[str, Any]:
        """One post as it would be sent."""
        if not self.voices:
            self.voices = dict(voices)
        first = post[0]
        parent, reply = await self._parent(post, begun)
        planned = self._plan(post, parent)
        for message in post:
            self._said[message.id] = planned.skip
        origin = await self._store.origin(self.mirror.id, first.chat, first.id) if self._store else None
        moved = self._moved(post, planned)
        kinds = [_kind(message) for message in post]
        return {
            "id": first.id,
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
            "ledger": origin.state if origin is not None else "",
        }

    def _plan(self, post: Sequence[Message], parent: Parent | None) -> Plan:
        first = post[0]
        topic, name = self._place(first)
        planned = plan(
            post,
            mirror=self.mirror,
            account=self._writer,
            source=self._source,
            parent=parent,
            backlog=self._row is None or first.id <= self._born_to,
            same_account=self._reader.id == self._writer.id,
            topic=topic,
            topic_name=name,
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
        """The topic of the source that stands for the one in the target, or the name for a line."""
        topic = message.topic or GENERAL_TOPIC
        if topic == GENERAL_TOPIC or topic not in self._topics:
            return None, ""
        if self._target is not None and self._target.forum and self.mirror.target_topic is None:
            return topic, ""
        return None, self._topics[topic] if self.mirror.topic_names else ""

    async def _parent(self, post: Sequence[Message], begun: int) -> tuple[Parent | None, str]:
        """What it answers: for the plan, and in words."""
        reply = next((message.reply for message in post if message.reply), None)
        if reply is None:
            return None, ""
        chat = reply.chat or self._source.id
        if chat == self._source.id and reply.id in self._said:
            skipped = self._said[reply.id]
            return (Parent(lost=skipped), f"lost: {skipped}") if skipped else (Parent(copy=1), "known")
        origin = await self._store.origin(self.mirror.id, chat, reply.id) if self._store else None
        if origin is not None and (origin.copy_id is not None or origin.state == "waiting"):
            return Parent(copy=1), "known"
        if origin is not None:
            return Parent(lost=origin.reason or origin.state), f"lost: {origin.reason or origin.state}"
        if chat == self._source.id and reply.id > begun:
            return Parent(copy=1), "known"  # listed before
        lost = "not mirrored" if chat == self._source.id else reply.what or "a message of another chat"
        return Parent(lost=lost), f"lost: {lost}"

    def _moved(self, post: Sequence[Message], planned: Plan) -> dict[str, Any]:
        """How each media of a post would get there, what would be noted, and the bytes of it."""
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


def totals(rows: Sequence[dict[str, Any]], interval: float) -> dict[str, Any]:
    """Sums over posts. What the ledger has settled already is counted, and not sent again."""
    new = [row for row in rows if row["ledger"] not in ("done", "skipped", "open")]
    sends = sum(row["sends"] for row in new)
    return {
        "posts": len(rows),
        "settled": len(rows) - len(new),
        "sends": sends,
        "bytes": sum(row["bytes"] for row in new),
        "reference_bytes": sum(row["reference_bytes"] for row in new),
        "seconds": round(sends * interval),
        "kinds": dict(Counter(kind for row in rows for kind in row["kinds"])),
        "ways": dict(Counter(one for row in rows for one in row["ways"])),
        "skipped": dict(Counter(row["skip"] for row in rows if row["skip"])),
    }


def _kind(message: Message) -> str:
    if message.service:
        return message.service
    return message.media.kind if message.media is not None else "text"


async def _resolved(ref: int | str, reach: Reach, store: Store | None) -> int:
    """What a name meant when it was first resolved, as a start takes it."""
    known = await store.known_name(ref) if store is not None and isinstance(ref, str) else None
    found = known if known is not None else await reach.resolve(ref)
    return await store.moved_to(found) if store is not None else found
