"""What Telegram's server does to a text: bounds, trimming, which entities stay, which it finds itself.

Offsets and lengths are UTF-16 code units. `prepare` never trusts the sender: out of bounds is refused, what
only the server may set is dropped, URLs, mentions, hashtags and their like are detected anew.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

from telethon.tl import types

from ..dispatch import RpcError

MAX_ENTITIES = 100

#: What a client may set; everything else it sends is ignored.
_SETTABLE = (
    types.MessageEntityBold,
    types.MessageEntityItalic,
    types.MessageEntityUnderline,
    types.MessageEntityStrike,
    types.MessageEntitySpoiler,
    types.MessageEntityBlockquote,
    types.MessageEntityCode,
    types.MessageEntityPre,
    types.MessageEntityTextUrl,
    types.MessageEntityCustomEmoji,
    types.MessageEntityFormattedDate,
    types.InputMessageEntityMentionName,
)
#: Nothing is detected inside of these.
_OPAQUE = (
    types.MessageEntityCode,
    types.MessageEntityPre,
    types.MessageEntityTextUrl,
    types.MessageEntityMentionName,
)
QUOTE_ENTITIES = (
    types.MessageEntityBold,
    types.MessageEntityItalic,
    types.MessageEntityUnderline,
    types.MessageEntityStrike,
    types.MessageEntitySpoiler,
    types.MessageEntityCustomEmoji,
    types.MessageEntityFormattedDate,
)

_TLD = "com|org|net|me|io|ru|de|info|dev|app|gov|edu|uk|co|eu|fr|es|it|ch|at|tv|xyz|example"
_DETECTED: tuple[tuple[re.Pattern[str], type], ...] = (
    (re.compile(r"(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}"), types.MessageEntityEmail),
    (
        re.compile(
            rf"(?:https?|ftp|tg)://[^\s<>\"]+|(?<![@\w./-])(?:[\w-]+\.)+(?:{_TLD})\b(?:[/?#][^\s<>\"]*)?"
        ),
        types.MessageEntityUrl,
    ),
    (re.compile(r"(?<![\w/@])@[A-Za-z]\w{3,31}(?!\w)", re.ASCII), types.MessageEntityMention),
    (re.compile(r"(?<![\w#])#\w*[^\W\d]\w*"), types.MessageEntityHashtag),
    (re.compile(r"(?<![\w$])\$[A-Z]{3,8}(?!\w)"), types.MessageEntityCashtag),
    (
        re.compile(r"(?<![\w/<])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])", re.ASCII),
        types.MessageEntityBotCommand,
    ),
    (re.compile(r"(?<![\w+])\+\d{7,15}(?!\w)"), types.MessageEntityPhone),
)


def units(text: str) -> int:
    """The length of a text as Telegram counts offsets."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, offset: int, length: int) -> str:
    """The part of a text that an entity covers."""
    return text.encode("utf-16-le")[offset * 2 : (offset + length) * 2].decode("utf-16-le", "replace")


def prepare(
    text: str,
    entities: Sequence[Any] | None,
    *,
    premium: bool,
    mention: Callable[[Any], int | None] | None = None,
) -> tuple[str, list[Any]]:
    """Text and entities as the server stores them.

    `mention` turns the `InputUser` of a mention into an id (None: the mention is dropped). Without it the
    caller is the world itself, which may set `MessageEntityMentionName` directly.
    """
    kept = [_checked(entity, text) for entity in entities or ()]
    kept = [e for e in (_allowed(entity, premium, mention) for entity in kept) if e is not None]
    text, kept = _trimmed(text, kept)
    plain = [e for e in kept if not isinstance(e, types.MessageEntityCustomEmoji)]
    if len(plain) > MAX_ENTITIES:
        dropped = {id(e) for e in plain[MAX_ENTITIES:]}
        kept = [e for e in kept if id(e) not in dropped]
    kept.extend(_detect(text, kept))
    kept.sort(key=lambda e: (e.offset, -e.length))
    return text, kept


def first_link(text: str, entities: list[Any]) -> str | None:
    """The link that a preview is made of."""
    for entity in entities:
        if isinstance(entity, types.MessageEntityTextUrl):
            return str(entity.url)
        if isinstance(entity, types.MessageEntityUrl):
            return cut(text, entity.offset, entity.length)
    return None


def _checked(entity: Any, text: str) -> Any:
    """A copy of the entity, or ENTITY_BOUNDS_INVALID; half of a surrogate pair is out of bounds too."""
    raw = text.encode("utf-16-le")
    end = entity.offset + entity.length
    if entity.offset < 0 or entity.length <= 0 or end * 2 > len(raw):
        raise RpcError(400, "ENTITY_BOUNDS_INVALID")
    for at in (entity.offset, end):
        if at * 2 < len(raw) and 0xDC <= raw[at * 2 + 1] <= 0xDF:
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")
    return copy.copy(entity)


def _allowed(entity: Any, premium: bool, mention: Callable[[Any], int | None] | None) -> Any:
    if isinstance(entity, types.InputMessageEntityMentionName):
        if mention is None:
            return None
        user_id = mention(entity.user_id)
        if user_id is None:
            return None
        return types.MessageEntityMentionName(entity.offset, entity.length, user_id)
    if isinstance(entity, types.MessageEntityMentionName):
        return entity if mention is None else None
    if isinstance(entity, types.MessageEntityCustomEmoji) and not premium:
        return None
    return entity if isinstance(entity, _SETTABLE) else None


def _trimmed(text: str, entities: list[Any]) -> tuple[str, list[Any]]:
    body = text.lstrip()
    shift = units(text) - units(body)
    body = body.rstrip()
    limit = units(body)
    kept = []
    for entity in entities:
        start = max(0, entity.offset - shift)
        end = min(limit, entity.offset - shift + entity.length)
        if end > start:
            entity.offset, entity.length = start, end - start
            kept.append(entity)
    return body, kept


def _detect(text: str, present: list[Any]) -> list[Any]:
    taken = [(e.offset, e.offset + e.length) for e in present if isinstance(e, _OPAQUE)]
    found = []
    for pattern, kind in _DETECTED:
        for match in pattern.finditer(text):
            body = match.group()
            if kind is types.MessageEntityUrl:
                body = body.rstrip(".,;:!?)'»”")
            offset, length = units(text[: match.start()]), units(body)
            if any(start < offset + length and offset < end for start, end in taken):
                continue
            taken.append((offset, offset + length))
            found.append(kind(offset, length))
    return found
