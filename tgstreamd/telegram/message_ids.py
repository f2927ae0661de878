"""Message ids of one MTProto session: makes ours, and judges whether the server's are new and from about now.

An id holds the time at which it was made, by Telegram's clock. That time is taken from the session's first
authenticated message and carried on by a clock that nobody sets, so neither a wrong wall clock nor one that
is set in the middle loses an answer (https://core.telegram.org/mtproto/description#message-identifier-msg-id).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from ..domain.clock import Clock, SystemClock

#: A message of the server that is older, or newer, is not believed (but for those that tell the time).
TOO_OLD: Final = 300
TOO_NEW: Final = 30
#: Ids kept against repeated messages; one that is older than all of them is refused as well
#: (https://core.telegram.org/mtproto/security_guidelines#checking-msg-id).
RECENT: Final = 500
#: Messages in a row from another time that end the connection: the next session learns the time anew.
OUT_OF_TIME: Final = 3

_SECOND: Final = 1 << 32


class OutOfTimeError(ConnectionAbortedError):
    """The server's messages do not come from the time that the session goes by."""


class MessageIds:
    """See the module. `ahead` is what another session knows of the server's time; see `ahead`."""

    def __init__(self, clock: Clock | None = None, ahead: float | None = None) -> None:
        self._clock = clock or SystemClock()
        #: The server's time less our uptime; None while nobody has told it.
        self.ahead = ahead
        #: Messages in a row that were dropped because they came from another time.
        self.dropped = 0
        self._told = False
        self._last = 0
        self._seen: list[int] = []

    def next(self) -> int:
        """An id for a message of ours: growing, divisible by four."""
        self._last = max(int(self._server_now() * _SECOND) & ~3, self._last + 4)
        return self._last

    def is_fresh(self, msg_id: int) -> bool:
        """Whether an authenticated message is the first of that id; remembers it.

        The first one of the session tells the time.
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
        """Whether a message was sent about now. Raises OutOfTimeError where that is so of none any more."""
        off = msg_id / _SECOND - self._server_now()
        if -TOO_OLD <= off <= TOO_NEW:
            self.dropped = 0
            return True
        self.dropped += 1
        if self.dropped >= OUT_OF_TIME:
            raise self.out_of_time(off)
        return False

    def out_of_time(self, off: float | None = None) -> OutOfTimeError:
        """What to say of messages that were dropped, the last one `off` seconds from our time."""
        how = "" if off is None else f", {abs(off):,.0f} s {'ahead of' if off > 0 else 'behind'} ours"
        return OutOfTimeError(
            f"Telegram's answers come from another time{how}: this machine's clocks stood still"
        )

    def set_clock(self, msg_id: int) -> None:
        """Take the server's time anew, from a message that says that ours is wrong."""
        self._take_time(msg_id)
        # Ours were refused, so they need not grow beyond those.
        self._last = 0

    def _take_time(self, msg_id: int) -> None:
        self.ahead = msg_id / _SECOND - self._clock.uptime()
        self._told = True

    def _server_now(self) -> float:
        return self._clock.now() if self.ahead is None else self._clock.uptime() + self.ahead
