"""Applies the operator's transforms to a copy: replaces words and links, drops captions, adds lines.

Pure. Formatting keeps its place, counted in UTF-16; one pass replaces each place once, so that a replacement
is not replaced again. Costs nothing where nothing is configured. Decides nothing about messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from ..domain.messages import Chat, Entity, Message, Mirror, Preview
from .captions import link
from .text import Text, squeeze, units

#: Placeholders of header and footer, in braces.
PLACEHOLDERS = ("source", "author", "date", "link")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def transformed(message: Message, mirror: Mirror) -> Message:
    """Return the message with all transforms of the mirror applied."""
    change = msgspec.structs.replace
    if mirror.drop_captions and message.media is not None and message.text:
        message = change(message, text="", entities=())
    if not mirror.replace:
        return message
    body = replaced(Text(text=message.text, entities=message.entities), mirror.replace)
    reply = message.reply
    if reply is not None and reply.quote:
        # It must occur verbatim in the answered message, which was changed in the same way.
        quote = replaced(Text(text=reply.quote, entities=reply.quote_entities), mirror.replace)
        reply = change(reply, quote=quote.text, quote_entities=quote.entities)
    media = message.media
    if media is not None and media.words:
        words = replaced(Text(text=media.words, entities=media.word_entities), mirror.replace)
        media = change(media, words=words.text, word_entities=words.entities)
    url = _in_url(message.preview.url, mirror.replace)
    preview = message.preview
    if url != preview.url:
        preview = change(preview, url=url) if url else Preview(mode="none")
    return change(message, text=body.text, entities=body.entities, reply=reply, media=media, preview=preview)


def around(message: Message, mirror: Mirror, source: Chat) -> tuple[Text, Text]:
    """Return the lines above and below every copy that can have text."""
    return _line(mirror.header, message, source), _line(mirror.footer, message, source)


def reworded(mirror: Mirror) -> bool:
    """Return whether copies have another text than their originals."""
    return bool(mirror.replace) or mirror.drop_captions


def replaced(whole: Text, pairs: Mapping[str, str]) -> Text:
    """Return the text with each of the words replaced, in its links too, ignoring case."""
    text, marks = whole.text, [_rewrite_link(entity, pairs) for entity in whole.entities]
    found = list(_finder(tuple(pairs)).finditer(text)) if text else []
    if not found:
        return Text(text=text, entities=tuple(mark for mark in marks if mark is not None))
    new, at = [], 0
    #: Old and new position of each replacement, in UTF-16: (begin, end, new begin, new end).
    places: list[tuple[int, int, int, int]] = []
    old_units = new_units = 0
    for match in found:
        between, put = text[at : match.start()], _replacement(match[0], pairs)
        old_units += units(between)
        new_units += units(between)
        places.append((old_units, old_units + units(match[0]), new_units, new_units + units(put)))
        old_units, new_units = places[-1][1], places[-1][3]
        new += [between, put]
        at = match.end()
    new.append(text[at:])
    kept = [_move_entity(mark, places) for mark in marks if mark is not None]
    return Text(text="".join(new), entities=tuple(mark for mark in kept if mark is not None))


def _move_entity(mark: Entity, places: list[tuple[int, int, int, int]]) -> Entity | None:
    """Return the entity at its new place; one that overlapped a replaced word now covers the new one."""
    start, end = mark.offset, mark.offset + mark.length
    new_start, new_end = start, end
    for begin, stop, new_begin, new_stop in places:
        if begin >= end:
            break
        if mark.kind == "custom_emoji" and stop > start:
            return None  # it represents exactly the character that was replaced
        if stop <= start:
            new_start = new_stop + start - stop
        elif begin < start:
            new_start = new_begin
        # A beginning at or before the replacement does not move.
        new_end = new_stop if stop >= end else new_stop + end - stop
    if new_start >= new_end:
        return None
    return msgspec.structs.replace(mark, offset=new_start, length=new_end - new_start)


def _rewrite_link(entity: Entity, pairs: Mapping[str, str]) -> Entity | None:
    """Return the entity with its link replaced; None where no link is left."""
    url = entity.args.get("url")
    if entity.kind != "text_url" or not isinstance(url, str):
        return entity
    new = _in_url(url, pairs)
    if not new:
        return None
    return entity if new == url else msgspec.structs.replace(entity, args={**entity.args, "url": new})


def _in_url(url: str, pairs: Mapping[str, str]) -> str:
    return _finder(tuple(pairs)).sub(lambda match: _replacement(match[0], pairs), url) if url else url


def _replacement(found: str, pairs: Mapping[str, str]) -> str:
    """Return the replacement of a found word, whatever its case."""
    if found in pairs:
        return pairs[found]
    return next((put for word, put in pairs.items() if word.casefold() == found.casefold()), found)


@lru_cache(maxsize=64)
def _finder(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for whole words, the longest first: only literal texts, which cannot backtrack."""
    longest = sorted(words, key=len, reverse=True)
    return re.compile("|".join(_whole(word) for word in longest), re.IGNORECASE)


def _whole(word: str) -> str:
    begin = r"(?<!\w)" if re.match(r"\w", word) else ""
    end = r"(?!\w)" if re.search(r"\w$", word) else ""
    return f"{begin}{re.escape(word)}{end}"


def _line(template: str, message: Message, source: Chat) -> Text:
    if not template:
        return Text()
    known = {
        "source": squeeze(source.title),
        "author": squeeze(message.sender),
        "date": f"{datetime.fromtimestamp(message.date, UTC):%Y-%m-%d %H:%M}",
        "link": link(source, message.id),
    }
    return Text(text=_PLACEHOLDER.sub(lambda match: known.get(match[1], match[0]), template).strip())
