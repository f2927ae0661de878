"""Handles errors of reading: each delays only the chat or box that it belongs to.

A flood wait on a method holds that method for the whole account and is stored in the ledger; a source that
seems lost is asked about; a frozen account reads nothing until the operator restarts the daemon.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable

import structlog

from ..domain.clock import Clock
from ..domain.errors import (
    AccountFrozen,
    FloodWait,
    NotAuthorised,
    SourceLost,
    TelegramError,
    Transient,
    Undecodable,
)
from ..limits.backoff import Patience
from ..limits.holds import StoredHolds
from ..mirrors.registry import MirrorRegistry, box_of

log = structlog.get_logger()

#: Seconds between comparisons of a source's newest messages with the ledger, and between queries about a lost
#: source.
RECONCILE = 600.0


class Trouble:
    """Records what cannot be read now, and until when."""

    def __init__(
        self, roster: MirrorRegistry, clock: Clock, holds: StoredHolds, *, again: Callable[[int], object]
    ) -> None:
        """`again` is called with a box whose reading was interrupted by a transient error."""
        self._clock = clock
        self._roster = roster
        self._again = again
        self._patience = Patience(clock)
        self.holds = holds

    def rests(self, key: Hashable) -> bool:
        """Return whether this box, chat or query must not be tried yet."""
        return self._patience.rests(key)

    def are_held(self, methods: frozenset[str]) -> bool:
        """Return whether a hold blocks one of these methods, as of the last look."""
        return self.holds.seen.flood(methods, self._clock.now()) is not None

    def held_until(self) -> list[float]:
        """Return the unix times at which held methods may be called again, as of the last look."""
        return self.holds.seen.ends_of_methods(self._clock.now())

    def forgive(self, key: Hashable) -> None:
        """Allow the next attempt now, whatever the last one met."""
        self._patience.forgive(key)

    def fails(self, key: Hashable) -> bool:
        """Return whether the last attempt to read this box, chat or query failed."""
        return self._patience.failing(key)

    def ends(self) -> Iterable[float]:
        """Yield the monotonic times at which failed reads may be tried again."""
        return self._patience.ends()

    def freeze(self, error: AccountFrozen) -> None:
        """Stop reading for a frozen account until the operator restarts the daemon."""
        if not self._roster.frozen:
            self._roster.frozen = True
            log.critical("account is frozen: appeal in the app; nothing is read", why=error.line())

    async def guard(self, key: Hashable, chats: list[int], work: Awaitable[bool]) -> bool:
        """Do one step of work; an error delays this chat, box or query and no other."""
        try:
            more = await work
        except NotAuthorised:
            raise
        except AccountFrozen as error:
            self.freeze(error)
            return False
        except (FloodWait, Transient, Undecodable) as error:
            if isinstance(key, int):
                self._again(box_of(key))
            if isinstance(error, FloodWait):
                await self.holds.remember(error)
            self._patience.failed(key, "reading failed, trying on", error, chat=chats[0])
            return False
        except TelegramError as error:
            # Only the chat's own answer shows that it is lost: admission asks, and then pauses its mirrors.
            for chat in chats if isinstance(error, SourceLost) else ():
                self._roster.suspect(chat)
            self._patience.failed(key, "source cannot be read", error, least=RECONCILE, chat=chats[0])
            return False
        self._patience.works(key, "reading works again", chat=chats[0])
        return more
