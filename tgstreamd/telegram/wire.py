"""One encrypted connection to a data centre, over Telethon's `MTProtoSender`.

Adds a bounded `ask` in which a cancelled future is never mistaken for a cancelled task, forgets requests that
were given up (Telethon would send them after a reconnect), makes no gzip attempt on 512 KiB of media (11 ms a
part, on the event loop), and closes quickly. Never reconnects by itself: its owner replaces a dead
connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from typing import Any

from telethon.errors import ConnectionNotInitedError, InvalidBufferError, TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import types
from telethon.tl.core import TLMessage
from telethon.tl.functions import InvokeAfterMsgRequest, InvokeWithLayerRequest

from ..domain.clock import Clock, SystemClock
from .file_envelope import incoming, open_packet
from .message_ids import MessageIds
from .sender import Sender


class _State(MTProtoState):
    """Telethon's session state without gzip, using the server's time; reports undecodable objects."""

    unreadable: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, auth_key: Any, loggers: Any, ids: MessageIds) -> None:
        super().__init__(auth_key, loggers)
        self.ids = ids

    def write_data_as_message(
        self, buffer: Any, data: bytes, content_related: bool, *, after_id: int | None = None
    ) -> int:
        if after_id is not None:
            header = struct.pack("<Iq", InvokeAfterMsgRequest.CONSTRUCTOR_ID, after_id)
            data = header + data
        msg_id: int = self._get_new_msg_id()
        buffer.write(struct.pack("<qii", msg_id, self._get_seq_no(content_related), len(data)))
        buffer.write(data)
        return msg_id

    def decrypt_message_data(self, body: bytes) -> Any:
        if len(body) < 8:
            raise InvalidBufferError(body)
        key = self.auth_key
        msg_id, seqno, plain = open_packet(
            memoryview(body), key.key_id.to_bytes(8, "little"), incoming(key.key), self.id
        )
        if not self.ids.is_fresh(msg_id):
            return None
        with BinaryReader(bytes(plain)) as reader:
            try:
                message = TLMessage(msg_id, seqno, reader.tgread_object())
            except TypeNotFoundError:
                self.unreadable()
                raise
        tells_time = isinstance(message.obj, types.BadServerSalt | types.BadMsgNotification)
        return message if tells_time or self.ids.is_timely(msg_id) else None

    def _get_new_msg_id(self) -> int:
        return self.ids.next()

    def update_time_offset(self, correct_msg_id: int) -> int:
        self.ids.set_clock(correct_msg_id)
        return 0  # only logged


class UnwritableError(ValueError):
    """A request contains what no TL object can: it was not sent."""


class Wire(Sender):
    """A sender of requests. `gap` is called when a push may have been missed, `config` with the configuration
    that answers the first request; `ahead` is what is known of Telegram's time; `introduced` wraps a request
    with initConnection."""

    def __init__(self, auth_key: Any, *, loggers: Any, timeout: float, gap: Callable[[], None] | None = None,
                 config: Callable[[Any], None] | None = None, clock: Clock | None = None,
                 ahead: float | None = None, introduced: Callable[[Any], Any] | None = None,
                 **options: Any) -> None:  # fmt: skip
        # A push on a file connection is discarded; Telethon would fail on None.
        options.setdefault("updates_queue", _Nowhere())
        super().__init__(
            auth_key, loggers=loggers, retries=0, delay=0, auto_reconnect=False, connect_timeout=timeout,
            **options,
        )  # fmt: skip
        self._gap = gap or (lambda: None)
        self._config = config
        self._introduced = introduced
        clock = clock or SystemClock()
        self._monotonic = clock.monotonic
        self.ids = MessageIds(clock, ahead)
        # The queue of outgoing requests holds the state too, so both get ours.
        self._state = _State(self.auth_key, loggers, self.ids)
        self._state.unreadable = self._gap
        self._send_queue._state = self._state
        self.dead = asyncio.Event()
        self.dead.set()
        #: Monotonic time at which anything was last received.
        self.heard = 0.0
        #: The error that ended it, unless it was simply cut.
        self.why: Exception | None = None

    @property
    def alive(self) -> bool:
        return not self.dead.is_set() and bool(self._transport_connected())

    @property
    def load(self) -> int:
        """The number of requests in progress."""
        return len(self._pending_state) + len(self._send_queue._deque)

    async def connect(self, connection: Any) -> bool:
        fresh: bool = await super().connect(connection)
        self.dead.clear()
        self.heard = self._monotonic()
        return fresh

    def send(self, request: Any, ordered: bool = False) -> Any:
        future = super().send(request, ordered)
        # Telethon sends initConnection with this request and discards the answer.
        if isinstance(request, InvokeWithLayerRequest) and self._config is not None:
            future.add_done_callback(self._on_config)
        return future

    def _on_config(self, answer: asyncio.Future[Any]) -> None:
        if answer.cancelled() or answer.exception() is not None or self._config is None:
            return
        if isinstance(answer.result(), types.Config):
            self._config(answer.result())

    async def ask(self, request: Any, timeout: float) -> Any:
        """Return the answer to `request`. Raises TimeoutError after `timeout` seconds, ConnectionError on a
        cut wire.

        A request given up, by timeout or cancellation, is forgotten: it may have been carried out, but it is
        not sent later.
        """
        try:
            return await self._answer(request, timeout)
        except ConnectionNotInitedError:
            # Telegram no longer knows this client's initConnection, and carried nothing out.
            if self._introduced is None:
                raise
            return await self._answer(self._introduced(request), timeout)

    async def _answer(self, request: Any, timeout: float) -> Any:
        try:
            future: asyncio.Future[Any] = self.send(request)
        except (struct.error, TypeError, AttributeError, OverflowError) as error:
            raise UnwritableError(str(error)) from error
        try:
            # `wait` raises CancelledError only for this task; a future that Telethon cancelled is "done".
            await asyncio.wait({future}, timeout=timeout)
        except asyncio.CancelledError:
            self._forget(future)
            raise
        if not future.done():
            self._forget(future)
            raise TimeoutError
        if future.cancelled():
            raise ConnectionResetError("the connection was closed")
        return future.result()

    def _forget(self, future: asyncio.Future[Any]) -> None:
        future.cancel()
        for msg_id, state in list(self._pending_state.items()):
            if state.future is future:
                del self._pending_state[msg_id]
        queue = self._send_queue._deque
        for state in [state for state in queue if state.future is future]:
            queue.remove(state)

    async def close(self) -> None:
        """Close at once, whatever is in the socket's buffer."""
        self.dead.set()
        connection = self._connection
        writer = getattr(connection, "_writer", None)
        if writer is not None:
            # A graceful close waits until everything is written, which a dead peer never allows.
            writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.disconnect()

    async def _disconnect(self, error: Any = None) -> None:
        self.why = self.why or error
        self.dead.set()
        await super()._disconnect(error=error)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # marks it as retrieved: callers wait for `dead`
        # Telethon fails requests already sent but not those queued, whose callers would wait forever.
        queue = self._send_queue._deque
        while queue:
            state = queue.popleft()
            if not state.future.done():
                state.future.set_exception(error or ConnectionResetError("the connection was closed"))
                state.future.exception()  # marks it as retrieved: an acknowledgement has no caller

    async def _process_message(self, message: Any) -> None:
        self.heard = self._monotonic()
        try:
            await super()._process_message(message)
        except TypeNotFoundError:
            self._gap()  # it was inside a compressed object and is decoded only here

    async def _handle_new_session_created(self, message: Any) -> None:
        await super()._handle_new_session_created(message)
        # Telegram began a new session: pushes of the old one may be lost
        # (https://core.telegram.org/api/updates).
        self._gap()


class _Nowhere:
    def put_nowait(self, _update: Any) -> None:
        """Discard the push: pushes belong to the main connection."""
