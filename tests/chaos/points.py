"""Where a life may end: before and after every transaction that writes and every request to Telegram.

`Mortal` stands before the ledger and before Telegram's server and counts what passes. At the chosen point
everything stops at once, as under `kill -9`: no further transaction is carried out, no further request is
answered, and the code that waited never goes on.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from tests.harness import House
from tests.interpose import Death
from tests.telegram.faults import Fault
from tests.telegram.mtproto.tl import method_name
from tgstreamd.ledger import Store

#: Not transactions, or the house's own way to look.
FREE = {"run", "ask", "close", "open", "path", "encodable"}

#: Transactions that only read, and are no points: what they leave is what was there before, and the next
#: point lies behind them. A read that does write fails the campaign (`Reading`).
READS = frozenset(
    [
        "media_ahead", "album_of", "born_to", "box", "committed", "copies_between", "copies_of",
        "copies_of_change", "count_ahead",
        "doubtful", "doubts", "entries", "face", "fact", "feeds", "find_mirror", "first_copy",
        "first_of", "former_chats", "gaps", "heads", "highest_copy", "holds", "is_forum", "job", "known_name",
        "known_upto", "live_floor", "made_topics", "mapped", "media_to_send", "messages",
        "mirror_list", "moved_to", "next_seal", "nothing", "open_job", "open_polls", "open_prints",
        "origin", "pace", "parked", "sends", "shown_media", "standings", "titles", "topic", "topic_list",
        "topic_settled", "topics_heard", "pause_of_not_created", "unsent", "upload", "voice", "where_copied",
    ]
)  # fmt: skip
#: What writes and is no point all the same, with the reason.
BESIDE = {
    "copy_to": "writes another file (a backup), never the ledger",
    "open_read_only": "opens the ledger for who may not write",
}
#: What no world of the campaign can pass, with the reason.
OUT_OF_REACH = {
    "skip_unreadable": "a message of a later layer, which the local Telegram does not speak",
}

#: A kind of point: `ledger attempt` or `telegram messages.sendMessage`, and the side.
Point = tuple[str, str]


def transactions() -> set[str]:
    """The names of all points that the ledger has."""
    names = (name for name in dir(Store) if not name.startswith("_") and name not in FREE)
    methods = {name for name in names if inspect.iscoroutinefunction(getattr(Store, name))}
    return {f"ledger {name}" for name in methods - READS - BESIDE.keys() - OUT_OF_REACH.keys()}


class Mortal:
    """One life of the daemon, which ends at the `nth` time that it comes to one of `points`, or at its
    `last` point, whatever that is."""

    def __init__(
        self, house: House, seen: Counter[Point], points: set[Point], nth: int = 1, last: int = 0
    ) -> None:
        self.dead = asyncio.Event()
        #: Where it ended.
        self.point: Point | None = None
        self._points = points
        self._house = house
        self._seen = seen
        self._left = nth
        self._last = last
        self._rules = [
            Fault(None, "cut", times=None, account=house.me.id, when=lambda _, request: self._asked(request)),
            Fault(None, "apply-cut", times=None, account=house.me.id, when=lambda _, r: self._answered(r)),
        ]

    def begin(self) -> None:
        """Stand in the way of everything that the next start does."""
        faults = self._house.tg.faults
        for rule in self._rules:
            # Before other faults: a request that one of those answers is also one that was made.
            faults.add(rule)
        self._house.wrap_store = lambda store: Ledger(store, self)  # type: ignore[assignment, return-value]  # a store in all but name

    def end(self) -> None:
        for rule in self._rules:
            self._house.tg.faults.remove(rule)
        self._house.wrap_store = lambda store: store

    def at(self, name: str, side: str) -> bool:
        """Count this point; whether it is the last one."""
        if self.dead.is_set():
            return False
        self._seen[name, side] += 1
        self._last -= 1
        if (name, side) in self._points:
            self._left -= 1
        if self._left and self._last:
            return False
        self.point = (name, side)
        self.dead.set()
        return True

    def _asked(self, request: Any) -> bool:
        # The dead ask for nothing more.
        return self.dead.is_set() or self.at(f"telegram {method_name(type(request))}", "before")

    def _answered(self, request: Any) -> bool:
        return self.at(f"telegram {method_name(type(request))}", "after")


class Ledger:
    """Every attribute of the store, each transaction with a point on either side."""

    def __init__(self, store: Any, life: Mortal) -> None:
        self._store = store
        self._life = life

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name in FREE or name in BESIDE or not inspect.iscoroutinefunction(real):
            return real
        if name in READS:
            return partial(getattr(type(self._store), name), Reading(self._store, name, self._life))

        async def mortal(*args: Any, **options: Any) -> Any:
            await self._pass(name, "before")
            result = await real(*args, **options)
            await self._pass(name, "after")
            return result

        return mortal

    async def _pass(self, name: str, side: str) -> None:
        if self._life.dead.is_set():
            # What is cleaned up on the way out does not happen under `kill -9` either.
            raise Death
        if self._life.at(f"ledger {name}", side):
            # Never again: the one who killed us takes us away.
            await asyncio.get_running_loop().create_future()


class Reading:
    """The store as one read has it: the dead read nothing, and nobody writes."""

    def __init__(self, store: Any, name: str, life: Mortal) -> None:
        self._store = store
        self._name = name
        self._life = life

    async def ask(self, question: Hashable, read: Callable[[Any], Any]) -> Any:
        if self._life.dead.is_set():
            raise Death
        # The store itself refuses a question that writes.
        return await self._store.ask(question, read)

    async def run(self, transaction: Callable[[Any], Any]) -> Any:
        def watched(db: Any) -> Any:
            before = db.total_changes
            result = transaction(db)
            assert db.total_changes == before, f"{self._name} writes: it is no read"
            return result

        if self._life.dead.is_set():
            raise Death
        return await self._store.run(watched)
