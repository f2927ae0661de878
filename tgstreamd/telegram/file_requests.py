"""Encodes requests and decodes answers of file connections, bypassing Telethon's readers for parts.

`pieces` writes a request, `result` reads its answer; only parts have a fast path, everything else goes
through Telethon's classes. An error answer is raised as Telethon would.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

from telethon.errors import rpc_message_to_error
from telethon.extensions import BinaryReader
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from .file_envelope import Piece

BAD_MESSAGE: Final = types.BadMsgNotification.CONSTRUCTOR_ID
BAD_SALT: Final = types.BadServerSalt.CONSTRUCTOR_ID
CONTAINER: Final = 0x73F1F8DC
DETAILED: Final = types.MsgDetailedInfo.CONSTRUCTOR_ID
GZIP: Final = 0x3072CFA1
NEW_DETAILED: Final = types.MsgNewDetailedInfo.CONSTRUCTOR_ID
NEW_SESSION: Final = types.NewSessionCreated.CONSTRUCTOR_ID
RESULT: Final = 0xF35C6D01
_ERROR: Final = 0x2144CA19
_FILE: Final = types.upload.File.CONSTRUCTOR_ID
_CDN_FILE: Final = types.upload.CdnFile.CONSTRUCTOR_ID
_TRUE: Final = 0x997275B5
_FALSE: Final = 0xBC799737
PONG: Final = types.Pong.CONSTRUCTOR_ID
#: Wrapper of a request by which its connection receives no updates.
WITHOUT_UPDATES: Final = struct.pack("<I", functions.InvokeWithoutUpdatesRequest.CONSTRUCTOR_ID)
_SAVE: Final = functions.upload.SaveFilePartRequest
_SAVE_BIG: Final = functions.upload.SaveBigFilePartRequest
#: Limit of a decompressed answer: no part is larger.
UNFOLDED_MAX: Final = 4 * 1024 * 1024


class _Nothing:
    """Placeholder for the request that follows an introduction."""

    def _bytes(self) -> bytes:
        return b""


def introduced(request: Any, api_id: int, device: dict[str, Any]) -> Any:
    """Wrap a request with our layer and device, and without updates.

    https://core.telegram.org/method/initConnection; `device` holds its `device_model` and so on.
    """
    hello = functions.InitConnectionRequest(
        api_id, lang_code="en", system_lang_code="en", lang_pack="", query=request, **device
    )
    return functions.InvokeWithLayerRequest(LAYER, functions.InvokeWithoutUpdatesRequest(hello))


def introduction(api_id: int, device: dict[str, Any]) -> bytes:
    """Return what precedes the first request of a connection."""
    return bytes(introduced(_Nothing(), api_id, device))


def anonymous_introduction(api_id: int, version: str) -> bytes:
    """Return the same for a CDN, which must learn nothing of the device and has no updates."""
    hello = functions.InitConnectionRequest(
        api_id, device_model="n/a", system_version="n/a", app_version=version, system_lang_code="en",
        lang_pack="", lang_code="", query=_Nothing(),
    )  # fmt: skip
    return bytes(functions.InvokeWithLayerRequest(LAYER, hello))


def pieces(request: Any, before: bytes = WITHOUT_UPDATES) -> list[Piece]:
    """Return a request preceded by `before`; its part is not copied.

    Requests that name their layer, and objects that are no API request, are left unwrapped.
    """
    if isinstance(request, functions.InvokeWithLayerRequest | functions.PingRequest):
        return [bytes(request)]
    if isinstance(request, functions.upload.GetCdnFileRequest) and before == WITHOUT_UPDATES:
        # A CDN knows no wrapper but those of an introduction
        # (https://core.telegram.org/cdn#how-cdn-dcs-are-different-from-the-master-dcs).
        return [bytes(request)]
    if isinstance(request, _SAVE_BIG):
        head = struct.pack(
            "<Iqii", _SAVE_BIG.CONSTRUCTOR_ID, request.file_id, request.file_part, request.file_total_parts
        )
    elif isinstance(request, _SAVE):
        head = struct.pack("<Iqi", _SAVE.CONSTRUCTOR_ID, request.file_id, request.file_part)
    else:
        return [before, bytes(request)]
    size = len(request.bytes)
    if size < 254:
        return [before, head, bytes((size,)), request.bytes, bytes(-(size + 1) % 4)]
    return [before, head, b"\xfe" + size.to_bytes(3, "little"), request.bytes, bytes(-size % 4)]


def acknowledgement(msg_ids: list[int]) -> list[Piece]:
    return [bytes(types.MsgsAck(msg_ids))]


def please_resend(msg_ids: list[int]) -> list[Piece]:
    """Return a request for answers that the server has and did not send."""
    return [bytes(types.MsgResendReq(msg_ids))]


def ungzipped(body: memoryview) -> memoryview:
    """Return the content of a gzip_packed. Raises BufferError if malformed."""
    packed = _bytes_at(body, 4)
    unfolding = zlib.decompressobj(31)
    try:
        plain = unfolding.decompress(packed, UNFOLDED_MAX)
    except zlib.error as error:
        raise BufferError(f"a compressed answer cannot be read: {error}") from error
    if not unfolding.eof:
        raise BufferError("a compressed answer is cut, or far too large")
    return memoryview(plain)


def result(body: memoryview, request: Any) -> Any:
    """Return the answer to `request`; a downloaded part's `bytes` are a view. Raises an error answer."""
    kind = int.from_bytes(body[:4], "little")
    if kind == GZIP:
        body = ungzipped(body)
        kind = int.from_bytes(body[:4], "little")
    if kind == _FILE:
        # upload.file type:storage.FileType mtime:int bytes:bytes; the constructors of storage.FileType are
        # bare.
        return types.upload.File(types.storage.FilePartial(), None, _bytes_at(body, 12))
    if kind == _CDN_FILE:
        return types.upload.CdnFile(_bytes_at(body, 4))
    if kind == _TRUE:
        return True
    if kind == _FALSE:
        return False
    with BinaryReader(bytes(body)) as reader:
        if kind == _ERROR:
            raise rpc_message_to_error(reader.tgread_object(), request)
        return request.read_result(reader)


def _bytes_at(body: memoryview, at: int) -> memoryview:
    """Return a TL byte string without copying. Raises BufferError if it is truncated."""
    if at + 4 > len(body):
        raise BufferError("an answer is cut")
    first = body[at]
    start, size = (
        (at + 4, int.from_bytes(body[at + 1 : at + 4], "little")) if first == 254 else (at + 1, first)
    )
    if first == 255 or start + size > len(body):
        raise BufferError("an answer is cut")
    return body[start : start + size]
