"""One TCP connection: packets in, key exchange or encrypted session, packets out.

Owns the stream and which sessions speak over it. Executes nothing; the server does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from typing import TYPE_CHECKING, cast

from .mtproto.envelope import BadMessage, open_message
from .mtproto.keyexchange import ExchangeFailed, KeyExchange
from .mtproto.messageids import MessageIds
from .mtproto.session import Session
from .mtproto.transports import BadStream, Transport
from .network import Shaper

if TYPE_CHECKING:
    from .mtproto.keyring import AuthKey
    from .server import TelegramServer

log = logging.getLogger("tests.telegram")


class Connection(asyncio.Protocol):
    """A client's connection to one data centre."""

    def __init__(self, server: TelegramServer, dc_id: int, *, media: bool = False) -> None:
        self.server = server
        self.dc_id = dc_id
        #: Whether it came to the place for media only.
        self.media = media
        self.id = int.from_bytes(os.urandom(4), "little")
        self.key: AuthKey | None = None
        self.sessions: set[Session] = set()
        self.transport: asyncio.Transport | None = None
        self.stream = Transport()
        self._shaper: Shaper | None = None
        self._exchange: KeyExchange | None = None
        self._plain_ids = MessageIds(server.wall)
        self._flushing: set[Session] = set()
        self._silence: asyncio.TimerHandle | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass, so this cannot be asserted.
        self.transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=8 * 1024 * 1024)
        self._shaper = Shaper(self.server.network, transport)
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        if self._shaper is not None:
            self._shaper.close()
        if self._silence is not None:
            self._silence.cancel()
        for session in self.sessions:
            if session.connection is self:
                session.connection = None

    @property
    def host(self) -> str:
        """The client's address."""
        peer = self.transport.get_extra_info("peername") if self.transport is not None else None
        return str(peer[0]) if peer else ""

    def data_received(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self._shaper is not None:
            self._shaper.received(len(data))
        try:
            packets = self.stream.feed(data)
        except BadStream as error:
            log.info("connection %08x broke its transport: %s", self.id, error)
            self.cut()
            return
        try:
            for packet in packets:
                self._packet(packet)
        # A bug of this server must show in the test that met it; the loop would only log it.
        except Exception as bug:
            log.exception("connection %08x", self.id)
            self.server.bugs.append(bug)
            self.cut()
            return
        if self.server.faults.cuts_parts and self.stream.incomplete >= 64 * 1024:
            self.server.faults.incomplete(self)

    # Packets

    def _packet(self, packet: bytes) -> None:
        if len(packet) < 20:
            # Four bytes may be a quick acknowledgement or a client's padding; Telegram ignores them.
            return
        key_id = int.from_bytes(packet[:8], "little")
        if key_id == 0:
            self._plain(packet)
            return
        key = self.server.keys.get(self.dc_id, key_id)
        if key is None:
            self.refuse(-404)
            return
        try:
            message = open_message(key.key, packet)
        except BadMessage as error:
            log.info("connection %08x: %s", self.id, error)
            self.refuse(-404)
            return
        self.server.keys.settle(key)
        self.key = key
        session = key.sessions.get(message.session_id)
        if session is None:
            session = Session(key, message.session_id, wall=self.server.wall, serve=self.server.serve)
            key.add_session(session)
        session.connection = self
        self.sessions.add(session)
        session.receive(message)
        self.flush_soon(session)
        self._watch(session)

    def _plain(self, packet: bytes) -> None:
        length = int.from_bytes(packet[16:20], "little")
        if self._exchange is None:
            self._exchange = KeyExchange(
                self.server.exchange_key(self.dc_id),
                server_time=self.server.wall,
                exponent=self.server.dh_exponent,
            )
        try:
            answer = self._exchange.receive(packet[20 : 20 + length])
        except ExchangeFailed as error:
            log.info("key exchange failed: %s", error)
            self.refuse(error.code)
            return
        if self._exchange.finished is not None:
            said = self._exchange.finished.dc_id
            if said is not None and abs(said) % 10000 != self.dc_id:
                # -444: invalid DC.
                self.refuse(-444)
                return
            self.server.keys.add_new(self._exchange.finished, self.dc_id)
            self._exchange = None
        head = struct.pack("<qqi", 0, self._plain_ids.next(answer=True), len(answer))
        self.write(self.stream.wrap(head + answer))

    # Out

    def flush(self, session: Session) -> None:
        """Send what the session has queued."""
        self._flushing.discard(session)
        if self.transport is None or self.transport.is_closing():
            return
        for packet in session.drain():
            self.write(self.stream.wrap(packet))

    def flush_soon(self, session: Session) -> None:
        # At the end of this round of the loop: answers that are ready together share a container.
        if session not in self._flushing:
            self._flushing.add(session)
            asyncio.get_running_loop().call_soon(self.flush, session)

    def write(self, data: bytes) -> None:
        if self._shaper is not None:
            self._shaper.write(data)

    def write_half(self, session: Session) -> None:
        """Send the first half of what is queued and cut: an answer that breaks off."""
        data = b"".join(self.stream.wrap(packet) for packet in session.drain())
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data[: len(data) // 2])
            self.transport.close()

    def refuse(self, code: int) -> None:
        """Answer with a transport error and close."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(self.stream.error(code))
            self.transport.close()

    def cut(self) -> None:
        """Close at once, without a word."""
        if self.transport is not None:
            self.transport.abort()

    def _watch(self, session: Session) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if session.disconnect_delay is not None:
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(session.disconnect_delay, self.cut)
