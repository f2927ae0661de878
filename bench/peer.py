"""The peer of the stream benchmarks: the local Telegram with a fast path for file parts.

Everything but parts of big files is the local Telegram's own. A part's answer is sealed from prepared pieces;
of an uploaded part only the head is decrypted (session, request, the stamp in its content), and every
`OPENED`th is decrypted and compared whole. The peer thus costs less than any client that does its work, and
does not limit the measurement. `python -m bench.peer` prints one JSON line when it is ready.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import sys
from typing import Any

import cryptg
import uvloop
from telethon.tl import functions, types

from bench.stage import StageControl
from tests.telegram.connection import Connection
from tests.telegram.control import describe
from tests.telegram.mtproto import tl
from tests.telegram.mtproto.crypto import message_aes, message_key, use_fast_aes
from tests.telegram.mtproto.envelope import Message
from tests.telegram.mtproto.session import Session
from tests.telegram.server import Endpoint, TelegramServer
from tests.telegram.world import World
from tests.telegram.world.files import StoredDocument

PART = 512 * 1024
#: Documents from this size on are served by the fast path.
BIG = 12 * 1024 * 1024
#: One uploaded part in this many is decrypted and compared whole.
OPENED = 50
HEAD = 512

_PLAIN = struct.Struct("<qqqii")
_WITHOUT_UPDATES = functions.InvokeWithoutUpdatesRequest.CONSTRUCTOR_ID
_WITH_LAYER = functions.InvokeWithLayerRequest.CONSTRUCTOR_ID
_INIT = functions.InitConnectionRequest.CONSTRUCTOR_ID
_GET_FILE = functions.upload.GetFileRequest.CONSTRUCTOR_ID
_SAVE_BIG = functions.upload.SaveBigFilePartRequest.CONSTRUCTOR_ID
_FILE_HEAD = struct.pack("<IIi", tl.UPLOAD_FILE, types.storage.FilePartial.CONSTRUCTOR_ID, 1_700_000_000)

#: The content of every part except its first eight bytes, which are the part's number.
BLOCK = memoryview(os.urandom(PART))


def content(offset: int, limit: int, size: int) -> list[bytes | memoryview]:
    """Return the bytes of a file from `offset`, in pieces."""
    pieces: list[bytes | memoryview] = []
    end = min(size, offset + limit)
    while offset < end:
        index, at = divmod(offset, PART)
        stop = min(PART, at + end - offset)
        if at < 8:
            pieces.append(index.to_bytes(8, "little")[at:stop])
            pieces.append(BLOCK[8:stop])
        else:
            pieces.append(BLOCK[at:stop])
        offset += stop - at
    return pieces


class ExpressConnection(Connection):
    """A connection that accepts uploaded parts by their heads."""

    opened = 0
    #: Whether the present packet was decrypted completely.
    whole = False

    def _packet(self, packet: bytes) -> None:
        if len(packet) >= PART and self._part(packet):
            return
        self.whole = True
        super()._packet(packet)
        self.whole = False

    def _part(self, packet: bytes) -> bool:
        """Accept a packet that carries one part; return false if it needs the normal path."""
        key = self.server.keys.get(self.dc_id, int.from_bytes(packet[:8], "little"))
        self.opened += 1
        if key is None or self.opened % OPENED == 0:
            return False
        head = cryptg.decrypt_ige(
            packet[24 : 24 + HEAD], *message_aes(key.key, packet[8:24], from_server=False)
        )
        salt, session_id, msg_id, seqno, length = _PLAIN.unpack_from(head)
        session = key.sessions.get(session_id)
        if session is None or not _PLAIN.size + length <= len(packet) - 24 - 12:
            return False
        body = head[_PLAIN.size :]
        if int.from_bytes(body[:4], "little") == tl.MSG_CONTAINER and not _ends_with_part(body, length):
            return False
        filled = memoryview(b"".join((body, BLOCK))[:length].ljust(length, b"\0"))
        session.connection = self
        session.receive(Message(salt, session_id, msg_id, seqno, filled))
        self.flush_soon(session)
        return True

    def send_now(self, session: Session, msg_id: int, pieces: list[bytes | memoryview]) -> None:
        """Seal the rpc_result made of `pieces` and send it."""
        # Does what Session.answer, send and drain do, without copying each part.
        if msg_id in session._requests:
            session._requests[msg_id] = b""
        seqno = session._content_sent * 2 + 1
        session._content_sent += 1
        size = sum(map(len, pieces)) + 12
        head = _PLAIN.pack(session.key.salt, session.id, session._ids.next(answer=True), seqno, size)
        result = struct.pack("<Iq", tl.RPC_RESULT, msg_id)
        plain = b"".join((head, result, *pieces, os.urandom(-(len(head) + size + 12) % 16 + 12)))
        key = session.key.key
        msg_key = message_key(key, plain, from_server=True)
        cipher = cryptg.encrypt_ige(plain, *message_aes(key, msg_key, from_server=True))
        packet = b"".join((session.key.id.to_bytes(8, "little"), msg_key, cipher))
        self.write(self.stream.wrap(packet))


def bare(body: memoryview) -> memoryview:
    """Return a request without its wrappers, such as initConnection on a new connection."""
    constructor = int.from_bytes(body[:4], "little")
    if constructor == _WITHOUT_UPDATES:
        return bare(body[4:])
    if constructor == _WITH_LAYER:
        return bare(body[8:])
    if constructor != _INIT:
        return body
    # Flags (our clients set none), api_id, and six strings.
    at = 12
    for _ in range(6):
        _, at = tl.read_bytes(body, at)
    return bare(body[at:])


def _ends_with_part(body: bytes, length: int) -> bool:
    """Return whether all messages of a container begin within the head, the part being the last."""
    count = int.from_bytes(body[4:8], "little")
    at = 8
    for _ in range(count):
        if at + 16 > len(body):
            return False
        at += 16 + int.from_bytes(body[at + 12 : at + 16], "little")
    return at == length


class Peer(TelegramServer):
    """The local Telegram with the fast path."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Some contenders move files over the main address, so no login is ended for that here.
        self.tmp_sessions = 1_000_000
        #: Numbers of the parts that arrived, by file id.
        self.arrived: dict[int, set[int]] = {}
        #: Parts whose stamp or content differs from the same part of the source.
        self.wrong = 0
        self.compared = 0

    def accept(self, endpoint: Endpoint) -> Connection:
        return ExpressConnection(self, endpoint.dc_id, media=endpoint.media)

    def serve(self, session: Session, msg_id: int, body: memoryview) -> None:
        request = bare(body)
        constructor = int.from_bytes(request[:4], "little")
        if session.key.layer is not None and session.key.account_id is not None:
            if constructor == _SAVE_BIG:
                self._save(session, msg_id, request)
                return
            if constructor == _GET_FILE and self._send(session, msg_id, request):
                return
        super().serve(session, msg_id, body)

    def _save(self, session: Session, msg_id: int, request: memoryview) -> None:
        file_id, part, _total = struct.unpack_from("<qii", request, 4)
        data, _ = tl.read_bytes(request, 20)
        self.arrived.setdefault(file_id, set()).add(part)
        self.wrong += len(data) >= 8 and int.from_bytes(data[:8], "little") != part
        if session.connection.whole:
            self.compared += 1
            self.wrong += data[8:] != BLOCK[8 : len(data)]
        session.answer(msg_id, tl.rpc_result(msg_id, tl.TRUE))
        session.connection.flush_soon(session)

    def _send(self, session: Session, msg_id: int, body: memoryview) -> bool:
        request = tl.decode(body)
        account = session.key.account_id
        if account is None or not isinstance(request.location, types.InputDocumentFileLocation):
            return False
        stored, blob = self.world.files.locate(account, request.location)
        if not isinstance(stored, StoredDocument) or stored.dc_id != session.key.dc_id or blob.size < BIG:
            return False
        pieces = content(request.offset, request.limit, blob.size)
        size = sum(map(len, pieces))
        if size < 254:
            pieces = [_FILE_HEAD, tl.serialize_bytes(b"".join(pieces))]
        else:
            pieces = [_FILE_HEAD, b"\xfe" + size.to_bytes(3, "little"), *pieces, bytes(-size % 4)]
        session.connection.send_now(session, msg_id, pieces)
        return True


class PeerControl(StageControl):
    """The local Telegram's control socket, with the peer's counters."""

    def __init__(self, tg: Peer) -> None:
        super().__init__(tg)
        self._peer = tg

    async def do_arrived(self) -> dict[str, Any]:
        """Return the parts of each upload since the last call, how many were compared whole, and how many
        differed."""
        peer = self._peer
        seen = {
            "parts": sorted(len(parts) for parts in peer.arrived.values()),
            "compared": peer.compared,
            "wrong": peer.wrong,
        }
        peer.arrived.clear()
        peer.compared = peer.wrong = 0
        return seen


async def _main(*, express: bool) -> None:
    tg = Peer(World()) if express else TelegramServer(World())
    control = PeerControl(tg) if isinstance(tg, Peer) else StageControl(tg)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, control.finished.set)
    async with tg:
        await control.start(0)
        print(json.dumps({"ready": True, **describe(tg, control)}), flush=True)
        await control.finished.wait()
        await control.close()


def main() -> None:
    use_fast_aes()
    uvloop.run(_main(express="--plain" not in sys.argv))


if __name__ == "__main__":
    main()
