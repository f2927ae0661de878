"""Asks about polls that still take votes: their end comes as an update of its own, which may be lost.

Such an update has no place in any sequence (https://core.telegram.org/constructor/updateMessagePoll), so
that no difference brings it again. It wakes, and now and then it is asked without.
"""

from __future__ import annotations

import structlog

from ..clock import Clock
from ..ports import Source
from ..roster import Roster
from ..store import Store
from .trouble import RECONCILE

log = structlog.get_logger()


class Polls:
    """Asks, one call for a mirror and chat."""

    def __init__(self, source: Source, store: Store, roster: Roster, clock: Clock) -> None:
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        #: When each chat is asked about next (monotonic): at the start, since an end may have been missed.
        self._at: dict[int, float] = {}

    def tell(self, chat: int) -> None:
        """A poll has ended there; 0: nobody knows where."""
        for each in [chat] if chat else list(self._at):
            self._at[each] = 0.0

    def due(self) -> list[int]:
        """The source chats to ask about now."""
        now = self._clock.monotonic()
        chats = {mirror.source for mirror in self._roster.mirrors.values()}
        return sorted(chat for chat in chats if self._at.get(chat, 0.0) <= now)

    async def ask(self, chat: int) -> bool:
        """What became of the open polls of a chat. Raises what `Source` raises."""
        self._at[chat] = self._clock.monotonic() + RECONCILE
        for mirror in self._roster.of_source(chat):
            if ids := await self._store.open_polls(mirror.id, chat):
                found = await self._source.messages(chat, ids)
                await self._store.take_polls(mirror.id, chat, ids, list(found.values()), self._clock.now())
        return False
