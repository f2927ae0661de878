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
from typing import Any, Self

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import StringSession
from telethon.tl import types

#: What the server finds in a text by itself; on both sides alike, or not at all.
DETECTED = {"Mention", "Hashtag", "Cashtag", "BotCommand", "Url", "Email", "Phone", "BankCard"}
#: Attributes of a video that the server computes.
COMPUTED = {"preload_prefix_size", "video_codec"}
PART = 512 * 1024
#: More than any demo has; beyond it Telethon begins to wait between pages.
MOST = 3000


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One message as a reader sees it. Two are copies of each other if all but the ids agree."""

    id: int
    kind: str = "text"
    text: str = ""
    entities: tuple[tuple[Any, ...], ...] = ()
    #: Name, value: size, dimensions, duration, file name, waveform, …
    facts: tuple[tuple[str, Any], ...] = ()
    digest: str = ""
    spoiler: bool = False
    invert: bool = False
    silent: bool = False
    preview: str = ""
    group: int | None = None
    reply_to: int | None = None
    quote: tuple[Any, ...] | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells this message from its neighbours."""
        return (self.kind, self.text, self.digest or self.facts)

    @property
    def title(self) -> str:
        words = " ".join(self.text.split())
        return f"{self.id} ({self.kind}{f', {words[:40]!r}' if words else ''})"


def differences(
    source: Sequence[Seen], target: Sequence[Seen], *, live_after: int | None = None
) -> list[str]:
    """What a person would have to be told; empty where the target is a true copy.

    `live_after`: the last source id of the history. Copies up to it must be silent, later ones as the
    source was. None: sound is not compared.
    """
    pairs, found = _align(source, target)
    copy_of = {one.id: other.id for one, other in pairs}
    heads = _heads(source), _heads(target)
    for one, other in pairs:
        what = f"source {one.title}, target {other.id}"
        for name in ("kind", "text", "entities", "digest", "spoiler", "invert", "preview", "quote"):
            mine, theirs = getattr(one, name), getattr(other, name)
            if mine != theirs:
                found.append(f"{what}: {name} is {_short(theirs)}, not {_short(mine)}")
        found += [f"{what}: {line}" for line in _facts(one, other)]
        wanted = copy_of.get(one.reply_to) if one.reply_to is not None else None
        if wanted != other.reply_to:
            found.append(
                f"{what}: answers {other.reply_to}, not {wanted} (the source answers {one.reply_to})"
            )
        head = heads[0].get(one.id)
        if (copy_of.get(head) if head is not None else None) != heads[1].get(other.id):
            found.append(f"{what}: is in another album")
        if live_after is not None and other.silent != (one.silent or one.id <= live_after):
            found.append(f"{what}: silent is {other.silent}")
    return found


def _align(source: Sequence[Seen], target: Sequence[Seen]) -> tuple[list[tuple[Seen, Seen]], list[str]]:
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
        f"source {one.title}: {'stands in another place' if elsewhere[one.key] else 'is missing'}"
        for one in missing
    ]
    moved = {one.key for one in missing}
    found += [
        f"target {other.title}: {'is a second copy' if other.key in known else 'is nothing of the source'}"
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


def _facts(one: Seen, other: Seen) -> list[str]:
    mine, theirs = dict(one.facts), dict(other.facts)
    return [
        f"{name} is {_short(theirs.get(name))}, not {_short(mine.get(name))}"
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
    #: Digests by document id: a file that stands in both chats is read once.
    digests: dict[int, str] = field(default_factory=dict)
    bytes_read: int = 0
    client: Any = None

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
                found.append(await self._seen(message, told))
        return found

    async def _seen(self, message: Any, told: Callable[[int], None]) -> Seen:
        media, reply = message.media, message.reply_to
        seen: dict[str, Any] = {"kind": "text"}
        if isinstance(media, types.MessageMediaWebPage):
            seen["preview"] = getattr(media.webpage, "url", "") or "pending"
        elif isinstance(media, types.MessageMediaPhoto):
            size = max((s for s in media.photo.sizes if hasattr(s, "w")), key=lambda s: s.w * s.h)
            seen |= {"kind": "photo", "facts": (("dimensions", (size.w, size.h)),)}
        elif isinstance(media, types.MessageMediaDocument):
            facts = document_facts(media.document)
            digest = await self._digest(media.document, told)
            seen |= {"kind": document_kind(media.document), "facts": facts, "digest": digest}
        elif media is not None:
            seen["kind"] = type(media).__name__
        quote = None
        if reply is not None and reply.quote:
            quote = (reply.quote_text, reply.quote_offset, entities_of(reply.quote_entities))
        return Seen(
            id=message.id,
            text=message.message,
            entities=entities_of(message.entities),
            spoiler=bool(getattr(media, "spoiler", False)),
            invert=bool(message.invert_media),
            silent=bool(message.silent),
            group=message.grouped_id,
            reply_to=reply.reply_to_msg_id if reply is not None else None,
            quote=quote,
            **seen,
        )

    async def _digest(self, document: Any, told: Callable[[int], None]) -> str:
        if document.id in self.digests:
            return self.digests[document.id]
        digest, size = sha256(), 0
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
