"""Whether a target equals its source: a separate, unmodified Telethon client reads both chats and compares.

`Reader` sees a chat over the wire as any client would; files are downloaded in parts and hashed, and touch
no disk. `differences` is pure: two lists of what was seen give readable lines, none where the copy is right.
Shares no code with the program that it judges.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple, Self

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import StringSession
from telethon.tl import functions, types

#: What the server finds in a text by itself; on both sides alike, or not at all.
DETECTED = {"Mention", "Hashtag", "Cashtag", "BotCommand", "Url", "Email", "Phone", "BankCard"}
#: Attributes of a video that the server computes.
COMPUTED = {"preload_prefix_size", "video_codec"}
PART = 512 * 1024
#: More than any demo has; beyond it Telethon begins to wait between pages.
MOST = 3000


#: Names with values.
Facts = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One message as a reader sees it. Two are copies of each other if all but the ids agree."""

    id: int
    kind: str = "text"
    text: str = ""
    entities: tuple[tuple[Any, ...], ...] = ()
    #: Name, value: size, dimensions, duration, file name, waveform, …
    facts: Facts = ()
    digest: str = ""
    spoiler: bool = False
    invert: bool = False
    silent: bool = False
    preview: str = ""
    group: int | None = None
    reply_to: int | None = None
    quote: tuple[Any, ...] | None = None
    #: What is no part of what was said: who said it, when, buttons, votes.
    beside: Facts = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells this message from its neighbours."""
        return (self.kind, self.text, self.digest or self.facts)

    @property
    def title(self) -> str:
        words = " ".join(self.text.split())
        return f"{self.id} ({self.kind}{f', {words[:40]!r}' if words else ''})"


class Difference(NamedTuple):
    """One way in which a copy is not its original."""

    #: Ids in source and target; 0 where there is none.
    source: int
    target: int
    #: `text`, `facts.size`, `reply`, `missing`, `extra`, …
    aspect: str
    line: str


def differences(
    source: Sequence[Seen], target: Sequence[Seen], *, live_after: int | None = None
) -> list[str]:
    """What a person would have to be told; empty where the target is a true copy.

    `live_after`: the last source id of the history. Copies up to it must be silent, later ones as the
    source was. None: sound is not compared.
    """
    return [one.line for one in field_by_field(source, target, live_after=live_after)]


def field_by_field(
    source: Sequence[Seen],
    target: Sequence[Seen],
    *,
    live_after: int | None = None,
    beside: bool = False,
) -> list[Difference]:
    """The same, for counting. `beside`: also what surrounds a message (buttons, votes, where it was from)."""
    pairs, found = _align(source, target)
    copy_of = {one.id: other.id for one, other in pairs}
    heads = _heads(source), _heads(target)
    for one, other in pairs:
        what = f"source {one.title}, target {other.id}"

        def differ(aspect: str, line: str, one: Seen = one, other: Seen = other, what: str = what) -> None:
            found.append(Difference(one.id, other.id, aspect, f"{what}: {line}"))

        for name in ("kind", "text", "entities", "digest", "spoiler", "invert", "preview", "quote"):
            mine, theirs = getattr(one, name), getattr(other, name)
            if mine != theirs:
                differ(name, f"{name} is {_short(theirs)}, not {_short(mine)}")
        for name, line in _facts(one.facts, other.facts):
            differ(f"facts.{name}", line)
        for name, line in _facts(one.beside, other.beside) if beside else ():
            differ(f"beside.{name}", line)
        wanted = copy_of.get(one.reply_to) if one.reply_to is not None else None
        if wanted != other.reply_to:
            differ("reply", f"answers {other.reply_to}, not {wanted} (the source answers {one.reply_to})")
        head = heads[0].get(one.id)
        if (copy_of.get(head) if head is not None else None) != heads[1].get(other.id):
            differ("album", "is in another album")
        if live_after is not None and other.silent != (one.silent or one.id <= live_after):
            differ("silent", f"silent is {other.silent}")
    return found


def _align(
    source: Sequence[Seen], target: Sequence[Seen]
) -> tuple[list[tuple[Seen, Seen]], list[Difference]]:
    """Which target message stands for which source message; and what has no counterpart."""
    pairs: list[tuple[Seen, Seen]] = []
    missing: list[Seen] = []
    extra: list[Seen] = []
    matcher = difflib.SequenceMatcher(None, [s.key for s in source], [t.key for t in target], autojunk=False)
    for _, a, b, c, d in matcher.get_opcodes():
        both = min(b - a, d - c)
        pairs += zip(source[a : a + both], target[c : c + both], strict=True)
        missing += source[a + both : b]
        extra += target[c + both : d]
    elsewhere = Counter(t.key for t in extra)
    known = {s.key for s in source}
    found = [
        Difference(
            one.id,
            0,
            "missing",
            f"source {one.title}: {'stands in another place' if elsewhere[one.key] else 'is missing'}",
        )
        for one in missing
    ]
    moved = {one.key for one in missing}
    found += [
        Difference(
            0,
            other.id,
            "extra",
            f"target {other.title}: "
            f"{'is a second copy' if other.key in known else 'is nothing of the source'}",
        )
        for other in extra
        if other.key not in moved
    ]
    return pairs, found


def _heads(messages: Sequence[Seen]) -> dict[int, int]:
    """The first message of each one's album."""
    first: dict[int, int] = {}
    for message in messages:
        if message.group is not None:
            first.setdefault(message.group, message.id)
    return {message.id: first[message.group] for message in messages if message.group is not None}


