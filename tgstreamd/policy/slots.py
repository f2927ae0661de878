"""Says what the copies of a job may look like, one slot for each message that it puts into a target.

Pure. A slot takes its looks from what would be sent now, and from the original as it is: the options of a
mirror may have changed since its copies were made. Compares nothing (`pairing`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from ..domain.errors import FilterTimeout
from ..domain.messages import FILE_KINDS, Account, Chat, Media, Message, Mirror, Value
from .captions import describe, is_ours
from .filters import dropped
from .matching import shape
from .media_plan import Links
from .plan import Plan, plan
from .text import squeeze
from .transforms import around, transformed

#: A note in place of a media (`lines.note`, `lines.in_words`): what it was, and perhaps why it is not there.
_NOTE = re.compile(r"\[(?P<what>.*) — (?:not copied|as text)\]")


class Look(Value, frozen=True):
    """Words, a line each, and what is compared of the media; empty for none."""

    words: str
    media: str


@dataclass(slots=True)
class Slot:
    """One message of a target: an item of an album, a text or a part of one, or a single media."""

    message: Message
    #: Which call of its job sends it: an album is one call.
    run: int = 0
    #: It is sent in some cases only, as a line of ours behind a sticker is.
    optional: bool = False
    looks: list[Look] = field(default_factory=list)
    #: All that the original says, for parts of it.
    whole: str = ""
    #: The ids that its file has where it went by reference.
    files: tuple[int, ...] = ()
    #: How a note would call its media.
    note: str = ""

    def add(self, text: str, media: Media | None) -> None:
        """One more way to look; none where there is nothing to see."""
        look = Look(words(text), media_key(media))
        if (look.words or look.media) and look not in self.looks:
            self.looks.append(look)


@dataclass(slots=True)
class SlotIndex:
    """Where slots with a certain look are, ascending. Texts above `long_from` characters may be in parts."""

    long_from: int
    looks: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    files: dict[int, list[int]] = field(default_factory=dict)
    notes: dict[str, list[int]] = field(default_factory=dict)
    long: list[int] = field(default_factory=list)

    def add(self, at: int, slot: Slot) -> None:
        for look in slot.looks:
            self.looks.setdefault((look.words, look.media), []).append(at)
        for file in slot.files:
            self.files.setdefault(file, []).append(at)
        if slot.note:
            self.notes.setdefault(slot.note, []).append(at)
        if len(slot.whole) > self.long_from:
            self.long.append(at)


def slots_of(messages: Sequence[Message], plans: Sequence[Plan], mirror: Mirror) -> list[Slot]:
    """The slots of one job in the order in which they are sent. `plans`: the `ways` to send it."""
    known = {message.id: message for message in messages}
    slots: list[Slot] = []
    for number, planned in enumerate(plans):
        pieces = [(run, piece) for run, draft in enumerate(planned.drafts) for piece in draft.pieces]
        for at, (run, piece) in enumerate(pieces):
            if at == len(slots):
                slots.append(Slot(known[piece.source_id], run, optional=number > 0))
            if slots[at].message.id == piece.source_id:
                slots[at].add(piece.text, piece.media)
    for message in messages:
        first = next((slot for slot in slots if slot.message.id == message.id), None)
        if first is None:
            first = Slot(message, optional=bool(plans))
            slots.append(first)
        shown = transformed(message, mirror)
        for one in (shown, message):
            first.add(one.text, one.media)
        for slot in slots:
            if slot.message.id == message.id:
                slot.whole = words(f"{shown.text}\n{shown.media.words if shown.media else ''}")
        if message.media is not None:
            first.note = describe(message.media)
            if message.media.kind in FILE_KINDS and message.media.id:
                first.files = (message.media.id,)
    return slots


def ways(
    messages: Sequence[Message],
    *,
    mirror: Mirror,
    account: Account,
    source: Chat,
    same_account: bool,
    links: Links | None,
) -> list[Plan]:
    """What would be sent for these messages: without and, where the mirror may name authors, with a line."""
    named = mirror.attribution != "none" or mirror.dates != "never"
    try:
        dropped(messages, mirror.filter)
    except FilterTimeout:
        # Nobody knows whether it was wanted: what a copy of it looks like is known all the same.
        mirror = msgspec.structs.replace(mirror, filter=())
    return [
        plan(
            messages,
            mirror=mirror,
            account=account,
            source=source,
            parent=None,
            backlog=True,
            same_account=same_account,
            line=line,
            placed=False,
            links=links,
        )
        for line in ((False, True) if named else (False,))
    ]


def lacking(slots: Sequence[Slot], source_id: int, found: Sequence[tuple[int, Message]]) -> int:
    """How many messages of an original's copy are not there. `found`: those that are, by their slots."""
    mine = [(at, slot) for at, slot in enumerate(slots) if slot.message.id == source_id]
    whole = mine[0][1].whole
    if whole and any(whole in words(copy.text) for _, copy in found):
        # All of it in one: the limits were others when that was made.
        return 0
    there = {at for at, _ in found}
    return sum(1 for at, slot in mine if at not in there and not slot.optional)


def our_lines(mirror: Mirror, source: Chat) -> Callable[[str, Message], bool]:
    """Whether a line is one that this mirror puts around the copy of a message."""

    def ours(line: str, original: Message) -> bool:
        if is_ours(line, original):
            return True
        return any(line in words(part.text).splitlines() for part in around(original, mirror, source))

    return ours


def words(text: str) -> str:
    """The text with all white space alike, its lines kept and empty ones left out."""
    return "\n".join(line for line in map(squeeze, text.splitlines()) if line)


def media_key(media: Media | None) -> str:
    """What is compared of a media: of a file its size and type, else what the server leaves alone."""
    if media is None:
        return ""
    if media.kind in FILE_KINDS and media.kind not in ("photo", "live_photo"):
        # Telegram makes a video of a file that is one.
        return f"{media.size}:{media.mime}"
    return shape(media)


def noted(line: str) -> Iterator[str]:
    """What a note may speak of: a reason behind the last comma is told apart by nobody."""
    if found := _NOTE.fullmatch(line):
        yield found["what"]
        if ", " in found["what"]:
            yield found["what"].rpartition(", ")[0]
