"""From a decrypted request to its answer: unwraps, checks who may ask, applies faults, dispatches.

A request that can be answered at once is (no task switch); one that waits does not hold up those behind it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from telethon.extensions import BinaryReader
from telethon.tl import functions

from .access import OPEN_METHODS, check_account
from .dispatch import Call, RpcError
from .faults import peer_ids
from .mtproto.session import Session
from .mtproto.tl import (
    GZIP_PACKED,
    BadObject,
    decode,
    encode_result,
    gzipped,
    method_name,
    rpc_error,
    rpc_result,
    ungzip,
)
from .older_layers import in_layer
from .requestlog import Entry

if TYPE_CHECKING:
    from .faults import Fault
    from .server import TelegramServer

log = logging.getLogger("tests.telegram")

_WITH_LAYER = functions.InvokeWithLayerRequest.CONSTRUCTOR_ID
_WITHOUT_UPDATES = functions.InvokeWithoutUpdatesRequest.CONSTRUCTOR_ID
_AFTER_MSG = functions.InvokeAfterMsgRequest.CONSTRUCTOR_ID
_AFTER_MSGS = functions.InvokeAfterMsgsRequest.CONSTRUCTOR_ID

#: All that a CDN does, but for invokeWithLayer and initConnection.
CDN_METHOD = "upload.getCdnFile"
_FILE_METHODS = frozenset(
    {
        "upload.getFile", "upload.saveFilePart", "upload.saveBigFilePart", "upload.getFileHashes",
        CDN_METHOD, "upload.getCdnFileHashes", "upload.reuploadCdnFile",
    }
)  # fmt: skip
#: What is done at a place for media only; the last two because unrelated clients do them there, in the field.
MEDIA_METHODS = (_FILE_METHODS - {CDN_METHOD}) | {"help.getConfig", "auth.importAuthorization"}
#: Calls that do not make a session one that receives updates.
_QUIET_METHODS = _FILE_METHODS | {"help.getConfig", "auth.importAuthorization", "auth.exportAuthorization"}
DUPLICATED = "AUTH_KEY_DUPLICATED"
#: A request that takes longer than this is acknowledged before it is answered.
ACKNOWLEDGE_AFTER = 1.0


class Unwrapped:
    """A request without its wrappers."""

    __slots__ = ("after", "request", "without_updates")

    def __init__(self) -> None:
        self.request: Any = None
        self.without_updates = False
        self.after: list[int] = []


def unwrap(session: Session, body: memoryview, *, is_cdn: bool = False) -> Unwrapped:
    """Peel invokeWithLayer, initConnection, … off; notes layer and application in the key."""
    found = Unwrapped()
    key = session.key
    data: memoryview | bytes = body
    layer: int | None = None
    while True:
        constructor = int.from_bytes(data[:4], "little")
        if constructor == _WITHOUT_UPDATES:
            found.without_updates = True
            data = data[4:]
        elif constructor == _WITH_LAYER:
            layer = int.from_bytes(data[4:8], "little", signed=True)
            data = data[8:]
            # Any other is taken, as Telegram takes clients of years ago.
            if layer <= 0:
                raise RpcError(400, "CONNECTION_LAYER_INVALID")
        elif constructor == _AFTER_MSG:
            found.after.append(int.from_bytes(data[4:12], "little"))
            data = data[12:]
        elif constructor == _AFTER_MSGS:
            reader = BinaryReader(bytes(data[8:12]))
            count = reader.read_int()
            end = 12 + 8 * count
            found.after += [int.from_bytes(data[i : i + 8], "little") for i in range(12, end, 8)]
            data = data[end:]
        elif constructor == GZIP_PACKED:
            data = ungzip(data, 4)
        else:
            break
    request = decode(data)
    if isinstance(request, functions.InitConnectionRequest):
        if layer is None:
            raise RpcError(400, "CONNECTION_LAYER_INVALID")
        key.api_id = request.api_id
        key.device = request.device_model
        key.layer = layer
        request = request.query
    elif layer is not None and key.layer is not None:
        key.layer = layer
    if isinstance(request, functions.InvokeWithoutUpdatesRequest):
        found.without_updates = True
        request = request.query
    found.request = request
    if key.layer is None and not is_cdn:
        # A CDN is asked without it by pyrogram, in the field.
        raise RpcError(400, "CONNECTION_NOT_INITED")
    return found


class Executor:
    """Executes requests of all sessions of one server."""

    def __init__(self, server: TelegramServer) -> None:
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[tuple[Session, int], asyncio.Future[bool]] = {}
        self._failed: set[tuple[int, int]] = set()

    def serve(self, session: Session, msg_id: int, body: memoryview) -> None:
        """Start on one request; most are answered when this returns."""
        loop = asyncio.get_running_loop()
        # An eager task runs until its first real wait: no detour through the loop for most requests.
        task: asyncio.Task[None] = asyncio.Task(self._run(session, msg_id, body), loop=loop, eager_start=True)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            timer = loop.call_later(ACKNOWLEDGE_AFTER, self._acknowledge, session, msg_id)
            task.add_done_callback(lambda _: timer.cancel())

    def cancel_all(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _acknowledge(self, session: Session, msg_id: int) -> None:
        session.acknowledge([msg_id])
        self._flush(session)

    async def _run(self, session: Session, msg_id: int, body: memoryview) -> None:
        with ExitStack() as claims:
            await self._execute(session, msg_id, body, claims)

    def _claim(self, call: Call, request: Any, claims: ExitStack) -> None:
        """Refuse a request of which some `random_id` is under way, and keep its own until it is answered."""
        items = getattr(request, "multi_media", None) or [request]
        given = [getattr(item, "random_id", None) for item in items]
        ids = [i for one in given for i in (one if isinstance(one, list) else [one]) if isinstance(i, int)]
        if call.account is None or not ids:
            return
        under_way = call.world.chats.random_ids.under_way
        if not claims.enter_context(under_way(call.account.id, peer_ids(request)[-1:], ids)):
            raise RpcError(500, "RANDOM_ID_DUPLICATE")

    async def _execute(self, session: Session, msg_id: int, body: memoryview, claims: ExitStack) -> None:
        server = self._server
        key = session.key
        account = server.world.peers.get(key.account_id) if key.account_id is not None else None
        call = Call(server, server.world, key.dc_id, key.id, session.id, account, key.layer or 0)
        is_cdn = server.is_cdn(key.dc_id)
        media = session.connection is not None and session.connection.media
        request: Any = None
        fault = None
        error: RpcError | None = None
        answer = b""
        compress = False
        try:
            found = unwrap(session, body, is_cdn=is_cdn)
            request = found.request
            method = method_name(type(request))
            call.layer = key.layer or 0
            if found.after:
                await self._after(session, found.after)
            if server.one_address and session.wants_updates and server.elsewhere(session):
                key.refusal = DUPLICATED
            if server.crowded(session):
                key.refusal = DUPLICATED
            if key.refusal is not None and method not in OPEN_METHODS:
                raise RpcError(406 if key.refusal == DUPLICATED else 401, key.refusal)
            if is_cdn and (method != CDN_METHOD or found.without_updates or found.after):
                raise RpcError(400, "CDN_METHOD_INVALID")
            if method == CDN_METHOD and not is_cdn:
                raise RpcError(404, "METHOD_INVALID")
            if media and method not in MEDIA_METHODS:
                raise RpcError(404, "METHOD_INVALID")
            if account is None and method not in OPEN_METHODS and not is_cdn:
                raise RpcError(401, "AUTH_KEY_UNREGISTERED")
            if found.without_updates:
                pass
            elif method not in _QUIET_METHODS and key.account_id is not None:
                session.wants_updates = True
            fault = server.faults.before(call, request)
            if fault is not None and fault.action in ("cut", "ignore", "refuse"):
                if fault.action != "ignore":
                    session.forget(msg_id)
                if fault.action == "cut":
                    self._cut(session)
                elif fault.action == "refuse" and session.connection is not None:
                    session.connection.refuse(fault.code)
                return
            if account is not None:
                check_account(account, method)
            if fault is not None and fault.action == "lose-part":
                answer, compress = encode_result(request, True)
            else:
                self._claim(call, request, claims)
                if fault is not None and fault.action == "slow":
                    await fault.pause()
                done = request if fault is None else fault.what_is_done(request)
                result = in_layer(await server.dispatcher(call, done), call.layer)
                answer, compress = encode_result(request, result)
        except RpcError as refused:
            error = refused
        except BadObject as bad:
            log.warning("undecodable request: %s", bad)
            error = RpcError(400, "INPUT_REQUEST_INVALID")
        except asyncio.CancelledError:
            raise
        # A bug of this server must show in the log and at the client, not kill the connection.
        except Exception as bug:
            log.exception("%s failed", type(request).__name__)
            error = RpcError(500, "INTERNAL_TEST_SERVER_BUG")
            server.bugs.append(bug)
        self._note(call, request, error, media)
        if fault is not None and fault.action == "delay":
            await fault.pause()
        if fault is None or fault.action != "apply-silent":
            self._answer(session, msg_id, fault, gzipped(answer) if compress else answer, error)

    def _answer(
        self, session: Session, msg_id: int, fault: Fault | None, answer: bytes, error: RpcError | None
    ) -> None:
        """Send the result or the error, as far as the fault lets it."""
        action = fault.action if fault is not None else ""
        if fault is not None and error is None and action in ("apply-error", "apply-part") and fault.message:
            error = RpcError(fault.code, fault.message)
        if error is not None:
            data = rpc_error(msg_id, error.code, error.message)
        else:
            data = rpc_result(msg_id, answer)
        self._finish(session, msg_id, error is None)
        if action == "apply-cut" or (fault is not None and action == "apply-part" and not fault.message):
            # Lost on its way, not unmade: a client that asks what became of its request is told.
            session.keep(msg_id, data)
            self._cut(session)
            return
        session.answer(msg_id, data)
        if action == "twice":
            session.send(data, answer=True, content=True)
        if action == "apply-half" and session.connection is not None:
            session.connection.write_half(session)
            return
        self._flush(session)

    async def _after(self, session: Session, msg_ids: list[int]) -> None:
        for msg_id in msg_ids:
            if session.running(msg_id):
                future = self._waiting.get((session, msg_id))
                if future is None:
                    future = asyncio.get_running_loop().create_future()
                    self._waiting[session, msg_id] = future
                fine = await asyncio.shield(future)
            else:
                fine = session.knows(msg_id) and (session.id, msg_id) not in self._failed
            if not fine:
                raise RpcError(400, "MSG_WAIT_FAILED")

    def _finish(self, session: Session, msg_id: int, fine: bool) -> None:
        if not fine:
            if len(self._failed) > 10_000:
                self._failed.clear()
            self._failed.add((session.id, msg_id))
        future = self._waiting.pop((session, msg_id), None)
        if future is not None and not future.done():
            future.set_result(fine)

    def _note(self, call: Call, request: Any, error: RpcError | None, media: bool) -> None:
        method = method_name(type(request)) if request is not None else "?"
        self._server.log.add(
            Entry(
                at=self._server.world.now(),
                method=method,
                account_id=call.account.id if call.account is not None else None,
                dc_id=call.dc_id,
                media=media,
                key_id=call.key_id,
                request=None if method in _FILE_METHODS and error is None else _light(request, method),
                error=error.message if error is not None else None,
            )
        )

    def _flush(self, session: Session) -> None:
        if session.connection is not None:
            session.connection.flush_soon(session)

    def _cut(self, session: Session) -> None:
        if session.connection is not None:
            session.connection.cut()


def _light(request: Any, method: str) -> Any:
    # The bytes of a refused part would keep the whole packet alive in the log.
    if method in ("upload.saveFilePart", "upload.saveBigFilePart"):
        request.bytes = bytes(request.bytes[:16])
    return request
