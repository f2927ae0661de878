"""A connection for file parts alone: what `Wire` is to everything else, at little more than the cost of AES.

Abridged transport, one request a packet, no containers out, no gzip, no reader in between; several requests
under way, of which only as many are encrypted as the socket takes. Promises that every call ends: with its
answer, its error, or a ConnectionError once the connection is dead, as silence makes it. Never reconnects,
and never sends a request again whose outcome is unknown.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import Any, Final, cast

from telethon.crypto import AuthKey
from telethon.errors import AuthKeyNotFound, BadMessageError, InvalidBufferError, SecurityError
from telethon.network import ConnectionTcpAbridged

from . import lean_objects as objects
from .lean_envelope import Envelope, Piece
from .lean_packets import TAG, Packets, framed
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
#: Codes of bad_msg_notification that only say that our clock is wrong.
_CLOCK: Final = (16, 17)


class _Call:
    """A request and whoever waits for its answer."""

    __slots__ = ("answer", "pieces", "request", "since")

    def __init__(self, request: Any, answer: asyncio.Future[Any], since: float) -> None:
        self.request = request
        self.pieces: list[Piece] = objects.pieces(request)
        self.answer = answer
        self.since = since


class LeanWire(Packets):
    """See the module. Made by `open_lean`."""

    def __init__(self, key: AuthKey, envelope: Envelope | None = None, *, silence: float = SILENCE) -> None:
        super().__init__()
        self._silence = silence
        self._envelope = envelope or Envelope(key.key, key.key_id)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable = True
        self._unsent: deque[_Call] = deque()
        self._sent: dict[int, _Call] = {}
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
    def load(self) -> int:
        """Requests under way."""
        return len(self._sent) + len(self._unsent)

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
        call = _Call(request, self._loop.create_future(), self._loop.time())
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
            self._write(call.pieces, call)

    def _open(self) -> bool:
        """Whether there is somebody to write to."""
        if self._why is None and (self._transport is None or self._transport.is_closing()):
            # Cut, and we have not been told yet; asyncio's `writelines` would stumble over that.
            self.die(ConnectionResetError("the connection was cut"))
        return self._why is None

    def _write(self, pieces: list[Piece], call: _Call | None = None, *, content: bool = True) -> None:
        msg_id, head, rest = self._envelope.seal(pieces, content=content)
        if call is not None:
            self._sent[msg_id] = call
        assert self._transport is not None, "made by open_lean, which waits for the connection"
        self._transport.writelines((framed(len(head) + len(rest)) + head, rest))

    def _again(self, msg_id: int) -> None:
        """Send a request again that the server refused to look at."""
        call = self._sent.pop(msg_id, None)
        if call is not None:
            self._unsent.append(call)

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

    # In.

    def _receive(self, packet: memoryview) -> None:
        if len(packet) == 4:
            code = int.from_bytes(packet, "little", signed=True)
            raise AuthKeyNotFound if code == -404 else InvalidBufferError(bytes(packet))
        msg_id, seqno, body = self._envelope.open(packet)
        self._message(msg_id, seqno, body)
        self._pump()

    def _message(self, msg_id: int, seqno: int, body: memoryview) -> None:
        kind = int.from_bytes(body[:4], "little")
        if not self._envelope.ids.is_fresh(msg_id):
            # It was told to us twice; perhaps our acknowledgement was lost.
            if seqno & 1:
                self._acknowledge(msg_id)
            return
        if kind in (objects.BAD_MESSAGE, objects.BAD_SALT):
            self._refused(msg_id, kind, body)
            return
        if not self._envelope.ids.is_timely(msg_id):
            return
        if seqno & 1:
            self._acknowledge(msg_id)
        if kind == objects.RESULT:
            self._answer(int.from_bytes(body[4:12], "little", signed=True), body[12:])
        elif kind == objects.CONTAINER:
            at = 8
            for _ in range(int.from_bytes(body[4:8], "little")):
                inner_id, inner_seqno, size = struct.unpack_from("<qii", body, at)
                if size < 4 or at + 16 + size > len(body):
                    raise SecurityError("a container is longer than its message")
                self._message(inner_id, inner_seqno, body[at + 16 : at + 16 + size])
                at += 16 + size
        elif kind == objects.GZIP:
            # Its own id was just seen; what it holds is the message of that id.
            plain = objects.ungzipped(body)
            if int.from_bytes(plain[:4], "little") == objects.RESULT:
                self._answer(int.from_bytes(plain[4:12], "little", signed=True), plain[12:])
        elif kind == objects.NEW_SESSION:
            first, _unique, self._envelope.salt = struct.unpack_from("<qqq", body, 4)
            for lost in [sent for sent in self._sent if sent < first]:
                self._again(lost)
        elif kind in (objects.DETAILED, objects.NEW_DETAILED):
            asked, answer = struct.unpack_from("<qq", body, 4) if kind == objects.DETAILED else (0, 0)
            if kind == objects.NEW_DETAILED:
                (answer,) = struct.unpack_from("<q", body, 4)
            if (asked in self._sent or kind == objects.NEW_DETAILED) and self._open():
                # The server has an answer that it does not send by itself.
                self._write(objects.please_resend([answer]))
        # Anything else is of no interest here: acknowledgements, pongs, updates, what a newer layer brings.

    def _answer(self, asked: int, body: memoryview) -> None:
        call = self._sent.pop(asked, None)
        if call is None or call.answer.done():
            return
        try:
            call.answer.set_result(objects.result(body, call.request))
        # Telethon's readers answer nonsense with whatever they stumble over; it is the caller's to see.
        except Exception as error:  # noqa: BLE001  # see above
            call.answer.set_exception(error)

    def _refused(self, msg_id: int, kind: int, body: memoryview) -> None:
        """bad_server_salt and bad_msg_notification: nothing of that message was carried out."""
        bad, _seqno, code = struct.unpack_from("<qii", body, 4)
        if kind == objects.BAD_SALT:
            (self._envelope.salt,) = struct.unpack_from("<q", body, 20)
            self._again(bad)
        elif code in _CLOCK:
            self._envelope.ids.set_clock(msg_id)
            self._again(bad)
        elif code in (32, 33):
            # The numbering is out of step, for good: a new connection has a new session.
            raise BufferError(f"Telegram no longer follows this session ({code})")
        elif (call := self._sent.pop(bad, None)) is not None and not call.answer.done():
            call.answer.set_exception(BadMessageError(call.request, code))

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

    def _forget(self, call: _Call) -> None:
        if call in self._unsent:
            self._unsent.remove(call)
        for msg_id in [msg_id for msg_id, sent in self._sent.items() if sent is call]:
            del self._sent[msg_id]

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
    loggers: Any,
    timeout: float,
    ids: MessageIds,
) -> LeanWire:
    """A connection that has said nothing yet. Raises OSError, TimeoutError and the proxy library's errors."""
    loop = asyncio.get_running_loop()
    made = LeanWire(key, Envelope(key.key, key.key_id, ids))
    async with asyncio.timeout(timeout):
        if proxy is None:
            await loop.create_connection(lambda: made, host, port)
        else:
            # Telethon's way through a proxy; the data centre's number matters only to other transports.
            through = ConnectionTcpAbridged(host, port, 0, loggers=loggers, proxy=proxy)
            await loop.create_connection(lambda: made, sock=await through._proxy_connect(timeout=timeout))
    return made
