"""Scans a target for copies unknown to the ledger, before a mirror's first send after a start.

A mirror whose target holds such copies is paused until `resume`, so that a new, old or lost ledger never
leads to duplicates. Reads the target, compares, and pauses the mirror or clears its *unchecked* mark. Sends
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from ..domain.clock import Clock
from ..domain.messages import GENERAL_TOPIC, Message, Mirror, Topic
from ..domain.ports import Ids, Target
from ..ledger import MirrorRow, Store
from ..limits.holds import HISTORIES, StoredHolds
from ..mirrors.registry import MirrorRegistry
from ..policy.matching import holds_copies, known_copies, known_topics, matches
from ..policy.transforms import reworded, transformed

log = structlog.get_logger()

#: Newest messages scanned in a target for which the ledger has no copies.
NEWEST = 100
UNKNOWN_COPIES = "this target already holds copies that this ledger does not know"


class Census:
    """Decides whether a mirror may start sending."""

    def __init__(
        self,
        target: Target,
        store: Store,
        roster: MirrorRegistry,
        clock: Clock,
        ids: Ids,
        holds: StoredHolds,
        *,
        caught_up: Callable[[Mirror], bool],
        read_all: Callable[[int], None],
    ) -> None:
        """`caught_up(mirror)`: its live position was read since the start. `read_all(id)` requests that its
        whole history be read before anything is sent."""
        self._target = target
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._caught_up = caught_up
        self._read_all = read_all
        self._holds = holds
        self._candidates: dict[int, list[Message]] = {}

    async def may_start(self, row: MirrorRow) -> bool:
        """Return true once the target was scanned. Raises the target's errors, and floods that Telegram
        ordered earlier."""
        if not row.unchecked:
            return True
        mirror = self._roster.mirrors[row.id]
        gaps = await self._store.gaps(mirror.id)
        if not self._caught_up(mirror) or any(gap.lane == "live" for gap in gaps):
            return False
        if mirror.id not in self._candidates:
            if (flood := await self._holds.flood(HISTORIES)) is not None:
                raise flood
            self._candidates[mirror.id] = await self._find_unknown(mirror)
        candidates = self._candidates[mirror.id]
        if not candidates:
            await self._end(mirror)
            return True
        if gaps:
            self._read_all(mirror.id)
            return False
        return await self._compare(mirror, candidates)

    async def _find_unknown(self, mirror: Mirror) -> list[Message]:
        """Return our own messages there that neither a job nor an open attempt accounts for."""
        highest = await self._store.highest_copy(mirror.target)
        newest = await self._target.newest(mirror.target)
        if newest > highest:
            # Somebody else posted since, so the next post must show its author again.
            await self._store.forget_last_authors(mirror.target)
        floor = highest or max(0, newest - NEWEST)
        found = await self._target.after(mirror.target, floor)
        known = await self._store.mapped(mirror.target, [message.id for message in found])
        prints = await self._store.open_prints(mirror.target)
        topic = mirror.target_topic
        return [
            message
            for message in found
            if message.id not in known
            and not message.service
            and (topic is None or (message.topic or GENERAL_TOPIC) == topic)
            and not any(matches(message, print_) for print_ in prints)
        ]

    async def _compare(self, mirror: Mirror, candidates: list[Message]) -> bool:
        unsent = await self._store.unsent(mirror.id)
        # Takes seconds for a long history, so it runs outside the event loop.
        pairs = await asyncio.to_thread(
            known_copies,
            [messages for _, messages in unsent],
            candidates,
            (lambda message: transformed(message, mirror)) if reworded(mirror) else None,
        )
        if not holds_copies(pairs, jobs=len(unsent), candidates=len(candidates)):
            await self._end(mirror)
            return True
        newest, last = unsent[pairs[-1][0]]
        older = sum(len(messages) for place, messages in unsent if place <= newest)
        topics = await self._topics(mirror, [messages for _, messages in unsent], pairs, candidates)
        reason = f"{UNKNOWN_COPIES}: resume skips {older} messages up to {last[0].id} and goes on after them"
        await self._store.await_resume(
            mirror.id, reason, newest, topics=topics, now=self._clock.now(), new_id=self._ids.random_id
        )
        log.error("mirror waits", mirror=mirror.name, why=reason)
        self._candidates.pop(mirror.id, None)
        return False

    async def _topics(
        self,
        mirror: Mirror,
        jobs: list[tuple[Message, ...]],
        pairs: list[tuple[int, int]],
        candidates: list[Message],
    ) -> list[tuple[int, Topic]]:
        """Return the source topics whose copies were recognised in the target."""
        if not await self._store.is_forum(mirror.id):
            return []
        there = {topic.id: topic for topic in await self._target.topics(mirror.target)}
        unmade = await self._store.topic_list(mirror.id, mirror.source)
        made = [topic for topic in there.values() if topic.own]
        found = known_topics(jobs, pairs, candidates, unmade, made)
        return [(source_id, there[copy]) for source_id, copy in found.items() if copy in there]

    async def _end(self, mirror: Mirror) -> None:
        await self._store.checked(mirror.id)
        self._candidates.pop(mirror.id, None)
