"""Popular files: Telegram sends us to a CDN for them, which is trusted with nothing.

Whatever it does, what arrives is the file; where it does not give it, the file's data centre is asked, and
where that insists, the file goes by reference or the message waits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from telethon.crypto.rsa import _server_keys

from tests.harness import House
from tests.interpose import Through
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.mtproto.rsakey import ServerKey
from tests.telegram.world.cdn import CDN_DC
from tests.telegram.world.media import Media
from tests.telegram.world.messages import Message
from tgstreamd.ledger import READER

from .test_files import arrives, pair

pytestmark = pytest.mark.thorough

KIB, MIB = 1024, 1024 * 1024
PART = "upload.getCdnFile"
TOLD = "CDN does not give a file, its data centre is asked"

Lie = Callable[[int, bytes], bytes]


def popular(media: Media) -> Media:
    """The same, and on the CDN."""
    for stored in (media.document, media.photo):
        if stored is not None:
            stored.cdn = True
    return media


def film(house: House, size: int = 5_000_000, **options: Any) -> Media:
    return popular(house.world.media.document(size=size, name="film.mkv", **options))


def when_part(house: House, number: int, happen: Callable[[], object]) -> None:
    """Have something happen once so many parts were fetched."""
    seen = [0]

    def fetched(*args: Any, **options: Any) -> None:
        seen[0] += 1
        if seen[0] == number:
            happen()

    def wrap(connection: Any) -> None:
        connection.source = Through(connection.source, after={"part": fetched})

    house.wrap = wrap


async def ends_whole(house: House, size: int = 5_000_000, **options: Any) -> Message:
    """One popular film is mirrored, and arrives as it is; the copy."""
    source, target = pair(house)
    original = house.post(source, "popular", media=film(house, size, **options))
    await house.start()
    [copy] = await arrives(house, target, [original])
    return copy


def moved(house: House) -> bool:
    """Whether the bytes went through us."""
    return house.tg.log.bytes_received > 0


def new_key() -> ServerKey:
    key = rsa.generate_private_key(65537, 2048)
    return ServerKey(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))


# What is fetched


@pytest.mark.parametrize(
    ("size", "dc_id"), [(1, 2), (128 * KIB, 4), (512 * KIB, 2), (512 * KIB + 1, 4), (3 * MIB - 1, 2)]
)
async def test_of_every_size_from_either_data_centre(tmp_path: Path, size: int, dc_id: int) -> None:
    async with House(tmp_path) as house:
        await ends_whole(house, size, dc_id=dc_id)
        assert moved(house)
        parts = -(-size // (512 * KIB))
        # The first one comes in pieces, which tell how fast the line is.
        assert parts <= house.tg.log.count(PART) < parts + 5
        # Each part that was asked for before the first answer came was sent there.
        assert house.tg.log.count("upload.getFile") <= min(20, parts)


@pytest.mark.parametrize(
    ("hash_range", "told"), [(4 * KIB, 3), (100 * KIB, 0), (96_000, 1000), (96_000, 3), (MIB, 0)]
)
async def test_hashes_of_any_range_told_or_asked_for(tmp_path: Path, hash_range: int, told: int) -> None:
    """Ranges that begin and end where they like: all bytes of each are fetched and compared."""
    async with House(tmp_path) as house:
        house.world.cdn.hash_range = hash_range
        house.world.cdn.hashes_told = told
        await ends_whole(house, 3_333_333)
        assert moved(house)
        asked = house.tg.log.count("upload.getCdnFileHashes")
        assert told or asked > 0


@pytest.mark.parametrize("kind", ["photo", "video", "voice"])
async def test_every_kind_and_its_thumbnail(tmp_path: Path, kind: str) -> None:
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "", media=popular(getattr(house.world.media, kind)(seed=4)))
        await house.start()
        [copy] = await arrives(house, target, [original])
        assert moved(house)
        assert copy.media is not None
        assert original.media is not None
        if original.media.document is not None and original.media.document.thumbs:
            assert copy.media.document is not None
            assert copy.media.document.thumbs


async def test_a_file_that_becomes_popular_on_its_way(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = pair(house)
        media = house.world.media.document(size=8_000_000)
        when_part(house, 5, lambda: popular(media))
        original = house.post(source, "a film", media=media)
        await house.start()
        await arrives(house, target, [original])
        assert 0 < house.tg.log.count(PART) < 16


async def test_a_restart_goes_on_at_the_part_it_had_reached(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a film", media=film(house, 20_000_000))
        await house.start()
        await house.read()

        async def half() -> bool:
            return house.tg.log.counts["upload.saveBigFilePart"] >= 20

        await house.serve(house.daemon.staging.run, half)
        await house.restart()
        await arrives(house, target, [original])
        assert house.tg.log.counts["upload.saveBigFilePart"] <= 39 + 32
        assert len(house.tg.log.uploads) == 1


@pytest.mark.slow
async def test_300_megabytes_of_it(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.world.files.keep_uploads_up_to = MIB
        await ends_whole(house, 300_000_000)
        parts = -(-300_000_000 // (512 * KIB))
        # The first part of a connection comes in steps, by which the speed of the line is learnt.
        assert parts <= house.tg.log.count(PART) < parts + 8
        assert house.tg.log.count("upload.saveBigFilePart") == parts


# What a CDN may do


def one_wrong_byte(offset: int, data: bytes) -> bytes:
    return data[:100_000] + bytes((data[100_000] ^ 1,)) + data[100_001:] if offset == 2 * MIB else data


def too_short(offset: int, data: bytes) -> bytes:
    return data[:-16] if offset == 2 * MIB else data


def too_long(offset: int, data: bytes) -> bytes:
    return data + bytes(16) if offset == 2 * MIB else data


def nothing(offset: int, data: bytes) -> bytes:
    return b"" if offset == 2 * MIB else data


LIES = [one_wrong_byte, too_short, too_long, nothing]


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_about_a_piece_is_refused(tmp_path: Path, lie: Lie, logs: Logs) -> None:
    """That piece comes from its data centre, the others from the CDN."""
    async with House(tmp_path) as house:
        house.world.cdn.lie = lie
        house.world.cdn.origin_gives = True
        await ends_whole(house)
        assert moved(house)
        assert house.tg.log.count(PART) >= 10
        assert len(logs.of(TOLD)) == 1


async def test_a_lie_that_telegram_insists_on_goes_by_reference(tmp_path: Path) -> None:
    """Reader and writer are one, and nothing is protected: Telegram has the file."""
    async with House(tmp_path) as house:
        house.world.cdn.lie = one_wrong_byte
        await ends_whole(house)
        assert "messages.uploadMedia" not in house.tg.log.counts
        [sent] = house.tg.log.of("messages.sendMedia")
        assert type(sent.request.media).__name__ == "InputMediaDocument"


async def test_of_an_album_only_that_file_goes_by_reference(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.world.cdn.lie = one_wrong_byte
        source, target = pair(house)
        make = house.world.media
        items = [(make.document(size=3_000_000, seed=1), "one"), (film(house), "two")]
        originals = house.world.chats.post_album(source, house.other, items)
        await house.start()
        await arrives(house, target, originals)
        assert len(house.tg.log.uploads) >= 1
        assert house.tg.log.counts["messages.uploadMedia"] == 1


async def test_an_edit_that_puts_such_a_file_in_goes_by_reference_too(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.world.cdn.lie = one_wrong_byte
        source, target = pair(house)
        original = house.post(source, "a file", media=house.world.media.document(seed=3))
        await house.start()
        await arrives(house, target, [original])
        house.world.chats.edit(original, media=film(house))
        await arrives(house, target, [original])


async def test_where_no_reference_may_be_it_is_tried_on_parked_and_named(tmp_path: Path) -> None:
    """A protected source: the others go on, and when the CDN is itself again `retry` copies it."""
    async with House(tmp_path) as house:
        house.world.cdn.lie = lambda offset, data: b"?" + data[1:]
        source = house.own_supergroup("Source", noforwards=True)
        target = house.own_supergroup("Target")
        house.mirror(source, target)
        original = house.post(source, "popular", media=film(house, 100_000), sender=house.me)
        house.post(source, "after", sender=house.me)
        await house.start()
        await house.run()
        assert house.texts(target) == ["after"]
        [parked] = (await house.verb("parked"))["parked"]
        assert "CDN" in parked["reason"]
        assert "not those of the file" in parked["reason"]
        house.world.cdn.lie = lambda offset, data: data
        await house.verb("retry", ids=[parked["id"]])
        await house.run()
        assert house.texts(target) == ["after", original.text]


async def test_a_thumbnail_that_a_cdn_keeps_is_left_out(tmp_path: Path) -> None:
    """A picture of the file is not the file."""
    async with House(tmp_path) as house:
        media = house.world.media.video(size=3_000_000)
        assert media.document is not None
        thumb = media.document.thumbs[0].blob
        media = popular(media)
        house.world.cdn.lie = lambda offset, data: b"" if data == thumb.read(0, thumb.size) else data
        source, target = pair(house)
        original = house.post(source, "", media=media)
        await house.start()
        [copy] = await arrives(house, target, [original])
        assert moved(house)
        assert copy.media is not None
        assert copy.media.document is not None
        assert copy.media.document.thumbs == []


@pytest.mark.parametrize("part", [1, 4])
async def test_tokens_that_expire(tmp_path: Path, part: int, logs: Logs) -> None:
    """The data centre gives new ones, which is nothing to speak of."""
    async with House(tmp_path) as house:
        when_part(house, part, lambda: house.world.cdn.expire_tokens())
        await ends_whole(house, 8_000_000)
        assert moved(house)
        assert house.tg.log.errors["FILE_TOKEN_INVALID"] >= 1
        assert logs.of(TOLD) == []


@pytest.mark.parametrize("part", [0, 4])
async def test_a_file_that_the_cdn_has_lost(tmp_path: Path, part: int) -> None:
    """It is given to it again by the file's own data centre."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        media = film(house, 8_000_000, dc_id=4)
        assert media.document is not None
        if part:
            when_part(house, part, lambda: house.world.cdn.lose())
        else:
            house.world.cdn.lose_at_once(media.document)
        original = house.post(source, "popular", media=media)
        await house.start()
        await arrives(house, target, [original])
        assert moved(house)
        assert house.tg.log.count("upload.reuploadCdnFile") >= 1


