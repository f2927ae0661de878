"""Cuts, trims, joins and splits texts with entities, measured in UTF-16 code units as Telegram does.

Pure. Promises never to cut a surrogate pair, a custom emoji or a grapheme, that every entity lies within its
text and is never empty, and that nothing but white space at the edges is lost. Decides nothing about
messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import combining

import msgspec

from ..domain.messages import Entity, Value

#: Characters that the server removes at both ends of a text. Narrower than `str.strip()`, so that an exotic
#: space which the server kept in the source is kept here, too.
BLANK = " \t\n\v\f\r"


#: Longest grapheme that is kept whole: a longer one is cut anywhere.
CLUSTER_MAX = 64
_JOINER = "\u200d"


class Text(Value, frozen=True, kw_only=True):
    """A text and its formatting."""

    text: str = ""
    entities: tuple[Entity, ...] = ()

    @property
    def units(self) -> int:
        return units(self.text)


def units(text: str) -> int:
    """Return the length of `text` as Telegram counts it."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def sane(whole: Text) -> Text:
    """Return the text with its entities within bounds and not inside pairs; drop those beyond repair.

    Input is not trusted: one invalid entity would have the whole send refused.
    """
    long = whole.units
    pairs = {at + 1 for at in _pairs(whole.text)} if len(whole.text) != long else set()
    kept = []
    for entity in whole.entities:
        start = max(0, entity.offset)
        end = min(long, entity.offset + max(0, entity.length))
        start, end = start - (start in pairs), end + (end in pairs)
        if start < end:
            kept.append(msgspec.structs.replace(entity, offset=start, length=end - start))
    return Text(text=whole.text, entities=tuple(kept))


def cut(whole: Text, start: int, end: int) -> Text:
    """Return the units from `start` to `end`, which lie between characters, with the rest of the entities."""
    raw = whole.text.encode("utf-16-le", "surrogatepass")
    piece = raw[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
    kept = []
    for entity in whole.entities:
        first, last = max(entity.offset, start), min(entity.offset + entity.length, end)
        if first < last:
            kept.append(msgspec.structs.replace(entity, offset=first - start, length=last - first))
    return Text(text=piece, entities=tuple(kept))


def trim(whole: Text) -> Text:
    """Return the text without white space at both ends, as the server will store it."""
    left = len(whole.text) - len(whole.text.lstrip(BLANK))
    right = len(whole.text.strip(BLANK))
    if right == len(whole.text):
        return whole
    # White space counts one unit a character.
    return cut(whole, left, left + units(whole.text[left : left + right]))


def join(parts: Iterable[Text], between: str = "\n") -> Text:
    """Return one text of the parts that are not empty, with their entities shifted."""
    text, entities, at = "", [], 0
    for part in parts:
        if not part.text:
            continue
        if text:
            text += between
            at += units(between)
        entities += [msgspec.structs.replace(e, offset=e.offset + at) for e in part.entities]
        text += part.text
        at += units(part.text)
    return Text(text=text, entities=tuple(entities))


def split(whole: Text, first: int, rest: int) -> list[Text]:
    """Return trimmed pieces of at most `first` units, then `rest`; at least one (perhaps empty) piece.

    Cuts at a line's end where one lies in the second half of the limit, else at a space, else anywhere but
    inside a pair or a custom emoji. An entity that is cut becomes two. `first` may be 0: then the first piece
    is empty. `rest` must be 2 or more.
    """
    whole = trim(whole)
    if first < 2 and whole.text:
        return [Text(), *split(whole, rest, rest)]
    pieces: list[Text] = []
    room = first
    while whole.units > room:
        end = _cut_before(whole, room)
        piece, whole = trim(cut(whole, 0, end)), trim(cut(whole, end, whole.units))
        if piece.text:
            pieces.append(piece)
            room = rest
    if whole.text or not pieces:
        pieces.append(whole)
    return pieces


def squeeze(text: str) -> str:
    """Return the text with uniform white space, for comparison with what is in the target."""
    return " ".join(text.split())


def without(entities: Sequence[Entity], kinds: Iterable[str]) -> tuple[Entity, ...]:
    return tuple(entity for entity in entities if entity.kind not in set(kinds))


def _cut_before(whole: Text, room: int) -> int:
    """Return the end of the first piece: at most `room` units, and at least one character."""
    window = _fit(whole.text, room)
    for mark in ("\n", " "):
        at = window.rfind(mark)
        if at >= len(window) // 2 and at > 0:
            end = units(window[:at])
            if _indivisible(whole, end) == end:
                return end
    window = _keep_grapheme(window, whole.text)
    end = units(window)
    return _indivisible(whole, end) or end


def _indivisible(whole: Text, end: int) -> int:
    """Return `end`, moved before the custom emoji that it would cut."""
    for entity in whole.entities:
        if entity.kind == "custom_emoji" and entity.offset < end < entity.offset + entity.length:
            return entity.offset
    return end


def _pairs(text: str) -> Iterator[int]:
    """Yield the offsets at which pairs begin."""
    at = 0
    for char in text:
        if char > "\uffff":
            yield at
            at += 1
        at += 1


def _keep_grapheme(window: str, text: str) -> str:
    """Return `window`, the beginning of `text`, cut before a grapheme that it would split: 👩‍👩‍👧, ё, 🇺🇳."""
    end = len(window)
    while end > max(1, len(window) - CLUSTER_MAX) and _is_joined(text, end):
        end -= 1
    return window if _is_joined(text, end) else window[:end]


def _is_joined(text: str, at: int) -> bool:
    """Return whether the characters before and after `at` form one grapheme."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if _JOINER in (before, after) or combining(after):
        return True
    if "\ufe00" <= after <= "\ufe0f" or "\U0001f3fb" <= after <= "\U0001f3ff" or after == "\u20e3":
        return True
    if "\U000e0020" <= after <= "\U000e007f":
        return True
    flags = 0
    while flags < at and "\U0001f1e6" <= text[at - 1 - flags] <= "\U0001f1ff":
        flags += 1
    return flags % 2 == 1 and "\U0001f1e6" <= after <= "\U0001f1ff"


def _fit(text: str, room: int) -> str:
    """Return as many characters from the beginning as fit into `room` units."""
    window = text[:room]
    while units(window) > room:
        # Every step drops at least half of what is over: a text of pairs takes a few rounds.
        window = window[: len(window) - (units(window) - room + 1) // 2]
    return window
