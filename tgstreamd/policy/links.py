"""Rewrites links to messages of the source into links to their copies.

Pure. Knows the forms of https://core.telegram.org/api/links#message-links: by number, by name, with a topic,
as `tg:` address. Changes only links, visible or behind a text, whose copy is known; the rest of the address
stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from ..domain.messages import Chat, Entity, Message
from .captions import link
from .text import Text, cut, units

_WEB = re.compile(
    r"(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|telegram\.dog)/"
    r"(?:c/(?P<number>\d+)|(?P<name>[A-Za-z]\w{3,31}))"
    r"(?:/(?P<topic>\d+))?/(?P<id>\d+)(?P<rest>\?[^#\s]*)?/?",
    re.IGNORECASE,
)
_APP = re.compile(
    r"tg:(?://)?(?:privatepost\?channel=(?P<number>\d+)|resolve\?domain=(?P<name>[A-Za-z]\w{3,31}))"
    r"&post=(?P<id>\d+)(?P<rest>&[^\s]*)?",
    re.IGNORECASE,
)

#: Message ids have 32 bits; a link may contain any number.
ID_MAX = 2**31 - 1


def named(url: str, chat: Chat) -> int | None:
    """Return the message of `chat` that a link points to; None where it points elsewhere."""
    found = _WEB.fullmatch(url) or _APP.fullmatch(url)
    # A link to a comment names the post but points to a message in the discussion group.
    if found is None or "comment=" in (found["rest"] or ""):
        return None
    if len(found["id"]) > 10 or not 0 < (message := int(found["id"])) <= ID_MAX:
        return None
    if found["number"]:
        return message if str(chat.id) == f"-100{found['number']}" else None
    mine = chat.username and found["name"].lower() == chat.username.lower()
    return message if mine else None


def mentioned(messages: Iterable[Message], chat: Chat) -> frozenset[int]:
    """Return the messages of `chat` to which these messages link."""
    found = set()
    for message in messages:
        text = Text(text=message.text)
        urls = [_url(text, entity) for entity in message.entities]
        if message.preview.url:
            urls.append(message.preview.url)
        found |= {id_ for url in urls if (id_ := named(url, chat)) is not None}
    return frozenset(found)


def led(url: str, source: Chat, target: Chat, copy_of: Callable[[int], int | None]) -> str:
    """Return `url`, or the link of the copy where it points to a message of `source` that has one."""
    message = named(url, source)
    copy = copy_of(message) if message is not None else None
    return (copy and link(target, copy)) or url


def rewritten(whole: Text, source: Chat, target: Chat, copy_of: Callable[[int], int | None]) -> Text:
    """Return the text with its links to messages of `source` rewritten; entities keep their places."""
    entities = [_rewrite_hidden(entity, source, target, copy_of) for entity in whole.entities]
    whole = Text(text=whole.text, entities=tuple(entities))
    seen = [entity for entity in whole.entities if entity.kind == "url"]
    for entity in sorted(seen, key=lambda one: one.offset, reverse=True):
        old = _url(whole, entity)
        new = led(old, source, target, copy_of)
        if new != old:
            whole = _splice(whole, entity.offset, entity.offset + entity.length, new)
    return whole


def _rewrite_hidden(
    entity: Entity, source: Chat, target: Chat, copy_of: Callable[[int], int | None]
) -> Entity:
    if entity.kind != "text_url":
        return entity
    url = led(str(entity.args.get("url", "")), source, target, copy_of)
    return msgspec.structs.replace(entity, args={**entity.args, "url": url})


def _url(text: Text, entity: Entity) -> str:
    if entity.kind == "text_url":
        return str(entity.args.get("url", ""))
    return cut(text, entity.offset, entity.offset + entity.length).text if entity.kind == "url" else ""


def _splice(whole: Text, start: int, end: int, new: str) -> Text:
    """Return the text with `new` in place of the units from `start` to `end`; entities are adjusted."""
    before, after = cut(whole, 0, start).text, cut(whole, end, whole.units).text
    grown = units(new) - (end - start)

    def moved(at: int, *, is_end: bool) -> int:
        if at >= end:
            return at + grown
        if at <= start:
            return at
        # Inside of the link: the entity begins, or ends, with the new link.
        return start + units(new) if is_end else start

    entities = []
    for entity in whole.entities:
        first = moved(entity.offset, is_end=False)
        last = moved(entity.offset + entity.length, is_end=True)
        entities.append(msgspec.structs.replace(entity, offset=first, length=last - first))
    return Text(text=before + new + after, entities=tuple(entities))