async def test_a_cdn_that_never_keeps_it(tmp_path: Path) -> None:
    """Asked for again and again, it is given to the CDN a few times and no more."""
    async with House(tmp_path) as house:
        house.tg.faults.add(
            Fault("upload.reuploadCdnFile", code=400, message="REQUEST_TOKEN_INVALID", times=None)
        )
        source, target = pair(house)
        media = film(house)
        assert media.document is not None
        house.world.cdn.lose_at_once(media.document)
        original = house.post(source, "popular", media=media)
        await house.start()
        await arrives(house, target, [original])
        assert not moved(house)
        assert house.tg.log.count("upload.reuploadCdnFile") <= 4 * 2 * 20


@pytest.mark.parametrize("part", [1, 6])
async def test_a_cdn_that_forgets_our_key(tmp_path: Path, part: int) -> None:
    """-404 on every connection at once: one new key, and nothing is lost but a moment."""
    async with House(tmp_path) as house:
        when_part(house, part, lambda: house.tg.forget_keys(dc_id=CDN_DC))
        await ends_whole(house, 8_000_000)
        assert moved(house)
        assert len([key for key in house.tg.keys if key.dc_id == CDN_DC and key.twin is None]) == 1


async def test_a_cdn_whose_own_key_is_a_new_one(tmp_path: Path) -> None:
    """What `help.getCdnConfig` said is asked for again."""
    async with House(tmp_path) as house:

        def change() -> None:
            house.tg.cdn_exchange_keys[CDN_DC] = house.tg.cdn_keys[CDN_DC] = new_key()
            house.tg.forget_keys(dc_id=CDN_DC)

        when_part(house, 3, change)
        await ends_whole(house, 8_000_000)
        assert moved(house)
        assert house.tg.log.count("help.getCdnConfig") == 2


