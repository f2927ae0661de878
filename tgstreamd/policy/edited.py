"""Pairs copies with originals that were edited after copying without an edit having been received.

Pure. Considers only copies between sure pairs, in the order of both sides, and only originals that Telegram
calls edited: any other message there belongs to somebody else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from ..domain.messages import Message
from .slots import Slot, media_key, words

#: Similarity from which two texts count as one before and after an edit; unrelated texts stay below it.
ALIKE = 0.6


def pair_edited(
    slots: Sequence[Slot], sure: Mapping[int, int], taken: Mapping[int, int], free: Sequence[Message]
) -> dict[int, int]:
    """Return the copies of edited originals, by their slots.

    `sure`: copies in the source's order, by their slots; `taken`: all paired copies; `free`: the others.
    """
    anchors = sorted(sure.items())
    places = [at for at, _ in anchors]
    left = {copy.id: copy for copy in free}
    found: dict[int, int] = {}
    seen: set[int] = set()
    for at, slot in enumerate(slots):
        first = slot.message.id not in seen
        seen.add(slot.message.id)
        if at in taken or not first or not slot.message.edited:
            continue
        here = bisect_left(places, at)
        low = max(anchors[here - 1][1] if here else 0, max(found.values(), default=0))
        high = anchors[here][1] if here < len(anchors) else None
        between = [one for one in left.values() if low < one.id and (high is None or one.id < high)]
        if (copy := _closest(slot, between)) is not None:
            found[at] = copy.id
            del left[copy.id]
    return found


def _closest(slot: Slot, copies: Sequence[Message]) -> Message | None:
    """Return the copy that may be the original before its edit; None where none is similar enough."""
    kinds = {look.media for look in slot.looks}
    able = [
        copy
        for copy in copies
        if media_key(copy.media) in kinds and slot.message.date <= copy.date <= slot.message.edited
    ]
    if len(able) == 1 and able[0].media is not None:
        return able[0]
    best = max(able, key=lambda copy: _common(slot.whole, words(copy.text)), default=None)
    return best if best is not None and _common(slot.whole, words(best.text)) >= ALIKE else None


def _common(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
