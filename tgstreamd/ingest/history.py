"""Closes gaps: reads the history of a source page by page, up to where the live position takes over.

A page and the position after it are stored in one transaction. Also compares the newest page with the ledger.
A message that cannot be decoded at this layer is parked in its place. Does not decide when to read or what an
error means.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ..domain.clock import Clock
from ..domain.errors import Undecodable
from ..domain.messages import Message
from ..domain.ports import Ids, Source
from ..ledger import Gap, Store
from ..mirrors.registry import MirrorRegistry, of_topic, wants

log = structlog.get_logger()

#: Messages in a page of history, Telegram's limit (https://core.telegram.org/method/messages.getHistory).
PAGE = 100
UNREADABLE = "cannot be read at this layer"


class Gaps:
    """Reads the gaps of all mirrors."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: MirrorRegistry,
        clock: Clock,
        ids: Ids,
        *,
        sound: Callable[[Message], Message | None],
    ) -> None:
        """`sound` replaces a message that cannot be stored by a harmless one."""
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        self._ids = ids
        self._sound = sound

    async def due(self) -> list[Gap]:
        """Return the gaps to read now: of each mirror's backlogs the first, which belongs to the older
        chat."""
        found: list[Gap] = []
        older: set[int] = set()
        for gap in await self._store.gaps():
            if gap.mirror not in self._roster.mirrors or (gap.lane == "backlog" and gap.mirror in older):
                continue
            found.append(gap)
            if gap.lane == "backlog":
                older.add(gap.mirror)
        return found

    async def read(self, gap: Gap) -> bool:
        """Read one page of the gap; return true, since more may follow at once. Raises the errors of
        `Source`."""
        mirror = self._roster.mirrors[gap.mirror]
        limit = PAGE
        while True:
            try:
                page = await self._source.history(
                    gap.chat,
                    after=gap.next_id,
                    topic=mirror.source_topic if gap.chat == mirror.source else None,
                    limit=limit,
                )
                break
            except Undecodable as error:
                if limit == 1:
                    return await self._step_over_unreadable(gap, error)
                limit //= 2
        page = tuple(message for message in page if message.id <= gap.end_id)
        upto = page[-1].id if page else gap.end_id
        sound = [kept for message in page if (kept := self._sound(message))]
        await self._store.take_page(
            gap,
            sound,
            upto=upto,
            ended=not page,
            wanted=lambda message: of_topic(mirror, message),
            now=self._clock.now(),
            new_id=self._ids.random_id,
        )
        return True

    async def compare(self, chat: int) -> bool:
        """Compare the newest page of the history with the ledger; return whether it held anything no update
        reported."""
        newest = await self._source.newest(chat)
        found = False
        for mirror in self._roster.of_source(chat):
            page = await self._source.history(
                chat, after=max(0, newest - PAGE), topic=mirror.source_topic, limit=PAGE
            )
            page = tuple(message for message in page if wants(mirror, message))
            await self._store.take_edits(mirror.id, page, self._clock.now())
            born_to = await self._store.born_to(mirror.id, chat)
            missed = await self._store.take_missed(
                mirror.id,
                [message for message in page if message.id > born_to],
                now=self._clock.now(),
                new_id=self._ids.random_id,
            )
            if missed:
                log.warning("the history held messages that no update told", mirror=mirror.name, n=missed)
                found = True
        return found

    async def _step_over_unreadable(self, gap: Gap, error: Undecodable) -> bool:
        """Find the id of the next message, which cannot be decoded, park it in its place and continue after
        it."""
        for start in range(gap.next_id + 1, gap.end_id + 1, PAGE):
            ids = list(range(start, min(start + PAGE, gap.end_id + 1)))
            if await self._check_readable(gap.chat, ids):
                continue
            while len(ids) > 1:
                half = len(ids) // 2
                ids = ids[half:] if await self._check_readable(gap.chat, ids[:half]) else ids[:half]
            log.error("message cannot be read", chat=gap.chat, source_id=ids[0], why=error.line())
            await self._store.skip_unreadable(
                gap, ids[0], reason=UNREADABLE, now=self._clock.now(), new_id=self._ids.random_id
            )
            return True
        # Each message alone can be decoded but the page cannot: perhaps the next attempt can.
        raise error

    async def _check_readable(self, chat: int, ids: list[int]) -> bool:
        try:
            await self._source.messages(chat, ids)
        except Undecodable:
            return False
        return True