@pytest.mark.parametrize("own", [True, False])
async def test_somebody_else_in_the_cdns_place(tmp_path: Path, own: bool) -> None:
    """A key that Telegram does not name is refused, the data centres' own key too."""
    async with House(tmp_path) as house:
        house.tg.cdn_exchange_keys[CDN_DC] = house.tg.key if own else new_key()
        await ends_whole(house)
        assert not moved(house)
        assert PART not in house.tg.log.counts


async def test_no_key_of_a_cdn_opens_a_data_centre(tmp_path: Path) -> None:
    """Telethon would take any key of its table from any server, so none of them is put there."""
    async with House(tmp_path) as house:
        await ends_whole(house)
        assert house.tg.cdn_keys[CDN_DC].fingerprint not in _server_keys
        assert house.tg.key.fingerprint in _server_keys


async def test_a_cdn_learns_nothing_of_us(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        await ends_whole(house)
        [key] = [key for key in house.tg.keys if key.dc_id == CDN_DC]
        assert (key.account_id, key.device) == (None, "n/a")
        assert {key.device for key in house.tg.keys if key.account_id == house.me.id} == {"tgstreamd"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(PART, code=420, message="FLOOD_WAIT_86400", times=None),
        Fault(PART, code=420, message="FROZEN_METHOD_INVALID", times=None),
        Fault(PART, code=401, message="SESSION_REVOKED", times=None),
        Fault(PART, code=303, message="FILE_MIGRATE_4", times=None),
        Fault(PART, code=500, message="\x1b[31mred\n" * 100, times=None),
        Fault(PART, "refuse", code=-429, times=None),
        Fault(PART, "lose-part", times=None),
        Fault(PART, "cut", times=None),
    ],
    ids=lambda fault: (fault.message or fault.action)[:20].strip("\x1b"),
)
async def test_what_a_cdn_says_concerns_that_part_alone(tmp_path: Path, fault: Fault, logs: Logs) -> None:
    """It can neither hold the account nor log it out: the file goes another way, at once."""
    async with House(tmp_path) as house:
        house.tg.faults.add(fault)
        began = house.clock.now()
        await ends_whole(house)
        assert not moved(house)
        assert house.clock.now() - began < 600
        assert await house.store.holds(READER) == {}
        assert house.daemon.connection.trouble is None
        assert not any("\x1b" in str(entry) for entry in logs)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(PART, "cut", skip=3, times=2),
        Fault(PART, "apply-half", skip=3, times=2),
        Fault(PART, "twice", times=3),
        Fault("upload.getCdnFileHashes", code=500, message="RPC_CALL_FAIL", times=2),
        Fault("upload.reuploadCdnFile", code=500, message="CDN_UPLOAD_TIMEOUT", times=2),
    ],
    ids=lambda fault: f"{fault.method} {fault.action}",
)
async def test_a_bad_line_costs_time_and_nothing_else(tmp_path: Path, fault: Fault) -> None:
    async with House(tmp_path) as house:
        house.world.cdn.hashes_told = 1
        source, target = pair(house)
        media = film(house, 8_000_000)
        assert media.document is not None
        house.world.cdn.lose_at_once(media.document)
        house.tg.faults.add(fault)
        original = house.post(source, "popular", media=media)
        await house.start()
        await arrives(house, target, [original])
        assert moved(house)
        assert fault.hits >= 1


