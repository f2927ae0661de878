"""Files up and down, in both data centres, with both client libraries; and the rules that parts must keep."""

from __future__ import annotations

import io
from hashlib import md5, sha256
from typing import Any

import pytest
import telethon.errors
from pyrogram import raw
from pyrogram.file_id import FileId, FileType
from telethon import errors
from telethon.tl import functions, types

from tests.telegram.dispatch import RpcError
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.files import StoredDocument
from tests.telegram.world.peers import Account

from .conftest import Make

KIB, MIB = 1024, 1024 * 1024


def location(tg: TelegramServer, stored: StoredDocument, viewer: Account, thumb: str = "") -> Any:
    shown = tg.world.files.document(stored, viewer.id)
    return types.InputDocumentFileLocation(shown.id, shown.access_hash, shown.file_reference, thumb)


# Down


@pytest.mark.parametrize("dc_id", [2, 4])
async def test_telethon_downloads(
    tg: TelegramServer, account: Account, telethon_client: Make, dc_id: int
) -> None:
    blob = tg.world.files.generated(3 * MIB + 777, seed=7)
    stored = tg.world.files.add_document(blob, dc_id=dc_id)
    client = await telethon_client(tg, account)
    data = await client.download_file(location(tg, stored, account), part_size_kb=512, dc_id=dc_id)
    assert sha256(data).hexdigest() == blob.sha256
    # The part after the last one that was full is asked for as well.
    assert tg.log.downloads[stored.id].parts == 7
    assert {key.dc_id for key in tg.keys.of_account(account.id)} == {2, dc_id}


@pytest.mark.parametrize("dc_id", [2, 4])
async def test_kurigram_downloads(
    tg: TelegramServer, account: Account, kurigram_client: Make, dc_id: int
) -> None:
    blob = tg.world.files.generated(3 * MIB + 777, seed=8)
    stored = tg.world.files.add_document(blob, dc_id=dc_id)
    shown = tg.world.files.document(stored, account.id)
    client = await kurigram_client(tg, account)
    file_id = FileId(
        file_type=FileType.DOCUMENT,
        dc_id=dc_id,
        media_id=shown.id,
        access_hash=shown.access_hash,
        file_reference=shown.file_reference,
        thumbnail_size="",
    )
    chunks = [chunk async for chunk in client.get_file(file_id, file_size=blob.size)]
    assert sha256(b"".join(chunks)).hexdigest() == blob.sha256


