"""Derives the map of a mirror anew from its two chats, where the ledger has lost it.

Works on a mirror that waits since its target holds copies that the ledger does not know (see `census`): its
history is captured whole. `look` reads the target and says what would be written, `write` writes it and lets
the mirror go on. Sends nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from ..clock import Clock
from ..decide.lines import seen_above
from ..decide.recognise import known_copies, of_album
from ..decide.transforms import reworded, transformed
from ..errors import TgstreamdError
from ..model import GENERAL_TOPIC, Message, Mirror, Value
from ..ports import Ids, Target
from ..roster import Roster
from ..store import Lines, Store

log = structlog.get_logger()


class _Found(Value, frozen=True):
    """What a look has found: the copies by source message, and where the newest of them stands."""

    copies: tuple[tuple[int, int, tuple[int, ...]], ...]
    lines: tuple[Lines, ...]
    upto: int
    newest: int


class Rebuild:
    """See the module. Both calls answer with plain values, for the desk."""

    def __init__(self, target: Target, store: Store, roster: Roster, clock: Clock, ids: Ids) -> None:
        self._target = target
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._found: dict[int, _Found] = {}

    async def look(self, name: str) -> dict[str, Any]:
        """Compare the whole target with what waits. Reads as much as the target holds: minutes, if long."""
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
        unsent = await self._store.unsent(mirror.id)
        jobs = [messages for _, messages in unsent]
        also = (lambda message: transformed(message, mirror)) if reworded(mirror) else None
        # Seconds, for a long history: not on the loop.
        pairs = await asyncio.to_thread(known_copies, jobs, candidates, also)
        if not pairs:
            raise TgstreamdError(
                f"{name}: nothing in the target looks like a copy", hint=_RESUME.format(name)
            )
        upto, last = unsent[pairs[-1][0]]
        texts = {message.id: message for message in candidates}
        copies = _copies(jobs, pairs, texts)
        lines = _lines(jobs, pairs, copies, texts, also or (lambda message: message))
        self._found[mirror.id] = _Found(copies, lines, upto, last[0].id)
        older = sum(len(messages) for place, messages in unsent if place <= upto)
        mapped = sum(len(jobs[job]) for job in {job for job, _ in pairs})
        return {
            "mirror": name,
            "looked_through": len(there),
            "mapped": mapped,
            "skipped": older - mapped,
            "left": sum(map(len, jobs)) - older,
            "newest": last[0].id,
        }

    async def write(self, name: str) -> dict[str, Any]:
        """Write what the last look has found, all of it or nothing; the mirror goes on behind it."""
        mirror = await self._waiting(name)
        found = self._found.pop(mirror.id, None)
        if found is None:
            raise TgstreamdError(f"{name}: look first", hint=f"`tgstreamd rebuild {name}`")
        mapped, skipped = await self._store.adopt_copies(
            mirror.id,
            found.copies,
            found.lines,
            found.upto,
            now=self._clock.now(),
            new_id=self._ids.random_id,
        )
        log.info("map rebuilt", mirror=name, mapped=mapped, skipped=skipped, goes_on_after=found.newest)
        return {"mirror": name, "mapped": mapped, "skipped": skipped, "newest": found.newest}

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


_RESUME = "`tgstreamd resume {0}` goes on after what was recognised before"


def _copies(
    jobs: list[tuple[Message, ...]], pairs: list[tuple[int, int]], candidates: dict[int, Message]
) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """For each source message that has some: its chat, its id, the ids of its copies."""
    by_job: dict[int, list[Message]] = {}
    for job, copy in pairs:
        by_job.setdefault(job, []).append(candidates[copy])
    return tuple(
        (jobs[job][0].chat, source_id, copies)
        for job, found in by_job.items()
        for source_id, copies in of_album(jobs[job], found).items()
    )


def _lines(
    jobs: list[tuple[Message, ...]],
    pairs: list[tuple[int, int]],
    copies: tuple[tuple[int, int, tuple[int, ...]], ...],
    there: dict[int, Message],
    reworded: Callable[[Message], Message],
) -> tuple[Lines, ...]:
    """Which copies name their author and topic, so that an edit leaves the lines as they stand."""
    ids = {(chat, source_id): found for chat, source_id, found in copies}
    seen = []
    for job in sorted({job for job, _ in pairs}):
        byline = placed = False
        host = 0
        for message in jobs[job]:
            for copy in ids.get((message.chat, message.id), ())[:1]:
                above = seen_above(reworded(message), there[copy].text)
                byline, placed = byline or above[0], placed or above[1]
                host = host or (message.id if any(above) else 0)
        first = jobs[job][0]
        seen.append(
            Lines(
                chat=first.chat, source_id=first.id, byline=byline, placed=placed,
                host=host if len(jobs[job]) > 1 else 0,
            )
        )  # fmt: skip
    return tuple(seen)