def _facts(one: Facts, other: Facts) -> list[tuple[str, str]]:
    mine, theirs = dict(one), dict(other)
    return [
        (name, f"{name} is {_short(theirs.get(name))}, not {_short(mine.get(name))}")
        for name in sorted(mine.keys() | theirs.keys())
        if mine.get(name) != theirs.get(name)
    ]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}…"


@dataclass
class Reader:
    """`async with Reader(string_session, public_key) as reader:`; a login of its own."""

    session: str
    public_key: str
    #: A client to read with, in place of a login of its own.
    client: Any = None
    #: Digests by document id: a file that stands in both chats is read once.
    digests: dict[int, str] = field(default_factory=dict)
    bytes_read: int = 0

    async def __aenter__(self) -> Self:
        rsa.add_key(self.public_key, old=False)
        # Telethon keeps the server's configuration in the class; a class of our own keeps tests apart.
        own = type("ComparingClient", (TelegramClient,), {"_config": None})
        self.client = own(StringSession(self.session), 1, "0" * 32, receive_updates=False)
        await self.client.connect()
        await self.client.get_dialogs()  # so that it knows the access hashes of both chats
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()

    async def read(self, chat: int, told: Callable[[int], None] = lambda _: None) -> list[Seen]:
        """Everything in a chat but its service messages, oldest first. `told` hears the bytes read so far."""
        found = []
        async for message in self.client.iter_messages(chat, limit=MOST, reverse=True):
            if isinstance(message, types.Message):
                page = message.rich_message
                if page is not None and page.part:
                    request = functions.messages.GetRichMessageRequest(chat, message.id)
                    message = (await self.client(request)).messages[0]
                found.append(await self._seen(message, told))
        return found

    async def _seen(self, message: Any, told: Callable[[int], None]) -> Seen:
        media, reply = message.media, message.reply_to
        seen: dict[str, Any] = {"kind": "text"}
        facts: dict[str, Any] = {}
        if message.rich_message is not None:
            page = message.rich_message
            facts = {"blocks": tuple(bytes(block) for block in page.blocks), "photos": len(page.photos or ())}
            seen["kind"] = "rich"
        elif isinstance(media, types.MessageMediaWebPage):
            seen["preview"] = getattr(media.webpage, "url", "") or "pending"
            facts = {
                name: True for name in ("force_large_media", "force_small_media") if getattr(media, name)
            }
        elif isinstance(media, types.MessageMediaPhoto) and media.photo is not None:
            size = max((s for s in media.photo.sizes if hasattr(s, "w")), key=lambda s: s.w * s.h)
            facts["dimensions"] = (size.w, size.h)
            if media.video is not None:
                facts["moving"] = await self._digest(media.video, told)
            seen["kind"] = "photo"
        elif isinstance(media, types.MessageMediaDocument) and media.document is not None:
            facts = dict(document_facts(media.document)) | document_extras(media)
            seen |= {
                "kind": document_kind(media.document),
                "digest": await self._digest(media.document, told),
            }
        elif media is not None:
            seen["kind"] = type(media).__name__.removeprefix("MessageMedia")
            facts = told_facts(media)
        if getattr(media, "ttl_seconds", None):
            facts["ttl_seconds"] = media.ttl_seconds
        quote = None
        if reply is not None and getattr(reply, "quote", None):
            quote = (reply.quote_text, reply.quote_offset, entities_of(reply.quote_entities))
        elsewhere = reply is not None and getattr(reply, "reply_to_peer_id", None) is not None
        return Seen(
            id=message.id,
            text=message.message,
            entities=entities_of(message.entities),
            spoiler=bool(getattr(media, "spoiler", False)),
            invert=bool(message.invert_media),
            silent=bool(message.silent),
            group=message.grouped_id,
            reply_to=None if reply is None or elsewhere else reply.reply_to_msg_id,
            quote=quote,
            facts=tuple(sorted(facts.items())),
            beside=tuple(sorted(surroundings(message).items())),
            **seen,
        )

    async def _digest(self, document: Any, told: Callable[[int], None]) -> str:
        if document.id in self.digests:
            return self.digests[document.id]
        digest, size = sha256(), 0
        if not document.size:
            return digest.hexdigest()  # Telethon cannot ask for nothing
        async for part in self.client.iter_download(document, request_size=PART, file_size=document.size):
            digest.update(part)
            size += len(part)
            self.bytes_read += len(part)
            told(self.bytes_read)
        text = digest.hexdigest() if size == document.size else f"only {size} of {document.size} bytes"
        self.digests[document.id] = text
        return text


