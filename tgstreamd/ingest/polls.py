"""Asks about polls that still take votes: their end comes as an update of its own, which may be lost.

Such an update has no place in any sequence (https://core.telegram.org/constructor/updateMessagePoll), so
that no difference brings it again. It wakes, and now and then it is asked without.
"""

from __future__ import annotations

from ..domain.clock import Clock
from ..domain.errors import TelegramError
from ..domain.ports import Source
from ..ledger import Store
from ..mirrors.registry import MirrorRegistry
from .errors import RECONCILE


class Polls:
    """Asks, one call for a mirror and chat."""

    def __init__(self, source: Source, store: Store, roster: MirrorRegistry, clock: Clock) -> None:
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
        """The chats to ask about now: sources, and what those were before."""
        now = self._clock.monotonic()
        chats = [chat for chats in self._roster.boxes().values() for chat in chats]
        return sorted(chat for chat in chats if self._at.get(chat, 0.0) <= now)

    async def ask(self, chat: int) -> bool:
        """What became of the open polls of a chat. Raises what `Source` raises."""
        self._at[chat] = self._clock.monotonic() + RECONCILE
        try:
            mirrors = [mirror for mirror in self._roster.mirrors.values() if self._roster.reads(mirror, chat)]
            for mirror in mirrors:
                if ids := await self._store.open_polls(mirror.id, chat):
                    found = await self._source.messages(chat, ids)
                    now = self._clock.now()
                    await self._store.take_polls(mirror.id, chat, ids, list(found.values()), now)
        except TelegramError:
            # Whoever asks again says when.
            self._at[chat] = 0.0
            raise
        return False
