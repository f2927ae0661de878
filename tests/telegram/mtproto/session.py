"""One MTProto session: message ids, sequence numbers, salts, acknowledgements and service messages. Sans-IO.

Takes decrypted messages, hands requests to `serve` and queues what is to be sent; who owns a connection
collects it with `drain`. Strict: what the protocol calls wrong gets Telegram's bad_msg_notification
(https://core.telegram.org/mtproto/service_messages_about_messages). Executes no API request.
"""

from __future__ import annotations

import os
import struct
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from telethon.tl import functions, types

from .crypto import Buffer
from .envelope import BadMessage, Message, open_container, seal_message
from .messageids import MessageIds, State
from .tl import MSG_CONTAINER, BadObject, decode, rpc_result

if TYPE_CHECKING:
    from .keyring import AuthKey

MSGS_ACK = types.MsgsAck.CONSTRUCTOR_ID
FUTURE_SALTS = 0xAE500895
#: Answers up to this size are kept for a client that asks for them again.
KEPT_ANSWER = 64 * 1024
KEPT_ANSWERS = 200

_SERVICE = {
    cls.CONSTRUCTOR_ID
    for cls in (
        types.MsgsAck,
        types.MsgsStateReq,
        types.MsgResendReq,
        types.MsgsAllInfo,
        types.MsgsStateInfo,
        functions.PingRequest,
        functions.PingDelayDisconnectRequest,
        functions.GetFutureSaltsRequest,
        functions.RpcDropAnswerRequest,
        functions.DestroySessionRequest,
        functions.DestroyAuthKeyRequest,
    )
}
_PINGS = {functions.PingRequest.CONSTRUCTOR_ID, functions.PingDelayDisconnectRequest.CONSTRUCTOR_ID}
#: Content to some clients and not to others. The protocol's page has code 34 for an odd number on an
#: acknowledgement or a container; mtcute sends them so, and Telegram answers it all the same.
_EITHER = _PINGS | {MSGS_ACK, MSG_CONTAINER}


