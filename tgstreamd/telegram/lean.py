"""A connection for file parts alone: what `Wire` is to everything else, at little more than the cost of AES.

Abridged transport, one request a packet, no containers out, no gzip, no reader in between; several requests
under way, of which only as many are encrypted as the socket takes. Promises that every call ends: with its
answer, its error, or a ConnectionError once the connection is dead, as silence makes it. Never reconnects,
and never sends a request again whose outcome is unknown.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Final, cast

from telethon.crypto import AuthKey
from telethon.errors import AuthKeyNotFound, SecurityError

from . import lean_objects as objects
from .lean_calls import Call, Calls
from .lean_envelope import Envelope, Piece
from .lean_packets import TAG, framed, open_packets
from .message_ids import MessageIds, OutOfTimeError
from .settings import ProxyTuple

#: Encrypted bytes that may wait for the socket; a part is not encrypted before there is room again.
WRITE_AHEAD: Final = 512 * 1024
#: Answers are acknowledged together: so many, or those of so many seconds.
ACKS: Final = 16
ACK_SECONDS: Final = 3.0
#: A connection on which nothing moved for so long, with calls under way, is dead.
SILENCE: Final = 60.0
#: However busy the connection, one call takes no longer.
CALL_MAX: Final = 300.0


class LeanWire(Calls):
    """See the module. Made by `open_lean`."""

    def __init__(
        self,
        key: AuthKey,
        envelope: Envelope | None = None,
        *,
        introduction: bytes = b"",
        silence: float = SILENCE,
    ) -> None:
        """`introduction` goes before every request until one of them was answered."""
        super().__init__(envelope or Envelope(key.key, key.key_id), introduction)
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable = True
        self._acks: list[int] = []
        self._ack_timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._why: Exception | None = None
        #: When bytes last moved in either direction, by the loop's clock.
        self.heard = self._loop.time()

    @property
    def alive(self) -> bool:
        return self._why is None

    @property
    def moves(self) -> object:
        """What is not the same a moment later if the line lives while something is under way."""
        return self.heard, self._transport and self._transport.get_write_buffer_size()

    async def ask(self, request: Any) -> Any:
        """The answer. Raises what Telethon raises; ConnectionError where none will come any more.

        A call that is given up is forgotten; it may have been carried out.
        """
        if self._why is not None:
            raise ConnectionResetError("the connection is closed") from self._why
        call = Call(request, self._loop.create_future(), self._loop.time())
        self._unsent.append(call)
        self._pump()
        if self._watch is None:
            self.heard = call.since
            self._watch = self._loop.call_later(self._silence / 4, self._look)
        try:
            return await call.answer
        except asyncio.CancelledError:
            self._forget(call)
            raise

    async def close(self) -> None:
        """Close at once, whatever is under way."""
        self.die(ConnectionResetError("the connection was closed"))

    # The socket.

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

    # Out.

    def _pump(self) -> None:
        while self._unsent and self._writable and self._open():
            call = self._unsent.popleft()
            # Known as sent before it is: whatever goes wrong from here on, somebody ends it.
            self._write(self._pieces(call), call)

    def _open(self) -> bool:
        """Whether there is somebody to write to."""
        if self._why is None and (self._transport is None or self._transport.is_closing()):
            # Cut, and we have not been told yet; asyncio's `writelines` would stumble over that.
            self.die(ConnectionResetError("the connection was cut"))
        return self._why is None

    def _write(self, pieces: list[Piece], call: Call | None = None, *, content: bool = True) -> None:
        msg_id, head, rest = self._envelope.seal(pieces, content=content)
        if call is not None:
            self._sent[msg_id] = call
        assert self._transport is not None, "made by open_lean, which waits for the connection"
        self._transport.writelines((framed(len(head) + len(rest)) + head, rest))

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

    # The end.

    def _look(self) -> None:
        """Every now and then while calls are under way: is anything still moving?"""
        self._watch = None
        if self._why is not None or not self.load:
            return
        now = self._loop.time()
        oldest = min(call.since for calls in (self._sent.values(), self._unsent) for call in calls)
        if now - self.heard > self._silence or now - oldest >= CALL_MAX:
            quiet = ConnectionAbortedError("nothing moves on this connection any more")
            self.die(self._envelope.ids.out_of_time() if self._envelope.ids.dropped else quiet)
            return
        self._watch = self._loop.call_later(self._silence / 4, self._look)

    def die(self, why: Exception) -> None:
        if self._why is not None:
            return
        self._why = why
        for timer in (self._ack_timer, self._watch):
            if timer is not None:
                timer.cancel()
        if self._transport is not None:
            # Closing politely waits until everything is written, which a dead peer never allows.
            self._transport.abort()
        calls = [*self._sent.values(), *self._unsent]
        self._sent.clear()
        self._unsent.clear()
        for call in calls:
            if not call.answer.done():
                # One for each: an exception that several raise collects all their tracebacks.
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
    """A connection that has said nothing yet. Raises what `open_packets` raises."""

    def made() -> LeanWire:
        return LeanWire(key, Envelope(key.key, key.key_id, ids), introduction=introduction)

    return await open_packets(host, port, made, proxy=proxy, timeout=timeout)
