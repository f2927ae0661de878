"""The CDN's one method, and what the data centres do for it. Rules of https://core.telegram.org/cdn.

The CDN knows no account: whoever has the token gets the file, encrypted with a key that the CDN has not.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.telegram.dispatch import Call, Dispatcher, RpcError
from tests.telegram.mtproto.crypto import CtrStream
from tests.telegram.mtproto.tl import cdn_file
from tests.telegram.world.cdn import Grant

from .files import check_range


def register(dispatcher: Dispatcher) -> None:
    """Add the methods of this module."""
    on = dispatcher.on

    @on(functions.help.GetCdnConfigRequest)
    async def get_cdn_config(call: Call, request: Any) -> Any:
        keys = call.server.cdn_keys.items()
        return types.CdnConfig([types.CdnPublicKey(dc_id, key.public_key_pem) for dc_id, key in keys])

    @on(functions.upload.GetCdnFileRequest)
    async def get_cdn_file(call: Call, request: Any) -> Any:
        grant = call.world.cdn.find(request.file_token)
        check_range(request.offset, request.limit, precise=False)
        request_token = call.world.cdn.wants_reupload(grant)
        if request_token is not None:
            return types.upload.CdnFileReuploadNeeded(request_token)
        data = call.world.cdn.lie(request.offset, grant.blob.read(request.offset, request.limit))
        call.server.log.downloaded(grant.stored.id, request.offset, len(data))
        counter = grant.iv[:12] + (request.offset // 16).to_bytes(4, "big")
        return cdn_file(CtrStream(grant.key, counter)(data))

    @on(functions.upload.ReuploadCdnFileRequest)
    async def reupload_cdn_file(call: Call, request: Any) -> list[Any]:
        grant = _granted(call, request.file_token)
        call.world.cdn.reupload(grant, request.request_token)
        return call.world.cdn.hashes(grant, 0)

    @on(functions.upload.GetCdnFileHashesRequest)
    async def get_cdn_file_hashes(call: Call, request: Any) -> list[Any]:
        return call.world.cdn.hashes(_granted(call, request.file_token), request.offset)


def _granted(call: Call, token: bytes) -> Grant:
    """What a token stands for, asked in the data centre that gave it, by the account that got it."""
    grant = call.world.cdn.find(token)
    if grant.account_id != call.me.id or grant.stored.dc_id != call.dc_id:
        raise RpcError(400, "FILE_TOKEN_INVALID")
    return grant
