"""mtcute's own uploads and downloads, in both data centres; and what happened, as it tells it.

Its connections for files, its parts and its waits are its own: `make third-client` runs these.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tests.telegram.dispatch import RpcError
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.files import StoredDocument
from tests.telegram.world.peers import Account

from .conftest import Make
from .mtcute import Failed, thing
from .speakers import Refused

pytestmark = pytest.mark.third_client

KIB, MIB = 1024, 1024 * 1024


def location(tg: TelegramServer, stored: StoredDocument, viewer: Account) -> Any:
    shown = tg.world.files.document(stored, viewer.id)
    return thing("class", "inputDocumentFileLocation")(
        id=shown.id, access_hash=shown.access_hash, file_reference=shown.file_reference, thumb_size=""
    )


# Down


@pytest.mark.parametrize("dc_id", [2, 4])
async def test_it_downloads(tg: TelegramServer, account: Account, mtcute_client: Make, dc_id: int) -> None:
    blob = tg.world.files.generated(3 * MIB + 777, seed=7)
    stored = tg.world.files.add_document(blob, dc_id=dc_id)
    client = await mtcute_client(tg, account)
    options = {"fileSize": blob.size, "dcId": dc_id}
    got = await client.ask("download", location=location(tg, stored, account), options=options)
    assert got == {"size": blob.size, "sha256": blob.sha256}
    # Each part once, over several sessions of one key, all at the place for media; elsewhere with a login
    # that was brought there.
    assert set(tg.log.downloads[stored.id].seen.values()) == {1}
    assert tg.log.downloads[stored.id].bytes == blob.size
    (key,) = (key for key in tg.keys.of_account(account.id) if key.dc_id == dc_id)
    assert len(key.sessions) > 1
    assert tg.log.at_media["upload.getFile"] == tg.log.count("upload.getFile") > 0
    assert tg.log.count("auth.exportAuthorization") == tg.log.count("auth.importAuthorization")
    assert tg.log.count("auth.importAuthorization") == (dc_id != 2)
    assert (key.parent is not None) == (dc_id != 2)


async def test_it_follows_a_file_to_its_data_centre(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    blob = tg.world.files.generated(MIB, seed=3)
    stored = tg.world.files.add_document(blob, dc_id=4)
    client = await mtcute_client(tg, account)
    got = await client.ask(
        "download", location=location(tg, stored, account), options={"fileSize": blob.size, "dcId": 2}
    )
    assert got == {"size": blob.size, "sha256": blob.sha256}
    assert tg.log.errors["FILE_MIGRATE_4"] >= 1


async def test_a_download_of_unknown_size_ends_by_itself(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    for size in (1, 64 * KIB, 64 * KIB * 3 + 1):
        blob = tg.world.files.generated(size, seed=size)
        stored = tg.world.files.add_document(blob)
        client = await mtcute_client(tg, account)
        got = await client.ask("download", location=location(tg, stored, account), options={})
        assert got == {"size": size, "sha256": blob.sha256}


async def test_an_expired_reference_and_its_refresh(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    chat = tg.world.chats.add_supergroup("Group", account)
    post = tg.world.chats.post(chat, account, media=tg.world.media.document(300 * KIB, dc_id=4))
    stored = post.media.document if post.media is not None else None
    assert stored is not None
    client = await mtcute_client(tg, account)
    await client.ask("iterate", method="iterDialogs", args=[{}])
    options = {"fileSize": 300 * KIB, "dcId": 4}
    old = location(tg, stored, account)
    tg.world.files.expire_references()
    with pytest.raises(Refused, match="FILE_REFERENCE_EXPIRED"):
        await client.ask("download", location=old, options=options)
    (seen,) = await client.run("getMessages", chat.marked_id, [post.id])
    found = seen.media.document
    assert found.file_reference != old.file_reference
    old.file_reference = found.file_reference
    got = await client.ask("download", location=old, options=options)
    assert got == {"size": 300 * KIB, "sha256": stored.blob.sha256}


async def test_a_flood_of_a_part_is_waited_out(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    blob = tg.world.files.generated(MIB, seed=5)
    stored = tg.world.files.add_document(blob)
    client = await mtcute_client(tg, account)
    tg.faults.add(Fault("upload.getFile", code=420, message="FLOOD_PREMIUM_WAIT_1", skip=2))
    options = {"fileSize": blob.size, "dcId": 2}
    got = await client.ask("download", location=location(tg, stored, account), options=options)
    assert got == {"size": blob.size, "sha256": blob.sha256}
    assert tg.log.errors["FLOOD_PREMIUM_WAIT_1"] == 1
    assert set(tg.log.downloads[stored.id].seen.values()) == {1}


async def test_a_connection_cut_between_parts(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    blob = tg.world.files.generated(2 * MIB, seed=6)
    stored = tg.world.files.add_document(blob)
    client = await mtcute_client(tg, account)
    cut = tg.faults.add(Fault("upload.getFile", "cut", skip=5))
    half = tg.faults.add(Fault("upload.getFile", "apply-half", skip=9))
    options = {"fileSize": blob.size, "dcId": 2}
    got = await client.ask("download", location=location(tg, stored, account), options=options)
    assert got == {"size": blob.size, "sha256": blob.sha256}
    assert (cut.hits, half.hits) == (1, 1)


# Up


@pytest.mark.parametrize("size", [1, 700 * KIB, 10 * MIB, 11 * MIB])
async def test_it_uploads(tg: TelegramServer, account: Account, mtcute_client: Make, size: int) -> None:
    source = tg.world.files.generated(size, seed=21)
    client = await mtcute_client(tg, account)
    given = {"file": source.read(0, size), "fileName": "a.bin"}
    handle = (await client.run("uploadFile", given))["inputFile"]
    assert type(handle).__name__ == ("InputFileBig" if size > 10 * MIB else "InputFile")
    blob = tg.world.files.take_upload(account.id, to_telethon(handle))
    assert (blob.size, blob.sha256) == (size, source.sha256)
    assert set(tg.log.uploads[handle.id].seen.values()) == {1}
    # Below 128 KiB a file goes over the main connection, else to the place for media.
    parts = tg.log.at_media["upload.saveFilePart"] + tg.log.at_media["upload.saveBigFilePart"]
    assert parts == (0 if size < 128 * KIB else tg.log.uploads[handle.id].parts)


def to_telethon(handle: Any) -> Any:
    """The server's own object of an uploaded file."""
    from telethon.tl import types

    if type(handle).__name__ == "InputFileBig":
        return types.InputFileBig(handle.id, handle.parts, handle.name)
    return types.InputFile(handle.id, handle.parts, handle.name, handle.md5_checksum)


