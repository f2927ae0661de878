"""A box: one sequence of events (`pts`) and the messages that it numbers.

A channel or supergroup has one box for everybody; each account has one for its private chats and basic
groups together. A box keeps its events until they are purged and tells what happened after a given pts.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .messages import Message

Kind = Literal["new", "edit", "delete", "pin", "unpin", "webpage"]

#: Older events are purged; whoever asks from before gets "too long" (updates.channelDifferenceTooLong).
RETAINED = 100_000


@dataclass(slots=True, eq=False)
class Event:
    """`pts` is the state after the event, `count` how far it moved it; `ids` are ids in this box."""

    pts: int
    count: int
    kind: Kind
    ids: list[int]
    date: int


@dataclass(slots=True, eq=False)
class Summary:
    """A difference: messages that are new, in their final form, and the other events that still matter."""

    new: list[Message] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Box:
    """Messages by id (ascending, never reused) and events by pts."""

    def __init__(self) -> None:
        self.pts = 1
        self.purged_to = 0
        self.next_id = 1
        self.events: list[Event] = []
        self.messages: dict[int, Message] = {}
        self.ids: list[int] = []

    def number(self, message: Message) -> int:
        """Give the message the next id of this box."""
        message_id = self.next_id
        self.next_id += 1
        self.messages[message_id] = message
        self.ids.append(message_id)
        return message_id

    def remove(self, message_id: int) -> None:
        del self.messages[message_id]
        del self.ids[bisect.bisect_left(self.ids, message_id)]

    def record(self, kind: Kind, ids: list[int], date: int) -> Event:
        self.pts += len(ids)
        event = Event(self.pts, len(ids), kind, ids, date)
        self.events.append(event)
        if len(self.events) > RETAINED:
            self.purged_to = self.events.pop(0).pts
        return event

    def purge(self, pts: int | None = None) -> None:
        """Forget the events up to `pts` (all of them by default)."""
        self.purged_to = self.pts if pts is None else pts
        self.events = [e for e in self.events if e.pts > self.purged_to]

    def after(self, pts: int) -> list[Event]:
        start = bisect.bisect_right(self.events, pts, key=lambda e: e.pts)
        return self.events[start:]

    def summary(self, events: list[Event]) -> Summary:
        """What a client needs of these events: nothing twice, nothing that is gone by now."""
        result = Summary()
        born = {i for e in events if e.kind == "new" for i in e.ids}
        result.new = [self.messages[i] for i in sorted(born) if i in self.messages]
        last_edit = {i: e for e in events if e.kind == "edit" for i in e.ids}
        for event in events:
            if event.kind == "new":
                continue
            if event.kind == "delete":
                ids = [i for i in event.ids if i not in born]
            elif event.kind in ("edit", "webpage"):
                ids = [i for i in event.ids if i in self.messages and i not in born]
                if event.kind == "edit":
                    ids = [i for i in ids if last_edit[i] is event]
            else:
                ids = [i for i in event.ids if i in self.messages]
            if ids:
                result.events.append(Event(event.pts, event.count, event.kind, ids, event.date))
        return result