class Session:
    """One session id of one key. `serve(session, msg_id, body)` executes a request and answers later."""

    def __init__(
        self,
        key: AuthKey,
        session_id: int,
        *,
        wall: Callable[[], float],
        serve: Callable[[Session, int, memoryview], None],
    ) -> None:
        self.key = key
        self.id = session_id
        self.wants_updates = False
        #: The connection that spoke last for this session; owned by the server.
        self.connection: Any = None
        #: Its first and its last request at a main place, as numbers of the server's; owned by it.
        self.spoke = (0, 0)
        #: Set by ping_delay_disconnect: seconds of silence after which the connection is closed.
        self.disconnect_delay: float | None = None
        self._wall = wall
        self._serve = serve
        self._ids = MessageIds(wall)
        self._content_sent = 0
        self._created = False
        self._outbox: list[tuple[int, int, Buffer]] = []
        #: Requests: None while one is executed, then its answer (b"" if it was too big to keep).
        self._requests: OrderedDict[int, bytes | None] = OrderedDict()
        self._dropped: set[int] = set()
        self._recent: deque[tuple[int, int]] = deque(maxlen=200)
        self._newest = (0, 0)
        self.acknowledged = 0

    # In

    def receive(self, message: Message) -> None:
        """One decrypted message of the client, container or not."""
        if not self.key.accepts_salt(message.salt):
            self.send(
                bytes(types.BadServerSalt(message.msg_id, message.seqno, 48, self.key.salt)),
                answer=True,
                content=False,
            )
            return
        if code := self._time_error(message.msg_id):
            self._bad(message.msg_id, message.seqno, code)
            return
        body = message.body
        is_container = int.from_bytes(body[:4], "little") == MSG_CONTAINER
        if not self._created:
            self._created = True
            self._announce(message.msg_id, body if is_container else None)
        if not is_container:
            self._one(message.msg_id, message.seqno, body)
            return
        if code := self._sequence_error(message.msg_id, message.seqno, MSG_CONTAINER):
            self._bad(message.msg_id, message.seqno, code)
            return
        try:
            inner = open_container(message)
        except BadMessage:
            self._bad(message.msg_id, message.seqno, 64)
            return
        for msg_id, seqno, part in inner:
            self._one(msg_id, seqno, part)
        # The container's number is only remembered now: its id is higher than those inside it.
        self._remember(message.msg_id, message.seqno)

    def _announce(self, first: int, container: memoryview | None) -> None:
        if container is not None and len(container) >= 16:
            first = min(first, int.from_bytes(container[8:16], "little"))
        unique = int.from_bytes(os.urandom(8), "little", signed=True)
        self.send(bytes(types.NewSessionCreated(first, unique, self.key.salt)), answer=False, content=True)

    def _one(self, msg_id: int, seqno: int, body: memoryview) -> None:
        if msg_id in self._requests:
            self._again(msg_id)
            return
        constructor = int.from_bytes(body[:4], "little")
        if code := self._sequence_error(msg_id, seqno, constructor):
            self._bad(msg_id, seqno, code)
            return
        self._remember(msg_id, seqno)
        if constructor == MSG_CONTAINER:
            self._bad(msg_id, seqno, 64)
        elif constructor in _SERVICE:
            self._service(msg_id, body)
        else:
            self._requests[msg_id] = None
            while len(self._requests) > KEPT_ANSWERS and next(iter(self._requests.values())) is not None:
                self._requests.popitem(last=False)
            self._serve(self, msg_id, body)

    def _again(self, msg_id: int) -> None:
        answer = self._requests[msg_id]
        if answer:
            self.send(answer, answer=True, content=True)
        elif answer is None:
            self.acknowledge([msg_id])

    def _remember(self, msg_id: int, seqno: int) -> None:
        self._recent.append((msg_id, seqno))
        if msg_id > self._newest[0]:
            self._newest = (msg_id, seqno)

    def _time_error(self, msg_id: int) -> int:
        if msg_id % 4:
            return 18
        lag = self._wall() - msg_id / (1 << 32)
        if lag > 300:
            return 16
        return 17 if lag < -30 else 0

    def _sequence_error(self, msg_id: int, seqno: int, constructor: int) -> int:
        if msg_id % 4:
            return 18
        if seqno % 2 == 0 and constructor not in _EITHER:
            return 35
        if msg_id > self._newest[0]:
            newest = self._newest[1]
            return 32 if seqno < newest or (seqno == newest and seqno % 2) else 0
        for other_id, other in self._recent:
            same = other == seqno and seqno % 2
            if other_id < msg_id and (other > seqno or same):
                return 32
            if other_id > msg_id and (other < seqno or same):
                return 33
        return 0

    def _bad(self, msg_id: int, seqno: int, code: int) -> None:
        self.send(bytes(types.BadMsgNotification(msg_id, seqno, code)), answer=True, content=False)

    # Service messages

    def _service(self, msg_id: int, body: memoryview) -> None:
        try:
            message = decode(body)
        except BadObject:
            self._bad(msg_id, 0, 64)
            return
        match message:
            case types.MsgsAck():
                self.acknowledged += len(message.msg_ids)
            case functions.PingRequest():
                self.send(bytes(types.Pong(msg_id, message.ping_id)), answer=True, content=False)
            case functions.PingDelayDisconnectRequest():
                self.disconnect_delay = float(message.disconnect_delay)
                self.send(bytes(types.Pong(msg_id, message.ping_id)), answer=True, content=False)
            case functions.GetFutureSaltsRequest():
                salts = self.key.future_salts(max(1, min(64, message.num)), self._wall())
                answer = struct.pack("<Iqii", FUTURE_SALTS, msg_id, int(self._wall()), len(salts))
                answer += b"".join(struct.pack("<iiq", *salt) for salt in salts)
                self.send(answer, answer=True, content=False)
            case types.MsgsStateReq():
                info = bytes(self._state(asked) for asked in message.msg_ids)
                self.send(bytes(types.MsgsStateInfo(msg_id, info)), answer=True, content=False)
            case types.MsgResendReq():
                info = bytes(self._state(asked) for asked in message.msg_ids)
                self.send(bytes(types.MsgsStateInfo(msg_id, info)), answer=True, content=False)
                for asked in message.msg_ids:
                    if asked in self._requests:
                        self._again(asked)
            case functions.RpcDropAnswerRequest():
                self._drop(msg_id, message.req_msg_id)
            case functions.DestroySessionRequest():
                gone = message.session_id != self.id and self.key.sessions.pop(message.session_id, None)
                kind = types.DestroySessionOk if gone else types.DestroySessionNone
                self.send(bytes(kind(message.session_id)), answer=True, content=False)
            case functions.DestroyAuthKeyRequest():
                self.key.destroy()
                self.send(bytes(types.DestroyAuthKeyOk()), answer=True, content=False)

    def _state(self, msg_id: int) -> int:
        if msg_id in self._requests:
            return State.EXECUTED if self._requests[msg_id] is None else State.ANSWERED
        known = [known for known, _ in self._recent]
        if msg_id in known:
            return State.NO_ACKNOWLEDGEMENT
        if msg_id > self._newest[0]:
            return State.TOO_NEW
        return State.NOT_RECEIVED if known and msg_id > min(known) else State.FORGOTTEN

    def _drop(self, msg_id: int, dropped: int) -> None:
        if dropped not in self._requests:
            result: Any = types.RpcAnswerUnknown()
        elif self._requests[dropped] is None:
            self._dropped.add(dropped)
            result = types.RpcAnswerDroppedRunning()
        else:
            result = types.RpcAnswerDropped(dropped, 0, len(self._requests[dropped] or b""))
        self.send(rpc_result(msg_id, bytes(result)), answer=True, content=True)

    # Out

    def acknowledge(self, msg_ids: list[int]) -> None:
        self.send(bytes(types.MsgsAck(msg_ids)), answer=False, content=False)

    def keep(self, msg_id: int, body: bytes) -> None:
        """Note the rpc_result of a request for a client that asks again, without sending it."""
        if msg_id in self._requests:
            self._requests[msg_id] = body if len(body) <= KEPT_ANSWER else b""

    def forget(self, msg_id: int) -> None:
        """Take a request for one that never arrived."""
        self._requests.pop(msg_id, None)
        self._recent = deque((known for known in self._recent if known[0] != msg_id), maxlen=200)

    def answer(self, msg_id: int, body: bytes) -> None:
        """Queue the rpc_result of a request, unless the client has dropped it."""
        self.keep(msg_id, body)
        if msg_id in self._dropped:
            self._dropped.discard(msg_id)
            return
        self.send(body, answer=True, content=True)

    def running(self, msg_id: int) -> bool:
        """Whether this request was received and is not answered yet."""
        return msg_id in self._requests and self._requests[msg_id] is None

    def knows(self, msg_id: int) -> bool:
        return msg_id in self._requests

    def send(self, body: Buffer, *, answer: bool, content: bool) -> None:
        """Queue one message."""
        seqno = self._content_sent * 2 + (1 if content else 0)
        if content:
            self._content_sent += 1
        self._outbox.append((self._ids.next(answer=answer), seqno, body))

    def drain(self) -> list[bytes]:
        """The packets of everything queued; several small messages share a container."""
        if not self._outbox:
            return []
        if len(self._outbox) == 1:
            (msg_id, seqno, body), self._outbox = self._outbox[0], []
            return [self._seal(msg_id, seqno, body)]
        packets: list[bytes] = []
        batch: list[tuple[int, int, Buffer]] = []
        size = 0
        outbox, self._outbox = self._outbox, []
        for item in outbox:
            if batch and (size + len(item[2]) > 512 * 1024 or len(batch) >= 100):
                packets.append(self._pack(batch))
                batch, size = [], 0
            batch.append(item)
            size += len(item[2]) + 16
        packets.append(self._pack(batch))
        return packets

    def _pack(self, batch: list[tuple[int, int, Buffer]]) -> bytes:
        if len(batch) == 1:
            return self._seal(*batch[0])
        parts: list[Buffer] = [struct.pack("<Ii", MSG_CONTAINER, len(batch))]
        for msg_id, seqno, body in batch:
            parts += (struct.pack("<qii", msg_id, seqno, len(body)), body)
        return self._seal(self._ids.next(answer=True), self._content_sent * 2, b"".join(parts))

    def _seal(self, msg_id: int, seqno: int, body: Buffer) -> bytes:
        key = self.key
        return seal_message(
            key.key, key.id, salt=key.salt, session_id=self.id, msg_id=msg_id, seqno=seqno, body=body
        )
