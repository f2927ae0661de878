"""Makes the message ids of one MTProto session, and checks whether the server's are new and recent.

An id contains its creation time by Telegram's clock. That time is taken from the session's first
authenticated message and continued by a monotonic clock, so neither a wrong wall clock nor a change to it
loses an answer (https://core.telegram.org/mtproto/description#message-identifier-msg-id).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from ..domain.clock import Clock, SystemClock

#: Seconds in the past or future beyond which a server message is dropped (except those that carry the time).
TOO_OLD: Final = 300
TOO_NEW: Final = 30
#: Ids kept to detect repeated messages; one older than all of them is refused too
#: (https://core.telegram.org/mtproto/security_guidelines#checking-msg-id).
RECENT: Final = 500
#: Consecutive untimely messages that end the connection: the next session learns the time again.
OUT_OF_TIME: Final = 3

_SECOND: Final = 1 << 32


class OutOfTimeError(ConnectionAbortedError):
    """The server's messages do not match the time of the session."""


class MessageIds:
    """The message ids of one session. `ahead` is another session's knowledge of the server's time."""

    def __init__(self, clock: Clock | None = None, ahead: float | None = None) -> None:
        self._clock = clock or SystemClock()
        #: The server's time minus our uptime; None until it is known.
        self.ahead = ahead
        #: Consecutive messages dropped as untimely.
        self.dropped = 0
        self._told = False
        self._last = 0
        self._seen: list[int] = []

    def next(self) -> int:
        """Return an id for a message of ours: increasing, divisible by four."""
        self._last = max(int(self._server_now() * _SECOND) & ~3, self._last + 4)
        return self._last

    def is_fresh(self, msg_id: int) -> bool:
        """Return whether an authenticated message's id is new, and remember it.

        The first one of the session sets the time.
        """
        if not self._told:
            self._take_time(msg_id)
        place = bisect_left(self._seen, msg_id)
        if place < len(self._seen) and self._seen[place] == msg_id:
            return False
        if len(self._seen) >= RECENT:
            if place == 0:
                return False
            del self._seen[0]
        insort(self._seen, msg_id)
        return True

    def is_timely(self, msg_id: int) -> bool:
        """Return whether a message was sent about now. Raises OutOfTimeError after several that were not."""
        off = msg_id / _SECOND - self._server_now()
        if -TOO_OLD <= off <= TOO_NEW:
            self.dropped = 0
            return True
        self.dropped += 1
        if self.dropped >= OUT_OF_TIME:
            raise self.out_of_time(off)
        return False

    def out_of_time(self, off: float | None = None) -> OutOfTimeError:
        """Return the error for messages dropped as untimely, the last one `off` seconds from our time."""
        how = "" if off is None else f", {abs(off):,.0f} s {'ahead of' if off > 0 else 'behind'} ours"
        return OutOfTimeError(
            f"Telegram's answers come from another time{how}: this machine's clocks stood still"
        )

    def set_clock(self, msg_id: int) -> None:
        """Set the server's time from a message that says that ours is wrong."""
        self._take_time(msg_id)
        # Our previous ids were refused, so new ones need not exceed them.
        self._last = 0

    def _take_time(self, msg_id: int) -> None:
        self.ahead = msg_id / _SECOND - self._clock.uptime()
        self._told = True

    def _server_now(self) -> float:
        return self._clock.now() if self.ahead is None else self._clock.uptime() + self.ahead
