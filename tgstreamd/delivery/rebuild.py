"""Rebuilds a mirror's lost map of copies by comparing its two chats.

Works on a mirror that is paused because its target holds copies unknown to the ledger (see `target_scan`),
with its whole history read. `look` reads the target and reports what would be written; `write` writes it and
resumes the mirror. Sends nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import structlog

from ..domain.clock import Clock
from ..domain.errors import TgstreamdError
from ..domain.messages import GENERAL_TOPIC, Message, Mirror, Value
from ..domain.ports import Ids, Target
from ..ledger import Lines, Recognised, Store
from ..mirrors.registry import MirrorRegistry
from ..policy.captions import seen_above
from ..policy.links import mentioned
from ..policy.matching import as_it_stands
from ..policy.media_plan import Links
from ..policy.pairing import Pair, pair_copies
from ..policy.plan import Plan
from ..policy.slots import Slot, lacking, our_lines, slots_of, ways
from ..policy.transforms import transformed

log = structlog.get_logger()

Messages = tuple[Message, ...]

#: Skip reason for a message that was not found and is older than the migration of the target to a supergroup.
BEFORE = "ledger lost: it may stand in the group that the target was"


class _Found(Value, frozen=True):
    """The result of a comparison: the copies by source message, and the position of the newest of them."""

    copies: tuple[Recognised, ...]
    lines: tuple[Lines, ...]
    #: Jobs that would be skipped at their turn: chat, id, reason.
    unwanted: tuple[tuple[int, int, str], ...]
    upto: int
    newest: int


class Rebuild:
    """Compares and writes. Both calls return plain values for the control socket."""

    def __init__(self, target: Target, store: Store, roster: MirrorRegistry, clock: Clock, ids: Ids) -> None:
        self._target = target
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._found: dict[int, _Found] = {}

    async def look(self, name: str) -> dict[str, Any]:
        """Compare the whole target with the waiting jobs. Reads the whole target, which takes minutes if it
        is long."""
        mirror = await self._waiting(name)
        there = await self._target.after(mirror.target, 0)
        known = await self._store.mapped(mirror.target, [message.id for message in there])
        topic = mirror.target_topic
        candidates = [
            message
            for message in there
            if message.id not in known
            and not message.service
            and (topic is None or (message.topic or GENERAL_TOPIC) == topic)
        ]
        # An older ledger may list as parked what a `retry` has sent since.
        parked = await self._store.unsent(mirror.id, "parked")
        unsent = sorted([*await self._store.unsent(mirror.id), *parked], key=itemgetter(0))
        aside = {(message.chat, message.id) for _, messages in parked for message in messages}
        jobs = [messages for _, messages in unsent]
        topics = await self._store.made_topics(mirror.id, mirror.source)
        # Takes seconds for a long history, so it runs outside the event loop.
        plans, slots, pairs = await asyncio.to_thread(self._compare, mirror, jobs, candidates, topics)
        newest = max((pair.job for pair in pairs if not pair.late), default=None)
        if newest is None:
            raise TgstreamdError(
                f"{name}: nothing in the target looks like a copy", hint=_RESUME.format(name)
            )
        upto, last = unsent[newest]
        copies = {message.id: message for message in candidates}
        found = tuple(_recognise(slots, pairs, copies))
        moved_at = await self._migrated_at(mirror)
        unwanted = tuple(
            (messages[0].chat, messages[0].id, planned.skip or BEFORE)
            for (place, messages), (planned, *_) in zip(unsent, plans, strict=True)
            if place <= upto and not messages[0].service and (planned.skip or messages[0].date < moved_at)
            if (messages[0].chat, messages[0].id) not in aside
        )
        lines = tuple(_lines(mirror, jobs, found, copies))
        self._found[mirror.id] = _Found(found, lines, unwanted, upto, last[0].id)
        there_too = aside | {(one.chat, one.source_id) for one in found}
        missing = [
            place
            for place, messages in unsent
            for message in messages
            if (message.chat, message.id) not in there_too
        ]
        return {
            "mirror": name,
            "looked_through": len(there),
            "mapped": len(found),
            "skipped": sum(1 for place in missing if place <= upto),
            "left": sum(1 for place in missing if place > upto),
            "newest": last[0].id,
        }

    async def write(self, name: str) -> dict[str, Any]:
        """Write the result of the last comparison in one transaction; the mirror continues after it."""
        mirror = await self._waiting(name)
        found = self._found.pop(mirror.id, None)
        if found is None:
            raise TgstreamdError(f"{name}: look first", hint=f"`tgstreamd rebuild {name}`")
        mapped, skipped = await self._store.adopt_copies(
            mirror.id,
            found.copies,
            found.lines,
            found.unwanted,
            found.upto,
            now=self._clock.now(),
            new_id=self._ids.random_id,
        )
        log.info("map rebuilt", mirror=name, mapped=mapped, skipped=skipped, goes_on_after=found.newest)
        return {"mirror": name, "mapped": mapped, "skipped": skipped, "newest": found.newest}

    async def _migrated_at(self, mirror: Mirror) -> int:
        """Return when the target became a supergroup; 0 if it always was one."""
        target = self._roster.targets.get(mirror.target)
        if target is None or target.migrated_from is None:
            return 0
        first = await self._target.history(mirror.target, after=0, limit=1)
        return first[0].date if first else 0

    async def _waiting(self, name: str) -> Mirror:
        for row in await self._store.mirror_list():
            if row.name != name:
                continue
            if await self._store.known_upto(row.id) is None:
                hint = "it is needed only where a mirror waits since its target holds unknown copies"
                raise TgstreamdError(f"{name}: there is nothing to rebuild", hint=hint)
            if row.id not in self._roster.mirrors:
                raise TgstreamdError(f"{name}: it cannot be asked now: {row.paused}")
            return self._roster.mirrors[row.id]
        raise TgstreamdError(f'no mirror is named "{name}"', hint="`tgstreamd status` lists them")

    def _compare(
        self,
        mirror: Mirror,
        jobs: Sequence[Messages],
        copies: Sequence[Message],
        topics: dict[int, int],
    ) -> tuple[list[list[Plan]], list[list[Slot]], list[Pair]]:
        """Return for each job what would be sent and what that looks like, and the copies that match."""
        source = self._roster.source_of(mirror, mirror.source)
        linking = [job for job, messages in enumerate(jobs) if mentioned(messages, source)]
        ours = our_lines(mirror, source)
        plans = [self._ways(mirror, messages, None) for messages in jobs]
        slots = [_slots(messages, mine, mirror) for messages, mine in zip(jobs, plans, strict=True)]
        known: dict[int, int] = {}
        while True:
            pairs = pair_copies(slots, copies, ours=ours, topics=topics)
            before, known = known, _first_copies(slots, pairs, mirror.source)
            if not linking or len(known) <= len(before):
                return plans, slots, pairs
            # Links in copies point to copies, so their text is known only once those are found.
            links = Links(source=source, target=self._roster.targets[mirror.target], copies=known)
            for job in linking:
                plans[job] = self._ways(mirror, jobs[job], links)
                slots[job] = _slots(jobs[job], plans[job], mirror)

    def _ways(self, mirror: Mirror, messages: Messages, links: Links | None) -> list[Plan]:
        return ways(
            messages,
            mirror=mirror,
            account=self._roster.writer,
            source=self._roster.source_of(mirror, messages[0].chat),
            same_account=self._roster.same_account,
            links=links,
        )


def _slots(messages: Messages, plans: Sequence[Plan], mirror: Mirror) -> list[Slot]:
    """Return what the copies of a job look like; the creation of a topic is not a message."""
    return [] if messages[0].service else slots_of(messages, plans, mirror)


def _first_copies(slots: Sequence[Sequence[Slot]], pairs: Sequence[Pair], source: int) -> dict[int, int]:
    """Return the targets of links to source messages, as far as copies are found."""
    found: dict[int, int] = {}
    for pair in pairs:
        message = slots[pair.job][pair.slot].message
        if message.chat == source:
            found.setdefault(message.id, pair.copy)
    return found


_RESUME = "`tgstreamd resume {0}` goes on after what was recognised before"


def _recognise(
    slots: Sequence[Sequence[Slot]], pairs: Sequence[Pair], copies: dict[int, Message]
) -> Iterator[Recognised]:
    """Yield each source message with at least one copy found."""
    by_message: dict[tuple[int, int], list[Pair]] = {}
    for pair in pairs:
        by_message.setdefault((pair.job, slots[pair.job][pair.slot].message.id), []).append(pair)
    for (job, source_id), found in by_message.items():
        there = [(pair.slot, copies[pair.copy]) for pair in found]
        yield Recognised(
            chat=slots[job][0].message.chat,
            source_id=source_id,
            copies=tuple((copy.id, as_it_stands(copy)) for _, copy in there),
            missing=lacking(slots[job], source_id, there),
            late=any(pair.late for pair in found),
            edited=any(pair.edited for pair in found),
        )


def _lines(
    mirror: Mirror, jobs: Sequence[Messages], found: Sequence[Recognised], there: dict[int, Message]
) -> Iterator[Lines]:
    """Yield which copies show author and topic, so that an edit keeps these lines as they are."""
    copies = {(one.chat, one.source_id): there[one.copies[0][0]] for one in found}
    for messages in jobs:
        if not any((message.chat, message.id) in copies for message in messages):
            continue
        byline = placed = False
        host = 0
        for message in messages:
            if (copy := copies.get((message.chat, message.id))) is not None:
                above = seen_above(transformed(message, mirror), copy.text)
                byline, placed = byline or above[0], placed or above[1]
                host = host or (message.id if any(above) else 0)
        first = messages[0]
        yield Lines(
            chat=first.chat, source_id=first.id, byline=byline, placed=placed,
            host=host if len(messages) > 1 else 0,
        )  # fmt: skip