async def test_a_cdn_that_nobody_can_reach(tmp_path: Path) -> None:
    """Nothing listens there: the data centre is asked again, and gives the file."""
    async with House(tmp_path) as house:
        house.tg.told[CDN_DC] = "127.0.0.1", 9
        house.world.cdn.origin_gives = True
        await ends_whole(house)
        assert moved(house)
        assert PART not in house.tg.log.counts


async def test_a_cdn_that_nobody_told_us_of(tmp_path: Path) -> None:
    """It is newer than our connection: Telegram is asked where it is."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "popular", media=film(house))
        listening = house.tg._listening
        hidden = {place: listening.pop(place) for place in [p for p in listening if p[0] == CDN_DC]}
        await house.start()
        listening.update(hidden)
        await arrives(house, target, [original])
        assert moved(house)


async def test_a_wait_that_telegram_orders_for_hashes_is_obeyed(tmp_path: Path) -> None:
    """The data centre is not the CDN: its floods are floods."""
    async with House(tmp_path) as house:
        house.world.cdn.hashes_told = 0
        house.tg.faults.add(Fault("upload.getCdnFileHashes", "flood", seconds=900))
        began = house.clock.now()
        await ends_whole(house)
        assert house.clock.now() - began >= 900
        assert house.tg.faults.violations == []
