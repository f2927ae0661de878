"""Tracks the calls in progress on a file connection and handles the server's messages about them.

Assigns every answer to its call and decides what is sent again: requests refused for their salt or time, lost
with a session, or made before Telegram knew the client. Checks every message id. Owns no socket.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import Any, Final

from telethon.errors import (
    AuthKeyNotFound,
    BadMessageError,
    ConnectionNotInitedError,
    InvalidBufferError,
    SecurityError,
)

from . import file_requests as objects
from .file_envelope import Envelope, Piece
from .file_framing import Packets

#: Codes of bad_msg_notification that only mean that our clock is wrong.
_CLOCK: Final = (16, 17)
#: Bytes a second of the slowest usable line.
LEAST_RATE: Final = 2500


class Call:
    """A request and the future of its answer."""

    __slots__ = ("answer", "in_steps", "introduced", "patience", "request", "since")

    def __init__(
        self, request: Any, answer: asyncio.Future[Any], since: float, *, in_steps: bool = False
    ) -> None:
        self.request = request
        self.answer = answer
        #: When it was made, moved forward by the time that a slow line alone accounts for.
        self.since = since
        #: Whether it is still being written to the socket step by step.
        self.in_steps = in_steps
        #: Further seconds without any movement: a proxy may have accepted everything ahead of a slow line.
        self.patience = len(getattr(request, "bytes", b"")) / LEAST_RATE if in_steps else 0.0
        #: Whether it was sent with the introduction (initConnection).
        self.introduced = False


class Calls(Packets):
    """The calls of one connection. The owner of the socket implements the four methods that follow."""

    def __init__(self, envelope: Envelope, introduction: bytes) -> None:
        super().__init__()
        self._envelope = envelope
        self._introduction = introduction
        self._introduced = not introduction
        self._unsent: deque[Call] = deque()
        self._sent: dict[int, Call] = {}
        #: Number of answered calls.
        self._answered = 0

    def _pump(self) -> None:
        """Send what is not sent yet, as far as the socket accepts it."""
        raise NotImplementedError

    def _open(self) -> bool:
        """Return whether the connection can be written to."""
        raise NotImplementedError

    def _write(self, pieces: list[Piece], call: Call | None = None, *, content: bool = True) -> None:
        raise NotImplementedError

    def _acknowledge(self, msg_id: int) -> None:
        raise NotImplementedError

    @property
    def load(self) -> int:
        """The number of requests in progress."""
        return len(self._sent) + len(self._unsent)

    def _pieces(self, call: Call) -> list[Piece]:
        call.introduced = not self._introduced
        return objects.pieces(
            call.request, self._introduction if call.introduced else objects.WITHOUT_UPDATES
        )

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
            # A repetition, perhaps because our acknowledgement was lost.
            if seqno & 1:
                self._acknowledge(msg_id)
            return
        if kind in (objects.BAD_MESSAGE, objects.BAD_SALT):
            self._handle_refusal(msg_id, kind, body)
            return
        if not self._envelope.ids.is_timely(msg_id):
            return
        if seqno & 1:
            self._acknowledge(msg_id)
        if kind == objects.RESULT:
            self._answer(int.from_bytes(body[4:12], "little", signed=True), body[12:])
        elif kind == objects.PONG:
            asked = int.from_bytes(body[4:12], "little", signed=True)
            if (call := self._sent.pop(asked, None)) is not None and not call.answer.done():
                call.answer.set_result(None)
        elif kind == objects.CONTAINER:
            at = 8
            for _ in range(int.from_bytes(body[4:8], "little")):
                inner_id, inner_seqno, size = struct.unpack_from("<qii", body, at)
                if size < 4 or at + 16 + size > len(body):
                    raise SecurityError("a container is longer than its message")
                self._message(inner_id, inner_seqno, body[at + 16 : at + 16 + size])
                at += 16 + size
        elif kind == objects.GZIP:
            # The id of the packed message was checked just now and is that of its content.
            plain = objects.ungzipped(body)
            if int.from_bytes(plain[:4], "little") == objects.RESULT:
                self._answer(int.from_bytes(plain[4:12], "little", signed=True), plain[12:])
        elif kind == objects.NEW_SESSION:
            first, _unique, self._envelope.salt = struct.unpack_from("<qqq", body, 4)
            for lost in [sent for sent in self._sent if sent < first]:
                self._requeue(lost)
        elif kind in (objects.DETAILED, objects.NEW_DETAILED):
            asked, answer = struct.unpack_from("<qq", body, 4) if kind == objects.DETAILED else (0, 0)
            if kind == objects.NEW_DETAILED:
                (answer,) = struct.unpack_from("<q", body, 4)
            if (asked in self._sent or kind == objects.NEW_DETAILED) and self._open():
                # The server has an answer that it does not send by itself.
                self._write(objects.please_resend([answer]))
        # Everything else is ignored: acknowledgements, pongs, updates, objects of a newer layer.

    def _answer(self, asked: int, body: memoryview) -> None:
        call = self._sent.pop(asked, None)
        if call is None or call.answer.done():
            return
        self._answered += 1
        try:
            call.answer.set_result(objects.result(body, call.request))
            self._introduced = True
        except ConnectionNotInitedError as error:
            if call.introduced or not self._introduction:
                call.answer.set_exception(error)
                return
            # Telegram no longer knows this client's initConnection and carried nothing out.
            self._introduced = False
            self._unsent.append(call)
        # Telethon's readers raise arbitrary exceptions for malformed answers; the caller gets them.
        except Exception as error:  # noqa: BLE001  # see above
            call.answer.set_exception(error)

    def _handle_refusal(self, msg_id: int, kind: int, body: memoryview) -> None:
        """Handle bad_server_salt and bad_msg_notification: nothing of that message was carried out."""
        bad, _seqno, code = struct.unpack_from("<qii", body, 4)
        if kind == objects.BAD_SALT:
            (self._envelope.salt,) = struct.unpack_from("<q", body, 20)
            self._requeue(bad)
        elif code in _CLOCK:
            self._envelope.ids.set_clock(msg_id)
            self._requeue(bad)
        elif code in (32, 33):
            # The sequence numbers are out of step for good: a new connection has a new session.
            raise BufferError(f"Telegram no longer follows this session ({code})")
        elif (call := self._sent.pop(bad, None)) is not None and not call.answer.done():
            call.answer.set_exception(BadMessageError(call.request, code))

    def _requeue(self, msg_id: int) -> None:
        """Queue a request again that the server rejected unread."""
        call = self._sent.pop(msg_id, None)
        if call is not None:
            self._unsent.append(call)

    def _forget(self, call: Call) -> None:
        if call in self._unsent:
            self._unsent.remove(call)
        for msg_id in [msg_id for msg_id, sent in self._sent.items() if sent is call]:
            del self._sent[msg_id]
