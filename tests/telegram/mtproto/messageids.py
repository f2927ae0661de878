"""Message ids: those that the server gives, and what it says of a client's.

https://core.telegram.org/mtproto/description#message-identifier-msg-id, and for the states
https://core.telegram.org/mtproto/service_messages_about_messages.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum


class State(IntEnum):
    """The byte of msgs_state_info for one message; what was received has 4, and what became of it."""

    FORGOTTEN = 1
    NOT_RECEIVED = 2
    TOO_NEW = 3
    NO_ACKNOWLEDGEMENT = 4 + 16
    EXECUTED = 4 + 32
    ANSWERED = 4 + 32 + 64


class MessageIds:
    """The server's message ids: growing, from the wall clock, odd."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._last = 0

    def next(self, *, answer: bool) -> int:
        now = int(self._wall() * (1 << 32)) & ~3
        if now <= self._last:
            now = self._last + 4
        self._last = now
        return now | (1 if answer else 3)
