"""Asks about open polls, whose closing is announced by an update of its own that may be lost.

This update belongs to no sequence (https://core.telegram.org/constructor/updateMessagePoll), so no difference
repeats it. It triggers a query, and queries are also made at intervals.
"""

from __future__ import annotations

from ..domain.clock import Clock
from ..domain.errors import TelegramError
from ..domain.ports import Source
from ..ledger import Store
from ..mirrors.registry import MirrorRegistry
from .errors import RECONCILE


class Polls:
    """Asks about open polls, in one call for each mirror and chat."""

    def __init__(self, source: Source, store: Store, roster: MirrorRegistry, clock: Clock) -> None:
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        #: Monotonic time of the next query by chat; at the start at once, since a closing may have been
        #: missed.
        self._at: dict[int, float] = {}

    def tell(self, chat: int) -> None:
        """Note that a poll closed in this chat; 0 if the chat is unknown."""
        for each in [chat] if chat else list(self._at):
            self._at[each] = 0.0

    def due(self) -> list[int]:
        """Return the chats to ask about now: sources, and the groups from which they were migrated."""
        now = self._clock.monotonic()
        chats = [chat for chats in self._roster.boxes().values() for chat in chats]
        return sorted(chat for chat in chats if self._at.get(chat, 0.0) <= now)

    async def ask(self, chat: int) -> bool:
        """Ask about the open polls of a chat. Raises the errors of `Source`."""
        self._at[chat] = self._clock.monotonic() + RECONCILE
        try:
            mirrors = [mirror for mirror in self._roster.mirrors.values() if self._roster.reads(mirror, chat)]
            for mirror in mirrors:
                if ids := await self._store.open_polls(mirror.id, chat):
                    found = await self._source.messages(chat, ids)
                    now = self._clock.now()
                    await self._store.take_polls(mirror.id, chat, ids, list(found.values()), now)
        except TelegramError:
            # The caller schedules the next query.
            self._at[chat] = 0.0
            raise
        return False
