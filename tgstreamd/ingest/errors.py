"""Trouble while reading: rests the chat or box that it belongs to, and no other.

A flood wait on a method holds that method for the whole account, and is kept in the ledger; a source that
seems lost is asked about; a frozen account reads nothing until a person has started the daemon anew.
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
from ..ledger import Store
from ..limits.backoff import Patience
from ..limits.holds import Floods
from ..mirrors.registry import MirrorRegistry, box_of

log = structlog.get_logger()

#: Seconds between comparisons of a source's newest messages with the ledger, and between two questions
#: about a source that is lost.
RECONCILE = 600.0


class Trouble:
    """What cannot be read now, and until when."""

    def __init__(
        self, store: Store, roster: MirrorRegistry, clock: Clock, *, again: Callable[[int], object]
    ) -> None:
        """`again` is called with a box whose reading was cut short by something that passes."""
        self._store = store
        self._roster = roster
        self._again = again
        self._patience = Patience(clock)
        self.floods = Floods(store, clock)

    def rests(self, key: Hashable) -> bool:
        """Whether this box, chat or question is still to be left alone."""
        return self._patience.rests(key)

    def forgive(self, key: Hashable) -> None:
        """Ask it again now, whatever it answered."""
        self._patience.forgive(key)

    def fails(self, key: Hashable) -> bool:
        """Whether this box, chat or question could not be read when it was last tried."""
        return self._patience.failing(key)

    def ends(self) -> Iterable[float]:
        """The monotonic times at which something that failed may be tried again."""
        return self._patience.ends()

    def freeze(self, error: AccountFrozen) -> None:
        """A frozen account reads nothing and is not asked again until a person has started us anew."""
        if not self._roster.frozen:
            self._roster.frozen = True
            log.critical("account is frozen: appeal in the app; nothing is read", why=error.line())

    async def guard(self, key: Hashable, chats: list[int], work: Awaitable[bool]) -> bool:
        """Do one bite of work; trouble rests this chat, box or question, and no other."""
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
                await self.floods.remember(error)
            self._patience.failed(key, "reading failed, trying on", error, chat=chats[0])
            return False
        except TelegramError as error:
            # Only the chat itself, asked, says that it is lost: admission asks, and pauses its mirrors then.
            for chat in chats if isinstance(error, SourceLost) else ():
                self._roster.suspect(chat)
            self._patience.failed(key, "source cannot be read", error, least=RECONCILE, chat=chats[0])
            return False
        self._patience.works(key, "reading works again", chat=chats[0])
        return more
