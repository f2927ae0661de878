"""What each `random_id` made: by account and chat, whatever the method was, for ever.

Rules: https://core.telegram.org/api/updates#updatemessageid-updates. That ids last (C1) and that differences
tell them (C2) stands on that page alone, so each can be switched off; what a repeat says of a message that is
gone is known from nowhere, and is a switch as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from .messages import SHARED, Message

if TYPE_CHECKING:
    from .boxes import Event
    from .chats import Chat

#: Seconds for which an id is known where `lasting` is off: less than the field has seen (72 minutes).
SHORT = 3600.0


class RandomIds:
    """All ids that were used, and those of calls under way."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        #: C1: a used id never expires.
        self.lasting = True
        #: C2: a difference tells `UpdateMessageID` again.
        self.told = True
        #: What a repeat and a difference say of a message that is gone: its old id alone, or nothing.
        self.of_gone: Literal["id", "nothing"] = "id"
        self._made: dict[tuple[int, Chat, int], tuple[Message, float]] = {}
        #: The id by which an account made a message, by the message's id in that box.
        self._names: dict[tuple[int, Chat | None, int], int] = {}
        self._under_way: set[tuple[int, tuple[int, ...], int]] = set()

    def remember(self, account_id: int, chat: Chat, random_id: int, message: Message) -> None:
        self._made[account_id, chat, random_id] = message, self._now()
        if message not in chat.scheduled.values():
            # TDLib: a difference never names a scheduled message.
            message_id = message.id_for(account_id)
            assert message_id is not None, "the sender has the message"
            self._names[account_id, chat if chat.shared else None, message_id] = random_id

    def recall(self, account_id: int, chat: Chat, random_id: int) -> Message | None:
        """What this account sent to this chat under the id, if that is still known; it may be gone."""
        message, at = self._made.get((account_id, chat, random_id), (None, 0.0))
        if message is None or not (self.lasting or self._now() - at <= SHORT):
            return None
        return message

    def forget(self) -> None:
        """A repeat of any call made so far makes another message."""
        self._made.clear()

    def told_in(
        self, events: Sequence[Event], account_id: int, chat: Chat | None
    ) -> Iterator[tuple[int, int]]:
        """`(message id, random_id)` of what this account made in these events of a channel's box, or of its
        own (chat None)."""
        for event in events if self.told else ():
            for message_id in event.ids if event.kind == "new" else ():
                if random_id := self._names.get((account_id, chat, message_id)):
                    yield message_id, random_id

    @contextmanager
    def under_way(self, account_id: int, peer: tuple[int, ...], random_ids: Sequence[int]) -> Iterator[bool]:
        """Keep these for one call until it is answered; false where another call under way has one."""
        mine = {(account_id, peer, random_id) for random_id in random_ids}
        if mine & self._under_way:
            yield False
            return
        self._under_way |= mine
        try:
            yield True
        finally:
            self._under_way -= mine


def stands(message: Message, account_id: int) -> bool:
    """Whether this account still has the message, as a real or as a scheduled one."""
    if message in message.chat.scheduled.values():
        return True
    key = SHARED if message.chat.shared else account_id
    return message.ids.get(key) in message.chat.box_for(account_id).messages