@pytest.mark.parametrize("is_size_known", [True, False])
@pytest.mark.parametrize("size", [3 * MIB + 777, 64 * KIB * 32])
async def test_it_streams_from_download_to_upload(
    tg: TelegramServer, account: Account, mtcute_client: Make, size: int, is_size_known: bool
) -> None:
    """From the other data centre; without a size it says how many parts only with the last."""
    blob = tg.world.files.generated(size, seed=9)
    stored = tg.world.files.add_document(blob, dc_id=4)
    client = await mtcute_client(tg, account, connections={"upload": 1})
    options = {"dcId": 4, **({"fileSize": size} if is_size_known else {})}
    copied = await client.ask("copy", location=location(tg, stored, account), options=options)
    assert copied["size"] == size
    taken = tg.world.files.take_upload(account.id, to_telethon(copied["inputFile"]))
    assert (taken.size, taken.sha256) == (size, blob.sha256)
    # Where the stream ends with a whole part, an empty one says how many there were.
    parts = -(-size // (128 * KIB)) if is_size_known else size // (64 * KIB) + 1
    assert tg.log.uploads[copied["inputFile"].id].parts == parts


async def test_a_lost_part_is_named(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    chat = tg.world.chats.add_supergroup("Group", account)
    client = await mtcute_client(tg, account)
    await client.ask("iterate", method="iterDialogs", args=[{}])
    tg.faults.add(Fault("upload.saveBigFilePart", "lose-part", part=3))
    data = tg.world.files.generated(11 * MIB, 1).read(0, 11 * MIB)
    handle = (await client.run("uploadFile", {"file": data, "fileName": "a.bin"}))["inputFile"]
    with pytest.raises(RpcError, match="FILE_PART_3_MISSING"):
        tg.world.files.take_upload(account.id, to_telethon(handle))
    media = {"type": "document", "file": handle}
    with pytest.raises(Refused, match="FILE_PART_3_MISSING"):
        await client.run("sendMedia", chat.marked_id, media)
    assert chat.box.ids == [1]


async def test_it_sends_what_it_uploads(tg: TelegramServer, account: Account, mtcute_client: Make) -> None:
    chat = tg.world.chats.add_supergroup("Group", account)
    client = await mtcute_client(tg, account)
    await client.ask("iterate", method="iterDialogs", args=[{}])
    picture = tg.world.files.jpeg(640, 480, 5)
    photo = {"type": "photo", "file": picture, "fileName": "p.jpg", "caption": "look"}
    sent = await client.run("sendMedia", chat.marked_id, photo)
    stored = tg.world.files.get_photo(sent.media.photo.id)
    assert stored is not None
    assert (640, 480) in {(size.w, size.h) for size in sent.media.photo.sizes if hasattr(size, "w")}
    assert stored.blob.read(0, len(picture)) != picture
    data = tg.world.files.generated(700 * KIB, 2).read(0, 700 * KIB)
    document = {"type": "document", "file": data, "fileName": "d.bin", "fileMime": "application/x-d"}
    sent = await client.run("sendMedia", chat.marked_id, document)
    message = chat.box.messages[sent.id]
    assert message.media is not None
    assert message.media.document is not None
    assert message.media.document.blob.sha256 == sha256(data).hexdigest()
    album = [photo, {**photo, "caption": "and there", "file": tg.world.files.jpeg(320, 200, 6)}]
    both = await client.run("sendMediaGroup", chat.marked_id, album)
    assert len({message.grouped_id for message in both}) == 1
    assert [chat.box.messages[message.id].text for message in both] == ["look", "and there"]


async def test_a_file_of_a_cdn_is_what_it_cannot_fetch(
    tg: TelegramServer, account: Account, mtcute_client: Make
) -> None:
    stored = tg.world.files.add_document(tg.world.files.generated(MIB, seed=4))
    stored.cdn = True
    client = await mtcute_client(tg, account)
    options = {"fileSize": MIB, "dcId": 2}
    with pytest.raises(Failed, match="CDN"):
        await client.ask("download", location=location(tg, stored, account), options=options)
