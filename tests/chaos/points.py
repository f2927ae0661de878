"""Where a life may end: before and after every store transaction and every request to Telegram.

`Mortal` stands before the ledger and before Telegram's server and counts what passes. At the chosen point
everything stops at once, as under `kill -9`: no further transaction is carried out, no further request is
answered, and the code that waited never goes on.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from typing import Any

from tests.house import House
from tests.telegram.faults import Fault
from tests.telegram.mtproto.tl import method_name
from tests.through import Death
from tgstreamd.store import Store

#: Not transactions, or the house's own way to look.
FREE = {"run", "close", "open", "path", "encodable"}

#: A kind of point: `ledger attempt` or `telegram messages.sendMessage`, and the side.
Point = tuple[str, str]


def transactions() -> set[str]:
    """The names of all points that the ledger has."""
    names = (name for name in dir(Store) if not name.startswith("_") and name not in FREE)
    return {f"ledger {name}" for name in names if inspect.iscoroutinefunction(getattr(Store, name))}


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
        if name in FREE or not inspect.iscoroutinefunction(real):
            return real

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
