"""The updates of a chat: the events after a position, and pushes."""

from __future__ import annotations

from .media import Value
from .messages import Box, Message


class Difference(Value, frozen=True, kw_only=True):
    """The events of a box after a position, in the order Telegram gave."""

    box: Box
    #: False: there is more, ask again at once.
    final: bool = True
    #: The events are lost; `box` is the new position and the history must close the gap.
    too_long: bool = False
    messages: tuple[Message, ...] = ()
    edits: tuple[Message, ...] = ()
    #: Deleted ids by chat. For basic groups Telegram does not name the chat: it is 0.
    deleted: tuple[tuple[int, tuple[int, ...]], ...] = ()
    #: Pinned (true) and unpinned messages: chat, ids.
    pins: tuple[tuple[int, tuple[int, ...], bool], ...] = ()
    #: Chats with changed properties (rights, protection, title).
    changed: tuple[int, ...] = ()
    #: Message ids that calls of this account created, by `random_id`.
    made: dict[int, int] = {}
    #: Seconds after which a non-member should ask again.
    timeout: int | None = None


class Push(Value, frozen=True, kw_only=True):
    """An update that Telegram sent by itself: wakes `chat` (0: all chats) and often brings the message."""

    #: 0 with `deleted`: ids of a basic group that Telegram does not name.
    chat: int
    message: Message | None = None
    pts: int = 0
    edit: bool = False
    deleted: tuple[int, ...] = ()
    #: The chat itself changed (rights, protection, membership).
    changed: bool = False
    #: A poll was closed; with `chat` 0 Telegram does not say where.
    poll_closed: bool = False
    #: Scheduled messages of the target that were published: `(scheduled id, message id)`.
    published: tuple[tuple[int, int], ...] = ()