def entities_of(entities: Any) -> tuple[tuple[Any, ...], ...]:
    """What the author set, in an order of its own."""
    found = []
    for entity in entities or ():
        name = type(entity).__name__.removeprefix("MessageEntity")
        if name not in DETECTED:
            rest = {k: v for k, v in vars(entity).items() if k not in ("offset", "length") and v}
            found.append((entity.offset, entity.length, name, *sorted(rest.items())))
    return tuple(sorted(found, key=repr))


def document_facts(document: Any) -> tuple[tuple[str, Any], ...]:
    """Size, type and attributes, as far as a sender decides them."""
    facts: dict[str, Any] = {"size": document.size, "mime_type": document.mime_type}
    for attribute in document.attributes:
        name = type(attribute).__name__.removeprefix("DocumentAttribute")
        for key, value in attribute.to_dict().items():
            if key not in COMPUTED and value not in (None, False):
                facts[f"{name}.{key}"] = (
                    value if isinstance(value, int | float | str | bytes) else repr(value)
                )
        facts[name] = True
    real = [t for t in document.thumbs or () if isinstance(t, types.PhotoSize)]
    facts["thumbnail"] = max(((t.w, t.h) for t in real), default=None)
    return tuple(sorted(facts.items()))


def document_extras(media: Any) -> dict[str, Any]:
    """What hangs on the message beside the file."""
    cover = media.video_cover
    sizes = [size for size in getattr(cover, "sizes", ()) if hasattr(size, "w")]
    facts = {"starts_at": media.video_timestamp, "cover": max(((s.w, s.h) for s in sizes), default=None)}
    return {name: value for name, value in facts.items() if value is not None}


def told_facts(media: Any) -> dict[str, Any]:
    """What a media without a file says; not what others did to it."""
    if isinstance(media, types.MessageMediaPoll):
        poll = media.poll
        rules = ("closed", "public_voters", "multiple_choice", "quiz", "open_answers", "revoting_disabled",
                 "shuffle_answers", "hide_results_until_close", "close_date", "close_period")  # fmt: skip
        facts: dict[str, Any] = {name: getattr(poll, name) for name in rules if getattr(poll, name)}
        facts["question"] = (poll.question.text, entities_of(poll.question.entities))
        facts["answers"] = tuple((a.text.text, entities_of(a.text.entities)) for a in poll.answers)
        if poll.closed:
            right = {voters.option for voters in media.results.results or () if voters.correct}
            facts["right"] = tuple(n for n, answer in enumerate(poll.answers) if answer.option in right)
            facts["solution"] = media.results.solution
        return facts
    if isinstance(media, types.MessageMediaToDo):
        facts = {"title": (media.todo.title.text, entities_of(media.todo.title.entities))}
        facts["items"] = tuple((i.id, i.title.text, entities_of(i.title.entities)) for i in media.todo.list)
        facts["others"] = (bool(media.todo.others_can_append), bool(media.todo.others_can_complete))
        return facts
    return {
        name: value
        for name, value in _flat(media.to_dict())
        # Whose number it is Telegram finds out by itself; access is the reader's own.
        if name != "user_id" and not name.endswith("access_hash")
    }


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        found = []
        for key, each in value.items():
            found += _flat(each, f"{name}.{key}" if name else str(key))
        return found
    if isinstance(value, list):
        value = repr(value)
    return [(name, value)] if value not in (None, False, "") else []


def surroundings(message: Any) -> dict[str, Any]:
    """Who said it and when, and what others added."""
    media = message.media
    facts = {
        "sender": repr(message.from_id or message.peer_id),
        "date": message.date,
        "forwarded": repr(message.fwd_from) if message.fwd_from else None,
        "via_bot": message.via_bot_id,
        "buttons": repr(message.reply_markup) if message.reply_markup else None,
        "votes": getattr(getattr(media, "results", None), "total_voters", None),
        "ticks": len(getattr(media, "completions", None) or ()),
        "edited": message.edit_date if not message.edit_hide else None,
    }
    return {name: value for name, value in facts.items() if value}


def document_kind(document: Any) -> str:
    """As a person would call it."""
    names = {type(a).__name__.removeprefix("DocumentAttribute"): a for a in document.attributes}
    if "Sticker" in names:
        return "sticker"
    if "Animated" in names:
        return "gif"
    if "Video" in names:
        return "round video" if names["Video"].round_message else "video"
    if "Audio" in names:
        return "voice" if names["Audio"].voice else "music"
    return "file"


async def compare(
    reader: Reader,
    source: int,
    target: int,
    *,
    live_after: int | None = None,
    say: Callable[[str], None] = print,
) -> bool:
    """Read both chats, say what differs, and whether nothing does."""
    found = differences(await reader.read(source), await reader.read(target), live_after=live_after)
    for line in found:
        say(line)
    return not found
