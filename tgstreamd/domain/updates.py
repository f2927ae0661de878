"""What Telegram tells of a chat: what lies behind a position of its updates, and what is pushed."""

from __future__ import annotations

from .media import Value
from .messages import Box, Message


class Difference(Value, frozen=True, kw_only=True):
    """What happened in a box after a position, in the order Telegram gave."""

    box: Box
    #: False: ask again at once, there is more.
    final: bool = True
    #: The events are lost; `box` is the new position and the history must close the gap.
    too_long: bool = False
    messages: tuple[Message, ...] = ()
    edits: tuple[Message, ...] = ()
    #: Deleted ids. Of basic groups Telegram does not say which chat they were in: `chat` is 0.
    deleted: tuple[tuple[int, tuple[int, ...]], ...] = ()
    #: Pinned (true) and unpinned messages: chat, ids.
    pins: tuple[tuple[int, tuple[int, ...], bool], ...] = ()
    #: Chats about which something changed (rights, protection, title).
    changed: tuple[int, ...] = ()
    #: What calls of this account have made: message ids by `random_id`.
    made: dict[int, int] = {}
    #: Seconds after which a non-member should ask again.
    timeout: int | None = None


class Push(Value, frozen=True, kw_only=True):
    """What Telegram told by itself: a wake-up for `chat` (0: ask for everything) and, often, the message."""

    #: 0 with `deleted`: ids of a basic group, Telegram does not say which.
    chat: int
    message: Message | None = None
    pts: int = 0
    edit: bool = False
    deleted: tuple[int, ...] = ()
    #: The chat itself changed (rights, protection, membership).
    changed: bool = False
    #: A poll takes no votes any more; with `chat` 0 Telegram does not say where.
    poll_closed: bool = False
    #: Scheduled ids of the target that became real ones: `(scheduled id, message id)`.
    published: tuple[tuple[int, int], ...] = ()
