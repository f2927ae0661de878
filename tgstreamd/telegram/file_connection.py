"""A connection for file parts only: the counterpart of `Wire`, at little more than the cost of AES.

Uses abridged transport, one request per packet, without outgoing containers, gzip or intermediate readers. Of
several requests in progress only as many are encrypted as the socket accepts. Guarantees that every call
ends: with its answer, its error, or a ConnectionError once the connection is dead. A silent connection counts
as dead: no byte arrives, and the peer's TCP confirms none of ours. Never reconnects, and never repeats a
request whose outcome is unknown.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

from telethon.crypto import AuthKey
from telethon.errors import AuthKeyNotFound, SecurityError

from ..domain.errors import TgstreamdError
from . import file_requests as objects
from . import tcp
from .file_calls import Call, Calls
from .file_envelope import Envelope, Piece
from .file_framing import TAG, framed, open_packets
from .line_speed import Steps
from .message_ids import MessageIds, OutOfTimeError
from .settings import ProxyTuple

#: Encrypted bytes that may wait for the socket; a part is not encrypted before there is space again.
WRITE_AHEAD: Final = 512 * 1024
#: Answers are acknowledged in groups of this many, or after this many seconds.
ACKS: Final = 16
ACK_SECONDS: Final = 3.0
#: Seconds without any movement, with calls in progress, after which a connection is dead.
SILENCE: Final = 60.0
#: Longest duration of one call on a busy connection; on a slow line, longest without any movement.
CALL_MAX: Final = 300.0


class LeanWire(Calls):
    """A file connection. Made by `open_lean`."""

    def __init__(
        self,
        key: AuthKey,
        envelope: Envelope | None = None,
        *,
        introduction: bytes = b"",
        silence: float = SILENCE,
    ) -> None:
        """`introduction` precedes every request until one of them was answered."""
        super().__init__(envelope or Envelope(key.key, key.key_id), introduction)
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable = True
        #: Bytes of a call in steps not yet given to the socket, and whatever follows them.
        self._held: deque[memoryview] = deque()
        self._acks: list[int] = []
        self._ack_timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._why: Exception | None = None
        #: Bytes given to the socket.
        self._given = 0
        #: Loop time of the last movement in either direction; the values at the last check.
        self.heard = self._loop.time()
        self._seen = self.heard, 0, 0

    @property
    def alive(self) -> bool:
        return self._why is None

    def watch_moves(self) -> Callable[[], bool]:
        """Return a function that tells later whether bytes arrived since, or ours are leaving and some
        remain."""
        heard, left = self.heard, self._given - self._unconfirmed()

        def has_moved() -> bool:
            waiting = self._unconfirmed()
            return self.heard != heard or (waiting > 0 and self._given - waiting > left)

        return has_moved

    @property
    def under_way(self) -> frozenset[int]:
        """The calls sent and not answered."""
        return frozenset(self._sent)

    async def ask(self, request: Any, steps: Steps | None = None) -> Any:
        """Return the answer. Raises what Telethon raises; ConnectionError if no answer will arrive.

        With `steps`, the request is written step by step and their errors are raised too. A cancelled call is
        forgotten; it may have been carried out.
        """
        if self._why is not None:
            raise ConnectionResetError("the connection is closed") from self._why
        call = Call(request, self._loop.create_future(), self._loop.time(), in_steps=steps is not None)
        self._unsent.append(call)
        self._pump()
        if self._watch is None:
            self.heard = call.since
            self._watch = self._loop.call_later(self._silence / 4, self._check_alive)
        try:
            if steps is not None and self._held:
                await self._write_in_steps(call, steps)
            return await call.answer
        except (asyncio.CancelledError, TgstreamdError):
            self._forget(call)
            raise

    async def close(self) -> None:
        """Close at once, even with calls in progress."""
        self.die(ConnectionResetError("the connection was closed"))

    # Socket callbacks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_AHEAD, low=WRITE_AHEAD // 8)
        self._transport.write(TAG)

    def connection_lost(self, exc: Exception | None) -> None:
        self.die(exc or ConnectionResetError("Telegram closed the connection"))

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self.moved()
        self._writable = True
        self._pump()

    def packet(self, packet: memoryview) -> None:
        try:
            self._receive(packet)
        except (SecurityError, BufferError, AuthKeyNotFound, OutOfTimeError, struct.error) as error:
            self.die(error)

    def moved(self) -> None:
        self.heard = self._loop.time()

    # Sending.

    def _pump(self) -> None:
        while self._unsent and self._writable and not self._held and self._open():
            call = self._unsent.popleft()
            # Registered as sent first, so that whatever fails from here on ends the call.
            self._write(self._pieces(call), call)

    async def _write_in_steps(self, call: Call, steps: Steps) -> None:
        """Write held bytes step by step until an answer or the end of the connection."""
        giving = self._loop.create_task(self._write_steps(steps))
        try:
            await asyncio.wait({giving, call.answer}, return_when=asyncio.FIRST_COMPLETED)
            if giving.done():
                giving.result()
        finally:
            giving.cancel()
            call.in_steps = False
            if self._held:
                # The rest of a packet cannot be left out, so the connection ends.
                self._forget(call)
                self.die(ConnectionResetError("a part was given up in its middle"))
            self._pump()

    async def _write_steps(self, steps: Steps) -> None:
        given = 0
        while self._held and self._open():
            room = steps.size
            given += room
            while self._held and room > 0:
                piece = self._held.popleft()
                if len(piece) > room:
                    self._held.appendleft(piece[room:])
                    piece = piece[:room]
                room -= len(piece)
                self._write_now(piece)
            if self._held:
                await steps.passed(lambda: self._unconfirmed() == 0)
                self.moved()
                steps.on_step(given)

    def _unconfirmed(self) -> int:
        return tcp.unconfirmed(self._transport) if self._transport is not None else 0

    def _open(self) -> bool:
        """Return whether the connection can be written to."""
        if self._why is None and (self._transport is None or self._transport.is_closing()):
            # The connection was cut and the callback is still to come; asyncio's `writelines` would fail on
            # it.
            self.die(ConnectionResetError("the connection was cut"))
        return self._why is None

    def _write(self, pieces: list[Piece], call: Call | None = None, *, content: bool = True) -> None:
        msg_id, head, rest = self._envelope.seal(pieces, content=content)
        if call is not None:
            self._sent[msg_id] = call
        head = framed(len(head) + len(rest)) + head
        if self._held or (call is not None and call.in_steps):
            self._held += (memoryview(head), memoryview(rest))
        else:
            self._write_now(head, rest)

    def _write_now(self, *pieces: bytes | memoryview) -> None:
        assert self._transport is not None, "made by open_lean, which waits for the connection"
        self._given += sum(map(len, pieces))
        self._transport.writelines(pieces)

    def _acknowledge(self, msg_id: int) -> None:
        self._acks.append(msg_id)
        if len(self._acks) >= ACKS:
            self._send_acks()
        elif self._ack_timer is None:
            self._ack_timer = self._loop.call_later(ACK_SECONDS, self._send_acks)

    def _send_acks(self) -> None:
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
        if self._acks and self._open():
            acks, self._acks = self._acks, []
            self._write(objects.acknowledgement(acks), content=False)

    # Closing.

    def _check_alive(self) -> None:
        """Check periodically, while calls are in progress, whether anything still moves."""
        self._watch = None
        if self._why is not None or not self.load:
            return
        now = self._loop.time()
        calls = [*self._sent.values(), *self._unsent]
        self._check_movement(now, calls)
        oldest = min(call.since for call in calls)
        patience = max(call.patience for call in calls)
        if now - self.heard > self._silence + patience or now - oldest >= CALL_MAX + patience:
            quiet = ConnectionAbortedError("nothing moves on this connection any more")
            self.die(self._envelope.ids.out_of_time() if self._envelope.ids.dropped else quiet)
            return
        self._watch = self._loop.call_later(self._silence / 4, self._check_alive)

    def _check_movement(self, now: float, calls: list[Call]) -> None:
        """Count leaving bytes as movement. If bytes move and no call ends, the line is slow: give calls more
        time."""
        heard, confirmed, answered = self._seen
        if (left := self._given - self._unconfirmed()) > confirmed:
            self.heard = now
        if self.heard > heard and self._answered == answered:
            for call in calls:
                call.since += self._silence / 4
        self._seen = self.heard, left, self._answered

    def die(self, why: Exception) -> None:
        if self._why is not None:
            return
        self._why = why
        for timer in (self._ack_timer, self._watch):
            if timer is not None:
                timer.cancel()
        if self._transport is not None:
            # A graceful close waits until everything is written, which a dead peer never allows.
            self._transport.abort()
        calls = [*self._sent.values(), *self._unsent]
        self._held.clear()
        self._sent.clear()
        self._unsent.clear()
        for call in calls:
            if not call.answer.done():
                # A copy for each call: an exception raised several times collects all their tracebacks.
                call.answer.set_exception(_copy(why))


def _copy(why: Exception) -> Exception:
    if isinstance(why, AuthKeyNotFound | SecurityError | BufferError):
        return why.with_traceback(None)
    if isinstance(why, ConnectionAbortedError):
        return type(why)(str(why))
    return ConnectionResetError(str(why) or type(why).__name__)


async def open_lean(
    host: str,
    port: int,
    key: AuthKey,
    *,
    proxy: ProxyTuple | None,
    timeout: float,
    ids: MessageIds | None = None,
    introduction: bytes = b"",
) -> LeanWire:
    """Open a connection on which nothing was sent yet. Raises what `open_packets` raises."""

    def made() -> LeanWire:
        return LeanWire(key, Envelope(key.key, key.key_id, ids), introduction=introduction)

    return await open_packets(host, port, made, proxy=proxy, timeout=timeout)
