"""Defines how the copies of a job may look: one slot for each message that it puts into a target.

Pure. A slot's looks come from what would be sent now, and from the original as it is: the options of a mirror
may have changed since its copies were made. Compares nothing (`pairing`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from ..domain.errors import FilterTimeout
from ..domain.messages import FILE_KINDS, Account, Chat, Media, Message, Mirror, Value
from .captions import describe, is_ours
from .matching import shape
from .media_plan import Links
from .plan import Plan, plan
from .text import squeeze
from .transforms import around, transformed

#: A note in place of a media (`captions.note`, `captions.in_words`): its description, and perhaps the reason.
_NOTE = re.compile(r"\[(?P<what>.*) — (?:not copied|as text)\]")


class Look(Value, frozen=True):
    """The text by lines, and the compared key of the media; empty for none."""

    words: str
    media: str


@dataclass(slots=True)
class Slot:
    """One message of a target: an item of an album, a text or a part of one, or a single media."""

    message: Message
    #: The call of its job that sends it: an album is one call.
    run: int = 0
    #: It is sent in some cases only, like an added line after a sticker.
    optional: bool = False
    looks: list[Look] = field(default_factory=list)
    #: The original's whole text, to recognise parts of it.
    whole: str = ""
    #: The ids of its file where it was sent by reference.
    files: tuple[int, ...] = ()
    #: The description of its media in a note.
    note: str = ""

    def add(self, text: str, media: Media | None) -> None:
        """Add a possible look; ignore an empty one."""
        look = Look(words(text), media_key(media))
        if (look.words or look.media) and look not in self.looks:
            self.looks.append(look)


@dataclass(slots=True)
class SlotIndex:
    """The positions of slots by look, ascending. Texts above `long_from` characters may be in parts."""

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
    """Return the slots of one job in the order in which they are sent. `plans`: the `ways` to send it."""
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
    """Return the plans for these messages: without and, where the mirror may name authors, with a line."""
    named = mirror.attribution != "none" or mirror.dates != "never"

    def planned(mirror: Mirror) -> list[Plan]:
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

    try:
        return planned(mirror)
    except FilterTimeout:
        # The filter is undecided, but the look of a copy is known.
        return planned(msgspec.structs.replace(mirror, filter=()))


def lacking(slots: Sequence[Slot], source_id: int, found: Sequence[tuple[int, Message]]) -> int:
    """Return how many messages of an original's copy are missing. `found`: the existing ones, by slot."""
    mine = [(at, slot) for at, slot in enumerate(slots) if slot.message.id == source_id]
    whole = mine[0][1].whole
    if whole and any(whole in words(copy.text) for _, copy in found):
        # The whole text is in one message: the limits differed when it was made.
        return 0
    there = {at for at, _ in found}
    return sum(1 for at, slot in mine if at not in there and not slot.optional)


def our_lines(mirror: Mirror, source: Chat) -> Callable[[str, Message], bool]:
    """Return a predicate: whether this mirror adds a line to the copy of a message."""

    def ours(line: str, original: Message) -> bool:
        if is_ours(line, original):
            return True
        return any(line in words(part.text).splitlines() for part in around(original, mirror, source))

    return ours


def words(text: str) -> str:
    """Return the text with uniform white space, its lines kept and empty ones removed."""
    return "\n".join(line for line in map(squeeze, text.splitlines()) if line)


def media_key(media: Media | None) -> str:
    """Return the compared key of a media: of a file its size and type, else its unchanged properties."""
    if media is None:
        return ""
    if media.kind in FILE_KINDS and media.kind not in ("photo", "live_photo"):
        # Telegram turns a file that is a video into one.
        return f"{media.size}:{media.mime}"
    return shape(media)


def noted(line: str) -> Iterator[str]:
    """Yield the descriptions that a note may contain: a reason after the last comma is indistinguishable."""
    if found := _NOTE.fullmatch(line):
        yield found["what"]
        if ", " in found["what"]:
            yield found["what"].rpartition(", ")[0]
