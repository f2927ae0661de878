"""upload.*: parts in, parts out. Rules of telegram-facts.md, 1.1 to 1.5."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from telethon.tl import functions, types

from tests.telegram.dispatch import Call, Dispatcher, RpcError
from tests.telegram.mtproto.tl import upload_file
from tests.telegram.world.blobs import LostContent
from tests.telegram.world.files import StoredPhoto

MEBIBYTE = 1 << 20
HASH_RANGE = 128 * 1024


def register(dispatcher: Dispatcher) -> None:
    """Add the methods of this module."""
    on = dispatcher.on

    @on(functions.upload.SaveFilePartRequest)
    async def save_file_part(call: Call, request: Any) -> bool:
        return _save(call, request, big=False, total=None)

    @on(functions.upload.SaveBigFilePartRequest)
    async def save_big_file_part(call: Call, request: Any) -> bool:
        return _save(call, request, big=True, total=request.file_total_parts)

    @on(functions.upload.GetFileRequest)
    async def get_file(call: Call, request: Any) -> Any:
        if not call.me.id:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        check_range(request.offset, request.limit, precise=bool(request.precise))
        stored, blob = call.world.files.locate(call.me.id, request.location)
        if stored.dc_id != call.dc_id:
            raise RpcError(303, f"FILE_MIGRATE_{stored.dc_id}")
        if call.world.cdn.sends_away(call.me.id, stored, blob, request.offset):
            return call.world.cdn.redirect(call.me.id, stored, blob, request.offset)
        try:
            data = blob.read(request.offset, request.limit) if request.offset < blob.size else b""
        except LostContent as lost:
            # Not Telegram's: the test asked for bytes that it told this server not to keep.
            raise RpcError(500, "TEST_CONTENT_NOT_KEPT") from lost
        call.server.log.downloaded(stored.id, request.offset, len(data))
        kind = types.storage.FileJpeg() if _is_picture(stored, request) else types.storage.FilePartial()
        return upload_file(kind, int(stored.date), data)

    @on(functions.upload.GetFileHashesRequest)
    async def get_file_hashes(call: Call, request: Any) -> list[Any]:
        stored, blob = call.world.files.locate(call.me.id, request.location)
        if stored.dc_id != call.dc_id:
            raise RpcError(303, f"FILE_MIGRATE_{stored.dc_id}")
        start = request.offset // MEBIBYTE * MEBIBYTE
        hashes = []
        for offset in range(start, min(start + MEBIBYTE, blob.size), HASH_RANGE):
            data = blob.read(offset, HASH_RANGE)
            hashes.append(types.FileHash(offset, len(data), sha256(data).digest()))
        return hashes


def _save(call: Call, request: Any, *, big: bool, total: int | None) -> bool:
    account = call.me
    if account.home_dc == call.dc_id:
        call.world.files.uploads.save(
            account.id,
            call.key_id,
            request.file_id,
            request.file_part,
            request.bytes,
            big=big,
            total=total,
        )
    # Elsewhere the parts are accepted and of no use: messages are sent at home, and look for them there.
    call.server.log.uploaded(request.file_id, request.file_part, len(request.bytes))
    return True


def check_range(offset: int, limit: int, *, precise: bool) -> None:
    """Raise OFFSET_INVALID or LIMIT_INVALID for a range that may not be asked for."""
    unit = 1024 if precise else 4096
    if offset < 0 or offset % unit:
        raise RpcError(400, "OFFSET_INVALID")
    if limit <= 0 or limit % unit or limit > MEBIBYTE or (not precise and MEBIBYTE % limit):
        raise RpcError(400, "LIMIT_INVALID")
    if offset // MEBIBYTE != (offset + limit - 1) // MEBIBYTE:
        raise RpcError(400, "LIMIT_INVALID")


def _is_picture(stored: Any, request: Any) -> bool:
    return isinstance(stored, StoredPhoto) or bool(request.location.thumb_size)
