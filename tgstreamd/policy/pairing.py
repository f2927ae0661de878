"""Pairs source messages with their copies in the target, where the ledger has no map.

Pure. An exact match precedes a similar one, an album stays together, and pairs in the source's order precede
others, such as the copies made by `resend` and repair. A copy belongs to one message and is never older than
its original. `slots` defines how a copy may look.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from ..domain.messages import GENERAL_TOPIC, Message, Value
from .chain import Option, best_chain
from .edited import pair_edited
from .slots import Slot, SlotIndex, media_key, noted, words

#: Weights of a match: identical text; with added lines around it; a part of a long text; the same file
#: with another text; with foreign lines, which counts only in the source's order.
EXACT, LINED, PART, SAME_FILE, FOREIGN = 16, 12, 10, 10, 4
#: Additional weight for the same file, and for an album's items whose ids have the same distance.
IDENTICAL, NEIGHBOURS = 4, 1
#: Number of lines above and below that may surround the original's text.
ABOVE, BELOW = 12, 8
#: Characters from which a text among foreign lines is no accident, and from which a part is recognised.
TELLING, PART_MIN = 20, 200
#: Maximum number of identical slots that are compared with one copy.
ALIKE_MAX = 64


class Pair(Value, frozen=True, kw_only=True):
    """A copy, and the slot of the job that it fills."""

    job: int
    slot: int
    copy: int
    #: It is out of the source's order.
    late: bool = False
    #: Its text differs from the original's current one.
    edited: bool = False
    #: That was concluded only from similar text and position.
    likely: bool = False


def pair_copies(
    jobs: Sequence[Sequence[Slot]],
    copies: Sequence[Message],
    *,
    ours: Callable[[str, Message], bool],
    topics: Mapping[int, int] | None = None,
) -> list[Pair]:
    """Return which of `copies`, messages of the target, fill which slots of `jobs`, in the source's order.

    `ours(line, original)` tells whether tgstreamd adds that line to copies. `topics`: topics of the source
    with those of the target, as far as they are known. Takes seconds for a hundred thousand jobs: call it off
    the loop.
    """
    pairing = _Pairing(jobs, copies, ours, topics or {})
    pairing.pair()
    return pairing.result()


class _Pairing:
    """One comparison of two chats."""

    def __init__(
        self,
        jobs: Sequence[Sequence[Slot]],
        copies: Sequence[Message],
        ours: Callable[[str, Message], bool],
        topics: Mapping[int, int],
    ) -> None:
        self._slots: list[Slot] = []
        self._job_of: list[int] = []
        self._starts: list[int] = []
        self._index = SlotIndex(PART_MIN)
        for job, slots in enumerate(jobs):
            self._starts.append(len(self._slots))
            for slot in slots:
                self._index.add(len(self._slots), slot)
                self._slots.append(slot)
                self._job_of.append(job)
        self._starts.append(len(self._slots))
        self._copies = {copy.id: copy for copy in sorted(copies, key=lambda copy: copy.id)}
        self._looks = {one: (words(copy.text), media_key(copy.media)) for one, copy in self._copies.items()}
        #: Copies that look alike, ascending.
        self._alike: dict[tuple[str, str], list[int]] = {}
        for one, look in self._looks.items():
            self._alike.setdefault(look, []).append(one)
        self._ours = ours
        self._topics = topics
        #: Pairs so far: the copy in each slot, and the used copies.
        self._copy_in: dict[int, int] = {}
        self._used: set[int] = set()
        self._late: set[int] = set()
        self._edited: set[int] = set()
        #: Pairs known by the file alone: slots with copies that have another text.
        self._other_words: set[tuple[int, int]] = set()
        #: Further copies that belong to a slot: `(slot, copy)`.
        self._tails: list[tuple[int, int]] = []
        #: Pairs that look like nothing else, ordered on both sides: copies, and their slots.
        self._frame: tuple[list[int], list[int]] = ([], [])

    def pair(self) -> None:
        chain = best_chain([self._unique(one) for one in self._copies], len(self._slots))
        self._frame = [option.pairs[0][1] for option in chain], [option.first for option in chain]
        options = (self._options(unit) for unit in self._units(self._copies))
        self._take(best_chain(options, len(self._slots)))
        # Albums before single messages: a message that looks like an album's item may be anywhere.
        for whole in (True, False):
            units = self._units([one for one in self._copies if one not in self._used], whole=whole)
            late = [option for unit in units for option in self._options(unit, late=True)]
            self._take(sorted(late, key=lambda one: (-one.weight, one.first)), late=True)
        self._take_edited()
        self._take_tails()

    def result(self) -> list[Pair]:
        return [
            Pair(
                job=self._job_of[at],
                slot=at - self._starts[self._job_of[at]],
                copy=copy,
                late=at in self._late,
                edited=at in self._edited or (at, copy) in self._other_words,
                likely=at in self._edited,
            )
            for at, copy in sorted([*self._copy_in.items(), *self._tails])
        ]

    def _take(self, options: Iterable[Option], *, late: bool = False) -> None:
        for option in options:
            if any(at in self._copy_in or copy in self._used for at, copy in option.pairs):
                continue
            self._copy_in.update(option.pairs)
            self._used.update(copy for _, copy in option.pairs)
            self._late.update(at for at, _ in option.pairs if late)

    def _take_edited(self) -> None:
        """Pair copies that have the text from before the original was edited."""
        sure = {at: copy for at, copy in self._copy_in.items() if at not in self._late}
        free = [copy for one, copy in self._copies.items() if one not in self._used]
        found = pair_edited(self._slots, sure, self._copy_in, free)
        self._copy_in |= found
        self._used |= set(found.values())
        self._edited |= set(found)

    def _take_tails(self) -> None:
        """Pair added lines, or the rest of a long text, that answer the copy to which they belong."""
        owner = {copy: at for at, copy in self._copy_in.items()}
        for one, copy in self._copies.items():
            if one in self._used or copy.media is not None or copy.reply is None:
                continue
            at = owner.get(copy.reply.id)
            if at is None or not self._is_possible(copy, at):
                continue
            said, slot = self._looks[one][0], self._slots[at]
            rest = len(said) >= PART_MIN and said in slot.whole
            if rest or all(self._ours(line, slot.message) for line in said.splitlines()):
                self._tails.append((at, one))
                self._used.add(one)
                owner[one] = at

    # -- matching -------------------------------------------------------------------------------------

    def _units(self, ids: Iterable[int], *, whole: bool = True) -> list[list[int]]:
        """Return the albums (`whole`) and single messages among these copies, by their first ids."""
        units: dict[tuple[int, int], list[int]] = {}
        for one in ids:
            group = self._copies[one].group if whole else None
            units.setdefault((0, one) if group is None else (1, group), []).append(one)
        return list(units.values())

    def _options(self, unit: Sequence[int], *, late: bool = False) -> list[Option]:
        """Return the ways to pair an album, or a single message, of the target."""
        fits = {one: self._matches(one, late=late) for one in unit}
        if len(unit) == 1:
            (one,) = unit
            return [Option(((at, one),), weight) for at, weight in sorted(fits[one].items())]
        # The item with the fewest matches limits the possible albums.
        jobs = min(
            ({self._job_of[at] for at in found} for found in fits.values() if found), key=len, default=set()
        )
        return [option for job in sorted(jobs) if (option := self._align(job, fits)) is not None]

    def _unique(self, one: int) -> list[Option]:
        """Return the slot of a copy where both look like nothing else."""
        slots = self._index.looks.get(self._looks[one], ())
        if (
            len(slots) != 1
            or len(self._alike[self._looks[one]]) != 1
            or not self._is_possible(self._copies[one], slots[0])
        ):
            return []
        return [Option(((slots[0], one),), 1)]

    def _matches(self, one: int, *, late: bool) -> dict[int, int]:
        """Return the slots whose copy this may be, with the weight of each match."""
        copy, (said, key) = self._copies[one], self._looks[one]
        found = dict.fromkeys(
            self._candidates(copy, self._index.looks.get((said, key), ()), late=late), EXACT
        )
        if not found:
            for at, weight in (
                *self._match_lines(copy, late=late),
                *self._match_notes(copy),
                *self._match_parts(copy),
            ):
                found[at] = max(found.get(at, 0), weight)
        if copy.media is not None and copy.media.id:
            for at in self._candidates(copy, self._index.files.get(copy.media.id, ()), late=late):
                if at not in found:
                    self._other_words.add((at, one))
                found[at] = found.get(at, SAME_FILE - IDENTICAL) + IDENTICAL
        if late:
            return {at: n for at, n in found.items() if n > FOREIGN and at not in self._copy_in}
        return found

    def _match_lines(self, copy: Message, *, late: bool) -> Iterator[tuple[int, int]]:
        """Yield slots whose text is some whole lines of the copy; the other lines are added, or anybody's."""
        said, key = self._looks[copy.id]
        lines = said.splitlines()
        for first in range(min(len(lines), ABOVE) + 1):
            for last in range(max(first, len(lines) - BELOW), len(lines) + 1):
                if last == first and first:
                    continue  # no text at all: searched for once
                inner, others = "\n".join(lines[first:last]), [*lines[:first], *lines[last:]]
                for at in self._candidates(copy, self._index.looks.get((inner, key), ()), late=late):
                    if all(self._ours(line, self._slots[at].message) for line in others):
                        yield at, LINED
                    elif len(inner) >= TELLING:
                        yield at, FOREIGN

    def _match_notes(self, copy: Message) -> Iterator[tuple[int, int]]:
        """Yield slots that were replaced by a note, since the target did not accept their media."""
        said, key = self._looks[copy.id]
        lines = said.splitlines() if not key else []
        for number, line in enumerate(lines):
            rest = "\n".join(lines[number + 1 :])
            for note in noted(line):
                for at in self._index.notes.get(note, ()):
                    if rest in self._slots[at].whole and self._is_possible(copy, at):
                        yield at, LINED

    def _match_parts(self, copy: Message) -> Iterator[tuple[int, int]]:
        """Yield slots of a text too long for one message, of which the copy is a part."""
        said, key = self._looks[copy.id]
        for at in self._index.long if len(said) >= PART_MIN else ():
            slot = self._slots[at]
            if (
                said in slot.whole
                and any(look.media == key for look in slot.looks)
                and self._is_possible(copy, at)
            ):
                yield at, PART

    def _is_possible(self, copy: Message, at: int) -> bool:
        """Return whether date and topic allow the pair."""
        original = self._slots[at].message
        topic = self._topics.get(original.topic or GENERAL_TOPIC)
        return copy.date >= original.date and topic in (None, copy.topic or GENERAL_TOPIC)

    def _candidates(self, copy: Message, slots: Sequence[int], *, late: bool) -> list[int]:
        """Return the possible ones of these slots; of very many, those at the copy's position."""
        if late:
            free = (at for at in slots if at not in self._copy_in and self._is_possible(copy, at))
            return list(islice(free, ALIKE_MAX))
        if len(slots) > ALIKE_MAX:
            there, here = self._frame
            at = bisect_left(there, copy.id)
            low = bisect_right(slots, here[at - 1]) if at else 0
            high = bisect_left(slots, here[at]) if at < len(here) else len(slots)
            alike = self._alike[self._looks[copy.id]]
            # Between two sure pairs, identical messages are interchangeable.
            rank = bisect_left(alike, copy.id) - (bisect_right(alike, there[at - 1]) if at else 0)
            middle = min(low + rank, high)
            slots = slots[max(low, middle - ALIKE_MAX // 2) : min(high, middle + ALIKE_MAX // 2)]
        return [at for at in slots if self._is_possible(copy, at)]

    # -- albums ---------------------------------------------------------------------------------------

    def _align(self, job: int, fits: Mapping[int, Mapping[int, int]]) -> Option | None:
        """Return the best alignment of an album's items in the target with the slots of a job, both in order.

        Of items that look alike, ids show which are missing: an album is sent in one call.
        """
        span = range(self._starts[job], self._starts[job + 1])
        ways: list[tuple[int, tuple[tuple[int, int], ...]]] = []
        for one, found in fits.items():
            begun = len(ways)
            for at in span:
                if at not in found:
                    continue
                best: tuple[int, tuple[tuple[int, int], ...]] = (0, ())
                for score, pairs in ways[:begun]:
                    slot, before = pairs[-1]
                    beside = NEIGHBOURS if one - before == at - slot else 0
                    if slot < at and score + beside > best[0]:
                        best = (score + beside, pairs)
                ways.append((best[0] + found[at], (*best[1], (at, one))))
        if not ways:
            return None
        weight, pairs = max(ways, key=lambda way: way[0] + self._edge_weight(way[1]))
        return Option(pairs, weight)

    def _edge_weight(self, pairs: Sequence[tuple[int, int]]) -> int:
        """Return the weight for the missing items at both ends of an album matching unused ids."""
        (first, before), (last, behind) = pairs[0], pairs[-1]
        job, run = self._job_of[first], self._slots[first].run
        mates = [at for at in range(self._starts[job], self._starts[job + 1]) if self._slots[at].run == run]
        lead, trail = first - mates[0], max(0, mates[-1] - last)
        free = [
            not any(one in self._copies for one in range(before - lead, before)),
            not any(one in self._copies for one in range(behind + 1, behind + 1 + trail)),
        ]
        return NEIGHBOURS * sum(free)
