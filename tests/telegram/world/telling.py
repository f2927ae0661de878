"""How an event reaches the people concerned: recorded in the boxes, then pushed.

Owns the scripted deafness (pushes that get lost, chats that never push). The session that asked is left out:
it learns of the change by its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .boxes import Box, Event, Kind
from .messages import SHARED, Message
from .views import View

if TYPE_CHECKING:
    from . import World
    from .chats import Chat
    from .peers import Account


@dataclass(eq=False)
class Change:
    """Something that happened in a chat: one event per box that it touched (`SHARED` for a channel's)."""

    chat: Chat
    events: dict[int, Event]
    message: Message

    def event_for(self, viewer_id: int) -> Event | None:
        return self.events.get(SHARED) or self.events.get(viewer_id)


class Told:
    """An `Updates` object that is made only if somebody listens: histories are built for many who do not."""

    def __init__(self, world: World, account_id: int, make: Callable[[View], list[Any]]) -> None:
        self._view = View(world, account_id)
        self._make = make

    def updates(self) -> Any:
        return self._view.updates(self._make(self._view))


@dataclass(eq=False)
class _Drop:
    left: int
    account_id: int | None
    chat: Chat | None


class Telling:
    """Records changes and pushes them; what `Chats` is built on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._asking: tuple[int, int] | None = None
        self._drops: list[_Drop] = []
        self._boxes: dict[int, Box] = {}
        self.dropped_pushes = 0
        #: Events in one answer of updates.getDifference; more come as slices.
        self.difference_slice = 100

    def now(self) -> int:
        return int(self._world.now())

    def box_of(self, account_id: int) -> Box:
        """The box of an account's private chats and basic groups."""
        return self._boxes.setdefault(account_id, Box())

    @contextmanager
    def asked_by(self, account_id: int, session_id: int) -> Iterator[None]:
        """What happens inside was asked for by this session."""
        before, self._asking = self._asking, (account_id, session_id)
        try:
            yield
        finally:
            self._asking = before

    def drop_pushes(self, count: int, *, account: Account | None = None, chat: Chat | None = None) -> None:
        """Lose the next `count` pushes (to one account, about one chat): their pts still count."""
        self._drops.append(_Drop(count, account.id if account else None, chat))

    def silence(self, chat: Chat, silent: bool = True) -> None:
        """A busy channel that never pushes, known from the field: only differences tell of it."""
        chat.silenced = silent

    def purge(self, chat: Chat, pts: int | None = None) -> None:
        """Forget a channel's events up to `pts` (all by default): a difference from before is too long."""
        chat.box.purge(pts)

    def record(self, kind: Kind, messages: list[Message]) -> Change:
        """Write one event about messages of one chat into every box that holds them. Pushes nothing."""
        chat = messages[0].chat
        change = Change(chat, {}, messages[0])
        if chat.shared:
            ids = [m.ids[SHARED] for m in messages]
            change.events[SHARED] = chat.box.record(kind, ids, self.now())
        else:
            for owner in sorted({owner for m in messages for owner in m.ids}):
                box = self.box_of(owner)
                ids = [m.ids[owner] for m in messages if m.ids.get(owner) in box.messages]
                if ids:
                    change.events[owner] = box.record(kind, ids, self.now())
        return change

    def push_changes(self, changes: list[Change]) -> None:
        """Tell everyone whose box was touched, one `Updates` for all of `changes`."""
        if not changes:
            return
        chat = changes[0].chat
        owners = {owner for change in changes for owner in change.events}
        for account_id in chat.audience() if chat.shared else sorted(owners):

            def make(view: View) -> list[Any]:
                return [u for u in (view.change(change) for change in changes) if u is not None]

            self.push(account_id, make, chat)

    def push(self, account_id: int, make: Callable[[View], list[Any]], chat: Chat | None = None) -> None:
        """Push what `make` says in this account's view, unless it is scripted to get lost."""
        if chat is not None and chat.silenced:
            return
        for drop in self._drops:
            if drop.left > 0 and drop.account_id in (None, account_id) and drop.chat in (None, chat):
                drop.left -= 1
                self.dropped_pushes += 1
                return
        asking = self._asking
        skip = asking[1] if asking is not None and asking[0] == account_id else None
        self._world.push(account_id, Told(self._world, account_id, make), except_session=skip)