async def test_the_wrong_centre_says_which_is_right(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    stored = tg.world.files.add_document(tg.world.files.generated(MIB, 1), dc_id=4)
    client = await telethon_client(tg, account)
    with pytest.raises(errors.FileMigrateError) as caught:
        await client(functions.upload.GetFileRequest(location(tg, stored, account), 0, 4096))
    assert caught.value.new_dc == 4


@pytest.mark.parametrize(
    ("offset", "limit", "precise", "error"),
    [
        (0, 512 * KIB, False, None),
        (512 * KIB, 512 * KIB, False, None),
        (0, MIB, False, None),
        (1024, 4096, False, errors.OffsetInvalidError),
        (0, 1000, False, errors.LimitInvalidError),
        (0, 12 * KIB, False, errors.LimitInvalidError),
        (0, 2 * MIB, False, errors.LimitInvalidError),
        (768 * KIB, 512 * KIB, False, errors.LimitInvalidError),
        (1024, 3 * KIB, True, None),
        (512, 1024, True, errors.OffsetInvalidError),
    ],
)
async def test_ranges(
    tg: TelegramServer,
    account: Account,
    telethon_client: Make,
    offset: int,
    limit: int,
    precise: bool,
    error: type[Exception] | None,
) -> None:
    blob = tg.world.files.generated(5 * MIB, 1)
    stored = tg.world.files.add_document(blob)
    client = await telethon_client(tg, account)
    request = functions.upload.GetFileRequest(location(tg, stored, account), offset, limit, precise=precise)
    if error is None:
        assert (await client(request)).bytes == blob.read(offset, limit)
    else:
        with pytest.raises(error):
            await client(request)


async def test_references_expire_and_belong_to_one_account(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    other = tg.world.peers.add_account("Mallory")
    stored = tg.world.files.add_document(tg.world.files.generated(4096, 1))
    client = await telethon_client(tg, account)

    async def ask(where: Any) -> Any:
        return await client(functions.upload.GetFileRequest(where, 0, 4096))

    mine = location(tg, stored, account)
    assert len((await ask(mine)).bytes) == 4096
    theirs = location(tg, stored, other)
    with pytest.raises(errors.LocationInvalidError):
        await ask(theirs)
    theirs.access_hash = mine.access_hash
    with pytest.raises(errors.FileReferenceInvalidError):
        await ask(theirs)
    tg.world.files.expire_references()
    with pytest.raises(errors.FileReferenceExpiredError):
        await ask(mine)
    assert len((await ask(location(tg, stored, account))).bytes) == 4096
    mine.file_reference = b""
    with pytest.raises(errors.FileReferenceEmptyError):
        await ask(mine)


async def test_thumbnails_and_photo_sizes(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    files = tg.world.files
    thumb = files.from_bytes(files.jpeg(320, 180, 1))
    stored = files.add_document(files.generated(MIB, 1), thumb=thumb)
    client = await telethon_client(tg, account)
    got = await client(functions.upload.GetFileRequest(location(tg, stored, account, "m"), 0, 64 * KIB))
    assert got.bytes == thumb.read(0, thumb.size)
    with pytest.raises(errors.LocationInvalidError):
        await client(functions.upload.GetFileRequest(location(tg, stored, account, "z"), 0, 64 * KIB))

    original = files.from_bytes(files.jpeg(1600, 1200, 5))
    photo = files.photo(files.add_photo(original, width=1600, height=1200), account.id)
    assert [size.type for size in photo.sizes] == ["i", "m", "x", "y", "w"]
    where = types.InputPhotoFileLocation(photo.id, photo.access_hash, photo.file_reference, "w")
    data = (await client(functions.upload.GetFileRequest(where, 0, MIB))).bytes
    assert len(data) == max(photo.sizes[-1].sizes)
    assert files.image_size(files.from_bytes(data)) == (1600, 1200)
    assert data != original.read(0, original.size)


async def test_hashes(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    blob = tg.world.files.generated(300 * KIB, 3)
    stored = tg.world.files.add_document(blob)
    client = await telethon_client(tg, account)
    hashes = await client(functions.upload.GetFileHashesRequest(location(tg, stored, account), 0))
    assert [(h.offset, h.limit) for h in hashes] == [
        (0, 128 * KIB), (128 * KIB, 128 * KIB), (256 * KIB, 44 * KIB),
    ]  # fmt: skip
    assert hashes[1].hash == sha256(blob.read(128 * KIB, 128 * KIB)).digest()


# Up


@pytest.mark.parametrize("size", [1, 700 * KIB, 11 * MIB])
async def test_telethon_uploads(
    tg: TelegramServer, account: Account, telethon_client: Make, size: int
) -> None:
    source = tg.world.files.generated(size, seed=21)
    client = await telethon_client(tg, account)
    handle = await client.upload_file(source.read(0, size), part_size_kb=512, file_name="a.bin")
    assert isinstance(handle, types.InputFileBig if size > 10 * MIB else types.InputFile)
    blob = tg.world.files.take_upload(account.id, handle)
    assert (blob.size, blob.sha256) == (size, source.sha256)
    assert tg.log.uploads[handle.id].bytes == size


@pytest.mark.parametrize("size", [1, 700 * KIB, 11 * MIB])
async def test_kurigram_uploads(
    tg: TelegramServer, account: Account, kurigram_client: Make, size: int
) -> None:
    source = tg.world.files.generated(size, seed=22)
    client = await kurigram_client(tg, account)
    file = io.BytesIO(source.read(0, size))
    file.name = "a.bin"
    handle = await client.save_file(file)
    ours = (
        types.InputFileBig(handle.id, handle.parts, handle.name)
        if isinstance(handle, raw.types.InputFileBig)
        else types.InputFile(handle.id, handle.parts, handle.name, handle.md5_checksum)
    )
    blob = tg.world.files.take_upload(account.id, ours)
    assert (blob.size, blob.sha256) == (size, source.sha256)


async def test_a_wrong_digest_is_noticed(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    client = await telethon_client(tg, account)
    handle = await client.upload_file(b"hello", file_name="a.txt")
    assert handle.md5_checksum == md5(b"hello").hexdigest()
    handle.md5_checksum = md5(b"other").hexdigest()
    with pytest.raises(RpcError, match="MD5_CHECKSUM_INVALID"):
        tg.world.files.take_upload(account.id, handle)


async def test_an_upload_in_the_wrong_centre_is_of_no_use(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account, dc_id=4)
    handle = await client.upload_file(b"hello", file_name="a.txt")
    with pytest.raises(RpcError, match="FILE_PART_0_MISSING"):
        tg.world.files.take_upload(account.id, handle)


async def test_a_lost_part_is_named(tg: TelegramServer, account: Account, telethon_client: Make) -> None:
    client = await telethon_client(tg, account)
    tg.faults.add(Fault("upload.saveBigFilePart", "lose-part", part=3))
    data = tg.world.files.generated(11 * MIB, 1).read(0, 11 * MIB)
    handle = await client.upload_file(data, part_size_kb=512)
    with pytest.raises(RpcError, match="FILE_PART_3_MISSING"):
        tg.world.files.take_upload(account.id, handle)
    await client(
        functions.upload.SaveBigFilePartRequest(
            handle.id, 3, handle.parts, data[3 * 512 * KIB :][: 512 * KIB]
        )
    )
    assert tg.world.files.take_upload(account.id, handle).size == len(data)


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([(0, 1, b"")], "FILE_PART_EMPTY"),
        ([(0, 2, bytes(600 * KIB))], "FILE_PART_TOO_BIG"),
        ([(0, 2, bytes(1000))], "FILE_PART_SIZE_INVALID"),
        ([(0, 2, bytes(48 * KIB))], "FILE_PART_SIZE_INVALID"),
        ([(0, 3, bytes(64 * KIB)), (1, 3, bytes(32 * KIB))], "FILE_PART_SIZE_CHANGED"),
        ([(0, 4001, bytes(KIB))], "FILE_PARTS_INVALID"),
        ([(2, 2, bytes(KIB))], "FILE_PART_INVALID"),
        ([(0, 3, bytes(KIB)), (1, 4, bytes(KIB))], "FILE_PARTS_INVALID"),
    ],
)
async def test_bad_parts(
    tg: TelegramServer,
    account: Account,
    telethon_client: Make,
    parts: list[tuple[int, int, bytes]],
    error: str,
) -> None:
    client = await telethon_client(tg, account)
    *good, bad = parts
    for part, total, data in good:
        assert await client(functions.upload.SaveBigFilePartRequest(5, part, total, data))
    with pytest.raises(telethon.errors.RPCError):
        await client(functions.upload.SaveBigFilePartRequest(5, bad[0], bad[1], bad[2]))
    assert tg.log.errors[error] == 1


async def test_a_premium_account_may_send_more_parts(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    account.premium = True
    assert await client(functions.upload.SaveBigFilePartRequest(5, 0, 8000, bytes(KIB)))


@pytest.mark.parametrize("tail", [100, 0])
async def test_a_stream_of_unknown_length(
    tg: TelegramServer, account: Account, telethon_client: Make, tail: int
) -> None:
    client = await telethon_client(tg, account)
    content = tg.world.files.generated(2 * 64 * KIB + tail, seed=3)

    async def send(part: int, total: int) -> None:
        data = content.read(part * 64 * KIB, 64 * KIB)
        assert await client(functions.upload.SaveBigFilePartRequest(9, part, total, data))

    await send(0, -1)
    await send(1, -1)
    parts = 3 if tail else 2
    await send(2, parts)
    blob = tg.world.files.take_upload(account.id, types.InputFileBig(9, parts, "s.bin"))
    assert blob.sha256 == content.sha256


async def test_what_is_too_big_to_keep_leaves_its_digest(
    tg: TelegramServer, account: Account, telethon_client: Make
) -> None:
    client = await telethon_client(tg, account)
    tg.world.files.keep_uploads_up_to = MIB
    data = bytes(range(256)) * (11 * 4 * KIB)
    blob = tg.world.files.take_upload(account.id, await client.upload_file(data, part_size_kb=512))
    assert (blob.size, blob.sha256) == (len(data), sha256(data).hexdigest())
    stored = tg.world.files.add_document(blob)
    with pytest.raises(errors.RPCError, match="TEST_CONTENT_NOT_KEPT"):
        await client(functions.upload.GetFileRequest(location(tg, stored, account), 0, 4096))
