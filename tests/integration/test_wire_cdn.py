"""Files that lie on a CDN: kurigram downloads one, and each rule of https://core.telegram.org/cdn is kept.

kurigram has its own exchange of keys, counter mode and hashes. It errs in one thing, corrected here: it looks
for the CDN under the number of the file's own data centre, where the redirect names another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pyrogram
import pytest
from pyrogram import raw
from pyrogram.crypto import aes
from pyrogram.crypto import rsa as kurigram_rsa
from pyrogram.errors import CDNFileHashMismatch, RPCError
from pyrogram.file_id import FileId, FileType
from pyrogram.raw.all import layer
from pyrogram.session import Auth, Session
from telethon.errors import MethodInvalidError
from telethon.tl.functions.upload import GetCdnFileRequest

from tests.telegram.mtproto.rsakey import CDN_KEY_FILE, ServerKey
from tests.telegram.server import TelegramServer
from tests.telegram.world.cdn import CDN_DC
from tests.telegram.world.files import StoredDocument
from tests.telegram.world.peers import Account

from .clients import API_ID
from .conftest import Make

KIB, MIB = 1024, 1024 * 1024


class CdnClient(pyrogram.Client):
    """kurigram, with the right place for CDN sessions, and with the keys that the server tells of."""

    async def cdn_session(self) -> Session:
        config = await self.invoke(raw.functions.help.GetCdnConfig())
        [told] = [key for key in config.public_keys if key.dc_id == CDN_DC]
        # The fingerprint is kurigram's to compute from the key that was told; it has no function for that.
        [known] = [key for key in (ServerKey.load(CDN_KEY_FILE),) if key.public_key_pem == told.public_key]
        kurigram_rsa.server_public_keys[known.fingerprint] = kurigram_rsa.PublicKey(known.n, known.e)
        option = await self.get_dc_option(CDN_DC, is_cdn=True)
        assert option.cdn
        place = (CDN_DC, option.ip_address, option.port)
        key = await Auth(self, *place, False).create()
        session = Session(self, *place, key, False, is_media=True, is_cdn=True)
        await session.start()
        return session

    async def get_session(self, dc_id: int | None = None, **options: Any) -> Session:
        if options.get("is_cdn"):
            return await self.cdn_session()
        return await super().get_session(dc_id, **options)


@pytest.fixture
async def client(tg: TelegramServer, account: Account, kurigram_client: Make) -> AsyncIterator[CdnClient]:
    yield await kurigram_client(tg, account, client=CdnClient)
    # The table is the library's, for all its clients.
    kurigram_rsa.server_public_keys.pop(ServerKey.load(CDN_KEY_FILE).fingerprint, None)


def popular(tg: TelegramServer, size: int, dc_id: int = 2) -> StoredDocument:
    stored = tg.world.files.add_document(tg.world.files.generated(size, seed=7), dc_id=dc_id)
    stored.cdn = True
    return stored


def introduced(query: Any) -> Any:
    """`query` in the two wrappers that a CDN knows, telling it nothing of the device."""
    nothing = {"device_model": "n/a", "system_version": "n/a", "app_version": "1"}
    nothing |= {"system_lang_code": "en", "lang_pack": "", "lang_code": ""}
    init = raw.functions.InitConnection(api_id=API_ID, query=query, **nothing)
    return raw.functions.InvokeWithLayer(layer=layer, query=init)


def location(tg: TelegramServer, stored: StoredDocument, viewer: Account) -> Any:
    shown = tg.world.files.document(stored, viewer.id)
    return raw.types.InputDocumentFileLocation(
        id=shown.id, access_hash=shown.access_hash, file_reference=shown.file_reference, thumb_size=""
    )


async def download(tg: TelegramServer, client: CdnClient, stored: StoredDocument, viewer: Account) -> bytes:
    shown = tg.world.files.document(stored, viewer.id)
    file_id = FileId(
        file_type=FileType.DOCUMENT,
        dc_id=stored.dc_id,
        media_id=shown.id,
        access_hash=shown.access_hash,
        file_reference=shown.file_reference,
        thumbnail_size="",
    )
    return b"".join([chunk async for chunk in client.get_file(file_id, file_size=stored.blob.size)])


async def redirected(tg: TelegramServer, client: CdnClient, stored: StoredDocument, viewer: Account) -> Any:
    where = location(tg, stored, viewer)
    return await client.invoke(raw.functions.upload.GetFile(location=where, offset=0, limit=MIB))


@pytest.mark.parametrize("dc_id", [2, 4])
async def test_kurigram_downloads_from_the_cdn(
    tg: TelegramServer, account: Account, client: CdnClient, dc_id: int
) -> None:
    """Its own code decrypts and verifies; the data centre gives not one byte."""
    stored = popular(tg, 3 * MIB + 777, dc_id)
    assert sha256(await download(tg, client, stored, account)).hexdigest() == stored.blob.sha256
    assert tg.log.count("upload.getFile") == 1
    assert tg.log.count("upload.getCdnFile") == 4


async def test_what_the_cdn_has_lost_is_given_to_it_again(
    tg: TelegramServer, account: Account, client: CdnClient
) -> None:
    stored = popular(tg, MIB + 777)
    tg.world.cdn.lose_at_once(stored)
    assert sha256(await download(tg, client, stored, account)).hexdigest() == stored.blob.sha256
    assert tg.log.count("upload.reuploadCdnFile") == 1


async def test_kurigram_notices_a_cdn_that_lies(
    tg: TelegramServer, account: Account, client: CdnClient
) -> None:
    stored = popular(tg, 2 * MIB)
    tg.world.cdn.lie = lambda offset, data: data[:200_000] + b"?" + data[200_001:] if offset else data
    with pytest.raises(CDNFileHashMismatch):
        await download(tg, client, stored, account)


async def test_a_redirect_brings_hashes_of_the_content(
    tg: TelegramServer, account: Account, client: CdnClient
) -> None:
    """And counter mode begins at the offset: the last four bytes of the iv are the number of the block."""
    stored = popular(tg, 700 * KIB)
    answer = await redirected(tg, client, stored, account)
    assert (answer.dc_id, len(answer.encryption_key), len(answer.encryption_iv)) == (CDN_DC, 32, 16)
    assert [(h.offset, h.limit) for h in answer.file_hashes] == [
        (n * 128 * KIB, min(128 * KIB, 700 * KIB - n * 128 * KIB)) for n in range(6)
    ]
    session = await client.cdn_session()
    part = await session.invoke(
        raw.functions.upload.GetCdnFile(file_token=answer.file_token, offset=256 * KIB, limit=128 * KIB)
    )
    await session.stop()
    counter = bytearray(answer.encryption_iv[:12] + (256 * KIB // 16).to_bytes(4, "big"))
    plain = aes.ctr256_decrypt(part.bytes, answer.encryption_key, counter)
    assert plain == stored.blob.read(256 * KIB, 128 * KIB)
    assert sha256(plain).digest() == answer.file_hashes[2].hash


@pytest.mark.parametrize(
    ("offset", "limit", "error"),
    [
        (1024, 4096, "OFFSET_INVALID"),
        (0, 1000, "LIMIT_INVALID"),
        (0, 12 * KIB, "LIMIT_INVALID"),
        (768 * KIB, 512 * KIB, "LIMIT_INVALID"),
    ],
)
async def test_ranges_are_those_of_get_file(
    tg: TelegramServer, account: Account, client: CdnClient, offset: int, limit: int, error: str
) -> None:
    answer = await redirected(tg, client, popular(tg, 2 * MIB), account)
    session = await client.cdn_session()
    with pytest.raises(RPCError):
        await session.invoke(
            raw.functions.upload.GetCdnFile(file_token=answer.file_token, offset=offset, limit=limit)
        )
    await session.stop()
    assert tg.log.errors[error] == 1


async def test_tokens_expire_and_are_one_accounts(
    tg: TelegramServer, account: Account, client: CdnClient, kurigram_client: Make
) -> None:
    stored = popular(tg, MIB)
    answer = await redirected(tg, client, stored, account)
    assert (await redirected(tg, client, stored, account)).file_token == answer.file_token
    hashes = raw.functions.upload.GetCdnFileHashes(file_token=answer.file_token, offset=0)
    assert len(await client.invoke(hashes)) == 8
    other = tg.world.peers.add_account("Mallory")
    theirs = await kurigram_client(tg, other)
    with pytest.raises(RPCError):
        await theirs.invoke(hashes)
    tg.world.cdn.expire_tokens()
    with pytest.raises(RPCError):
        await client.invoke(hashes)
    session = await client.cdn_session()
    with pytest.raises(RPCError):
        await session.invoke(
            raw.functions.upload.GetCdnFile(file_token=answer.file_token, offset=0, limit=MIB)
        )
    await session.stop()
    assert tg.log.errors["FILE_TOKEN_INVALID"] == 3
    assert (await redirected(tg, client, stored, account)).file_token != answer.file_token


async def test_a_reupload_wants_the_cdns_own_word(
    tg: TelegramServer, account: Account, client: CdnClient
) -> None:
    answer = await redirected(tg, client, popular(tg, MIB), account)
    with pytest.raises(RPCError):
        await client.invoke(
            raw.functions.upload.ReuploadCdnFile(file_token=answer.file_token, request_token=b"guessed")
        )
    assert tg.log.errors["REQUEST_TOKEN_INVALID"] == 1


async def test_a_cdn_does_one_thing(
    tg: TelegramServer, account: Account, client: CdnClient, telethon_client: Make
) -> None:
    """Not even the configuration is told there, and nowhere else is there a `getCdnFile`."""
    session = await client.cdn_session()
    for request in (
        raw.functions.help.GetConfig(),
        introduced(raw.functions.help.GetConfig()),
        raw.functions.users.GetUsers(id=[raw.types.InputUserSelf()]),
        raw.functions.InvokeWithoutUpdates(
            query=raw.functions.upload.GetCdnFile(file_token=b"t", offset=0, limit=4 * KIB)
        ),
    ):
        with pytest.raises(RPCError, match="CDN_METHOD_INVALID"):
            await session.invoke(request)
    answer = await redirected(tg, client, popular(tg, MIB), account)
    part = raw.functions.upload.GetCdnFile(file_token=answer.file_token, offset=0, limit=4 * KIB)
    assert len((await session.invoke(introduced(part))).bytes) == 4 * KIB
    await session.stop()
    # By the library that knows this error: kurigram would write it to a file in the working directory.
    elsewhere = await telethon_client(tg, account)
    with pytest.raises(MethodInvalidError):
        await elsewhere(GetCdnFileRequest(answer.file_token, 0, 4 * KIB))


async def test_the_key_of_a_cdn_is_its_own(tg: TelegramServer, account: Account, client: CdnClient) -> None:
    """Its exchange is not that of the data centres, and a restart loses what it has made."""
    assert tg.exchange_key(CDN_DC).fingerprint != tg.key.fingerprint
    session = await client.cdn_session()
    await session.stop()
    assert {key.dc_id for key in tg.keys} == {2, CDN_DC}
    await tg.stop()
    assert {key.dc_id for key in tg.keys} == {2}
    await tg.start()
