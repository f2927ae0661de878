"""Texts with entities in Telegram's own measure, UTF-16 code units: cut, trim, join, split.

Pure. Promises that no surrogate pair and no custom emoji is ever cut, nor what is seen as one character,
that every entity lies within its text and is never empty, and that nothing but white space at the edges is
lost. Decides nothing about messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import combining

import msgspec

from ..domain.messages import Entity, Value

#: What the server cuts off at both ends of a text. Narrower than `str.strip()`, so that an exotic space
#: that it left alone in the source is left alone here too.
BLANK = " \t\n\v\f\r"


#: Longest run of characters that is kept together as one: beyond it the text is cut anywhere.
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
    """The length of `text` as Telegram counts it."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def sane(whole: Text) -> Text:
    """The text with its entities inside of its bounds and off the middle of pairs; the hopeless ones go.

    A message should not have others, but what is read is not trusted: one of them costs the whole send.
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
    """The units from `start` to `end`, which lie between characters, with what is left of the entities."""
    raw = whole.text.encode("utf-16-le", "surrogatepass")
    piece = raw[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
    kept = []
    for entity in whole.entities:
        first, last = max(entity.offset, start), min(entity.offset + entity.length, end)
        if first < last:
            kept.append(msgspec.structs.replace(entity, offset=first - start, length=last - first))
    return Text(text=piece, entities=tuple(kept))


def trim(whole: Text) -> Text:
    """Without the white space at both ends, as the server will store it."""
    left = len(whole.text) - len(whole.text.lstrip(BLANK))
    right = len(whole.text.strip(BLANK))
    if right == len(whole.text):
        return whole
    # White space counts one unit a character.
    return cut(whole, left, left + units(whole.text[left : left + right]))


def join(parts: Iterable[Text], between: str = "\n") -> Text:
    """One text of those parts that are not empty, their entities moved along."""
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
    """Trimmed pieces of at most `first` units, then `rest`; one (perhaps empty) piece at least.

    Cuts at a line's end where one lies in the second half of the room, else at a space, else anywhere
    but inside a pair or a custom emoji. An entity that is cut becomes two. `first` may be 0: then the
    first piece is empty. `rest` must be 2 or more.
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
    """The text with all white space alike, for comparing what was sent with what stands there."""
    return " ".join(text.split())


def without(entities: Sequence[Entity], kinds: Iterable[str]) -> tuple[Entity, ...]:
    return tuple(entity for entity in entities if entity.kind not in set(kinds))


def _cut_before(whole: Text, room: int) -> int:
    """Where to end the first piece: at most `room` units on, and at least one character."""
    window = _fitting(whole.text, room)
    for mark in ("\n", " "):
        at = window.rfind(mark)
        if at >= len(window) // 2 and at > 0:
            end = units(window[:at])
            if _indivisible(whole, end) == end:
                return end
    window = _unbroken(window, whole.text)
    end = units(window)
    return _indivisible(whole, end) or end


def _indivisible(whole: Text, end: int) -> int:
    """`end`, moved before the custom emoji that it would cut."""
    for entity in whole.entities:
        if entity.kind == "custom_emoji" and entity.offset < end < entity.offset + entity.length:
            return entity.offset
    return end


def _pairs(text: str) -> Iterator[int]:
    """The offsets at which pairs begin."""
    at = 0
    for char in text:
        if char > "\uffff":
            yield at
            at += 1
        at += 1


def _unbroken(window: str, text: str) -> str:
    """`window`, the beginning of `text`, moved before what it would cut in two: 👩‍👩‍👧, ё, 🇺🇳."""
    end = len(window)
    while end > max(1, len(window) - CLUSTER_MAX) and _joined(text, end):
        end -= 1
    return window if _joined(text, end) else window[:end]


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and after `at` are seen as one."""
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


def _fitting(text: str, room: int) -> str:
    """As many characters from the beginning as `room` units hold."""
    window = text[:room]
    while units(window) > room:
        # Every step drops at least half of what is over: a text of pairs takes a few rounds.
        window = window[: len(window) - (units(window) - room + 1) // 2]
    return window
