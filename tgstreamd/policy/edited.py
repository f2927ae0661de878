"""Pairs copies with originals that were edited after they were copied, where nothing told us of the edit.

Pure. Looks only between pairs that are sure, in the order of both, and only at originals that Telegram calls
edited: what stands there otherwise is somebody's own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from ..domain.messages import Message
from .slots import Slot, media_key, words

#: How much two texts must have in common to be one before and after an edit: more than two others have.
ALIKE = 0.6


def pair_edited(
    slots: Sequence[Slot], sure: Mapping[int, int], taken: Mapping[int, int], free: Sequence[Message]
) -> dict[int, int]:
    """The copies of edited originals, by their slots.

    `sure`: copies in the source's order, by their slots; `taken`: all that are paired already, and `free`
    those that are not.
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
    """The one that the original may have been before its edit; None where none of them is like it."""
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
