"""Objects to bytes and back, with Telethon's TL classes as the codec.

Owns the short cuts that file parts need (no copy that can be spared) and the results that have no
constructor of their own (Bool, Vector). Knows nothing of encryption or sessions.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import functions, types

from .crypto import Buffer

RPC_RESULT = 0xF35C6D01
RPC_ERROR = 0x2144CA19
GZIP_PACKED = 0x3072CFA1
MSG_CONTAINER = 0x73F1F8DC
UPLOAD_FILE = 0x096A18D5
CDN_FILE = 0xA99FCA4F
VECTOR = struct.pack("<I", 0x1CB5C415)
TRUE = struct.pack("<I", 0x997275B5)
FALSE = struct.pack("<I", 0xBC799737)

_SAVE_PART = functions.upload.SaveFilePartRequest.CONSTRUCTOR_ID
_SAVE_BIG_PART = functions.upload.SaveBigFilePartRequest.CONSTRUCTOR_ID

#: Answers below this size are not worth compressing.
GZIP_FROM = 1024
#: A compressed request may not unfold to more than this.
GZIP_LIMIT = 8 * 1024 * 1024
#: zlib's word for "either frame, and the largest window".
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class BadObject(Exception):
    """Bytes that are no object of this layer."""


class Encoded:
    """A result that is bytes already. `compress` says whether gzip may be tried on it."""

    __slots__ = ("compress", "data")

    def __init__(self, data: bytes, *, compress: bool = False) -> None:
        self.data = data
        self.compress = compress


def serialize_bytes(data: Buffer) -> bytes:
    size = len(data)
    if size < 254:
        return b"".join((bytes((size,)), data, bytes(-(size + 1) % 4)))
    return b"".join((b"\xfe", size.to_bytes(3, "little"), data, bytes(-size % 4)))


def read_bytes(data: Buffer, at: int) -> tuple[memoryview, int]:
    """A TL byte string as a view, and where the next thing begins."""
    first = data[at]
    if first < 254:
        start, size = at + 1, first
        end = at + ((size + 4) // 4) * 4
    else:
        size = int.from_bytes(data[at + 1 : at + 4], "little")
        start = at + 4
        end = start + size + (-size % 4)
    if end > len(data):
        raise BadObject("a byte string runs past the end")
    return memoryview(data)[start : start + size], end


def ungzip(data: Buffer, at: int) -> bytes:
    """The bytes that a gzip_packed at `at` (after its constructor) holds.

    The page says gzip; mtcute packs its requests as zlib does, and Telegram takes them. Its own answers are
    gzip, which is all that mtcute unpacks.
    """
    packed, _ = read_bytes(data, at)
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = stream.decompress(packed, GZIP_LIMIT + 1)
    except zlib.error as error:
        raise BadObject(f"gzip_packed: {error}") from error
    if len(plain) > GZIP_LIMIT:
        raise BadObject("gzip_packed unfolds to too much")
    if not stream.eof:
        raise BadObject("gzip_packed breaks off")
    return plain


def decode(data: Buffer) -> Any:
    """The object at the start of `data`; file parts come back with their bytes as a view."""
    constructor = int.from_bytes(data[:4], "little")
    if constructor == GZIP_PACKED:
        return decode(ungzip(data, 4))
    if constructor == _SAVE_BIG_PART:
        file_id, part, total = struct.unpack_from("<qii", data, 4)
        body, _ = read_bytes(data, 20)
        return functions.upload.SaveBigFilePartRequest(file_id, part, total, body)
    if constructor == _SAVE_PART:
        file_id, part = struct.unpack_from("<qi", data, 4)
        body, _ = read_bytes(data, 16)
        return functions.upload.SaveFilePartRequest(file_id, part, body)
    try:
        return BinaryReader(bytes(data)).tgread_object()
    # Telethon's generated readers answer malformed bytes with whatever they stumble over.
    except Exception as error:
        raise BadObject(f"{constructor:#010x}: {error}") from error


def _vector_of_longs(request: Any) -> bool:
    # Vector<int> and Vector<long> look alike in Python; the generated reader knows which one it wants.
    return "read_long" in request.read_result.__code__.co_names


def encode_result(request: Any, result: Any) -> tuple[bytes, bool]:
    """The bytes of a result, and whether compressing them makes sense."""
    if isinstance(result, Encoded):
        return result.data, result.compress
    if result is True:
        return TRUE, False
    if result is False:
        return FALSE, False
    if isinstance(result, list):
        parts = [VECTOR, struct.pack("<i", len(result))]
        number = "<q" if result and isinstance(result[0], int) and _vector_of_longs(request) else "<i"
        for item in result:
            if isinstance(item, int):
                parts.append(struct.pack(number, item))
            elif isinstance(item, bytes | str):
                parts.append(serialize_bytes(item.encode() if isinstance(item, str) else item))
            else:
                parts.append(bytes(item))
        return b"".join(parts), True
    return bytes(result), True


def upload_file(file_type: Any, mtime: int, data: Buffer) -> Encoded:
    """upload.file without a detour through an object; never compressed."""
    size = len(data)
    head = struct.pack("<IIi", UPLOAD_FILE, file_type.CONSTRUCTOR_ID, mtime)
    if size < 254:
        return Encoded(head + serialize_bytes(data))
    return Encoded(b"".join((head, b"\xfe", size.to_bytes(3, "little"), data, bytes(-size % 4))))


def cdn_file(data: Buffer) -> Encoded:
    """upload.cdnFile; what is encrypted cannot be compressed."""
    return Encoded(struct.pack("<I", CDN_FILE) + serialize_bytes(data))


def gzipped(data: bytes) -> bytes:
    """`data`, or gzip_packed if that is shorter."""
    if len(data) < GZIP_FROM:
        return data
    packed = struct.pack("<I", GZIP_PACKED) + serialize_bytes(gzip.compress(data, 3))
    return packed if len(packed) < len(data) else data


def rpc_result(msg_id: int, body: bytes) -> bytes:
    return struct.pack("<Iq", RPC_RESULT, msg_id) + body


def rpc_error(msg_id: int, code: int, message: str) -> bytes:
    return rpc_result(msg_id, struct.pack("<Ii", RPC_ERROR, code) + serialize_bytes(message.encode()))


_names: dict[type, str] = {}


def method_name(request: type) -> str:
    """`messages.sendMessage` of SendMessageRequest."""
    known = _names.get(request)
    if known is None:
        known = _names[request] = _method_name(request)
    return known


def _method_name(request: type) -> str:
    name = request.__name__.removesuffix("Request")
    name = name[0].lower() + name[1:]
    module = request.__module__.rpartition(".")[2]
    return name if module == "functions" else f"{module}.{name}"


__all__ = [
    "BadObject",
    "Encoded",
    "cdn_file",
    "decode",
    "encode_result",
    "functions",
    "gzipped",
    "method_name",
    "read_bytes",
    "rpc_error",
    "rpc_result",
    "serialize_bytes",
    "types",
    "ungzip",
    "upload_file",
]
