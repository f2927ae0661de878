"""Trouble while reading: rests the chat or box that it belongs to, and no other.

A flood wait on a method holds that method for the whole account, and is kept in the ledger; a source that
is lost pauses its mirrors; a frozen account reads nothing until a person has started the daemon anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable

import structlog

from ..clock import Clock
from ..errors import AccountFrozen, FloodWait, NotAuthorised, TelegramError, Transient, Undecodable
from ..patience import Patience
from ..roster import Roster, box_of
from ..store import Store

log = structlog.get_logger()

#: Seconds between comparisons of a source's newest messages with the ledger, and between two questions
#: about a source that is lost.
RECONCILE = 600.0


class Trouble:
    """What cannot be read now, and until when."""

    def __init__(self, store: Store, roster: Roster, clock: Clock, *, again: Callable[[int], object]) -> None:
        """`again` is called with a box whose reading was cut short by something that passes."""
        self._store = store
        self._roster = roster
        self._clock = clock
        self._again = again
        self._patience = Patience(clock)
        #: Methods that Telegram holds, and until when (unix time).
        self._floods: dict[str, float] = {}

    def rests(self, key: Hashable) -> bool:
        """Whether this box, chat or question is still to be left alone."""
        return self._patience.rests(key)

    def forgive(self, key: Hashable) -> None:
        """Ask it again now, whatever it answered."""
        self._patience.forgive(key)

    def fails(self, key: Hashable) -> bool:
        """Whether this box, chat or question could not be read when it was last tried."""
        return self._patience.failing(key)

    def floods(self) -> list[float]:
        """Until when methods are held (unix time)."""
        return [at for at in self._floods.values() if at > self._clock.now()]

    def ends(self) -> Iterable[float]:
        """The monotonic times at which something that failed may be tried again."""
        return self._patience.ends()

    def freeze(self, error: AccountFrozen) -> None:
        """A frozen account reads nothing and is not asked again until a person has started us anew."""
        if not self._roster.frozen:
            self._roster.frozen = True
            log.critical("account is frozen: appeal in the app; nothing is read", why=error.line())

    def asleep(self, methods: frozenset[str]) -> bool:
        """Whether Telegram holds one of these for the account, whatever the chat."""
        return any(self._floods.get(method, 0.0) > self._clock.now() for method in methods)

    async def remember_floods(self) -> None:
        """Once a process: what was ordered before it began still binds it."""
        if not self._floods:
            self._floods = {"": 0.0}
            for scope, hold in (await self._store.holds()).items():
                self._floods[scope.removeprefix("method:")] = hold.until

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
                until = self._clock.now() + error.seconds
                self._floods[error.method] = until
                await self._store.hold_until(f"method:{error.method}", until, error.error)
            self._patience.failed(key, "reading failed, trying on", error, chat=chats[0])
            return False
        except TelegramError as error:
            for chat in chats:
                for mirror in self._roster.of_source(chat):
                    if await self._store.pause(mirror.id, "lost", f"source: {error.line()}"):
                        log.error(
                            "mirror paused, asked again every 10 minutes",
                            mirror=mirror.name,
                            why=error.line(),
                        )
            self._patience.failed(key, "source cannot be read", error, least=RECONCILE, chat=chats[0])
            return False
        self._patience.works(key, "reading works again", chat=chats[0])
        return more
