"""Files: whatever happens on their way, what arrives is whole, and nothing is written to a disk."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.harness import House
from tests.interpose import Through
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message

pytestmark = pytest.mark.thorough

MEDIA = "messages.sendMedia"


def digest(message: Message) -> str:
    """The digest of a document; of a photo, which Telegram encodes anew, its dimensions."""
    assert message.media is not None
    if message.media.photo is not None:
        return f"{message.media.photo.width}x{message.media.photo.height}"
    assert message.media.document is not None
    return message.media.document.blob.sha256


def name_of(message: Message) -> str:
    assert message.media is not None
    assert message.media.document is not None
    names = [a for a in message.media.document.attributes if isinstance(a, types.DocumentAttributeFilename)]
    return str(names[0].file_name)


def pair(house: House, **options: Any) -> tuple[Chat, Chat]:
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    house.mirror(source, target, **options)
    return source, target


async def arrives(house: House, target: Chat, originals: list[Message]) -> list[Message]:
    """Run, and see that these and only these stand in the target, whole; the copies."""
    await house.run()
    copies = house.messages(target)
    assert [copy.text for copy in copies] == [original.text for original in originals]
    assert [digest(copy) for copy in copies] == [digest(original) for original in originals]
    return copies


@pytest.mark.parametrize("transfer", ["stream", "reference"])
async def test_references_that_expire_in_the_queue(tmp_path: Path, transfer: str) -> None:
    """Captured hours before their turn: fetched anew from their messages."""
    async with House(tmp_path) as house:
        source, target = pair(house, transfer=transfer)
        make = house.world.media
        originals = [
            house.post(source, "photo", media=make.photo()),
            house.post(source, "file", media=make.document(dc_id=4)),
            *house.world.chats.post_album(
                source, house.other, [(make.photo(seed=5), "a"), (make.video(seed=6), "b")]
            ),
        ]
        await house.start()
        await house.read()
        house.world.files.expire_references()
        await arrives(house, target, originals)


@pytest.mark.parametrize("part", [1, 12, 29])
async def test_a_reference_that_expires_in_mid_transfer(tmp_path: Path, part: int) -> None:
    """Refreshed once for all parts under way; no part is fetched twice for it but those in flight."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a film", media=house.world.media.video(size=15_000_000))
        seen = [0]

        def fetched(*args: Any, **options: Any) -> None:
            seen[0] += 1
            if seen[0] == part:
                house.world.files.expire_references()

        def wrap(connection: Any) -> None:
            connection.source = Through(connection.source, after={"part": fetched})

        house.wrap = wrap
        await house.start()
        await arrives(house, target, [original])
        assert house.tg.log.errors["FILE_REFERENCE_EXPIRED"] >= 1
        assert house.tg.log.count("channels.getMessages") <= 3


async def test_a_committed_file_whose_reference_expired_is_uploaded_again(tmp_path: Path) -> None:
    """It has no message to be refreshed from: a new upload under a new id, and one message."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        await house.start()
        await house.run()
        house.tg.faults.add(Fault(MEDIA, "flood", seconds=3000))
        original = house.post(source, "photo", media=house.world.media.photo())
        await house.run(2000)
        house.world.files.expire_references()
        await arrives(house, target, [original])
        assert len(house.tg.log.uploads) == 2


async def test_deleted_and_its_reference_expired_it_becomes_a_note(tmp_path: Path) -> None:
    """What can no longer be fetched is said in its place, with the caption, which was captured."""
    async with House(tmp_path) as house:
        source, target = pair(house, transfer="reference")
        await house.start()
        await house.run()
        house.tg.faults.add(Fault(MEDIA, "flood", seconds=600))
        post = house.post(source, "the caption", media=house.world.media.document(name="lost.pdf"))
        await house.run(60)
        house.world.chats.delete(post)
        house.world.files.expire_references()
        house.post(source, "after")
        await house.run()
        note, after = house.texts(target)
        assert "lost.pdf" in note
        assert "not copied" in note
        assert note.endswith("the caption")
        assert after == "after"


async def test_an_album_loses_only_the_item_that_is_gone(tmp_path: Path) -> None:
    """Of three files by reference one was deleted, its reference expired: an album of two, and a note."""
    async with House(tmp_path) as house:
        source, target = pair(house, transfer="reference")
        make = house.world.media
        items = [(make.document(name=f"{n}.pdf", seed=n), f"caption {n}") for n in range(3)]
        album = house.world.chats.post_album(source, house.other, items)
        await house.start()
        await house.read()
        house.world.chats.delete(album[1])
        house.world.files.expire_references()
        house.post(source, "after")
        await house.run()
        note = '[a file "1.pdf", deleted before its turn — not copied]\ncaption 1'
        texts = house.texts(target)
        assert texts == ["caption 0", "caption 2", note, "after"]
        assert len({message.grouped_id for message in house.messages(target)[:2]} - {None}) == 1


async def test_deleted_while_it_lies_committed_it_is_moved_once_more(tmp_path: Path) -> None:
    """Our upload's reference expired, the original's has not: its bytes are still there to be had."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        await house.start()
        await house.run()
        post = house.post(source, "still to be had", media=house.world.media.document())
        house.tg.faults.add(Fault(MEDIA, code=400, message="FILE_REFERENCE_EXPIRED"))
        await house.hear()
        house.world.chats.delete(post)
        await arrives(house, target, [post])
        assert len(house.tg.log.uploads) == 2


@pytest.mark.parametrize("part", [0, 3, 7])
@pytest.mark.parametrize("size", [5_000_000, 14_000_000])
async def test_a_part_that_telegram_lost_is_sent_again(tmp_path: Path, size: int, part: int) -> None:
    """It says so at the commit; a lost part 0 means the whole upload."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a file", media=house.world.media.document(size=size))
        method = "upload.saveBigFilePart" if size > 10_485_760 else "upload.saveFilePart"
        house.tg.faults.add(Fault(method, "lose-part", part=part))
        await house.start()
        await arrives(house, target, [original])
        parts = -(-size // 524_288)
        assert house.tg.log.counts[method] <= (2 * parts if part == 0 else parts + 1)


async def test_parts_that_expire_before_they_are_committed(tmp_path: Path) -> None:
    """All parts lie with Telegram, and the commit has to wait for longer than they live: moved again."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a file", media=house.world.media.document(size=12_000_000))
        house.tg.faults.add(Fault("messages.uploadMedia", "flood", seconds=7 * 3600))
        await house.start()
        await arrives(house, target, [original])
        assert house.tg.log.counts["upload.saveBigFilePart"] == 2 * 23


@pytest.mark.parametrize("expired", [False, True])
@pytest.mark.parametrize("part", [1, 12])
async def test_the_original_is_deleted_in_mid_transfer(tmp_path: Path, part: int, expired: bool) -> None:
    """It arrives whole, while its bytes can be had; else a note with the caption stands in its place."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        media = house.world.media.document(size=15_000_000, name="film.bin")
        original = house.post(source, "the caption", media=media)
        house.post(source, "after")
        seen = [0]

        def fetched(*args: Any, **options: Any) -> None:
            seen[0] += 1
            if seen[0] == part:
                house.world.chats.delete(original)
                if expired:
                    house.world.files.expire_references()

        def wrap(connection: Any) -> None:
            connection.source = Through(connection.source, after={"part": fetched})

        house.wrap = wrap
        await house.start()
        await house.run()
        first, after = house.messages(target)
        assert after.text == "after"
        assert (first.media is None) is expired
        assert first.text.endswith("the caption")
        if expired:
            assert "film.bin" in first.text
        else:
            assert digest(first) == digest(original)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("upload.getFile", "cut", skip=3, times=4),
        Fault("upload.getFile", "apply-half", skip=3, times=4),
        # `true` for a part: an answer of another kind is no reason to set the message aside.
        Fault("upload.getFile", "lose-part", skip=3, times=2),
        Fault("upload.getFile", code=500, message="WORKER_BUSY_TOO_LONG_RETRY", skip=3, times=5),
        Fault(None, "cut-part", times=5),
        Fault("upload.saveBigFilePart", "cut", skip=3, times=4),
        Fault("upload.saveBigFilePart", "apply-cut", skip=3, times=4),
        Fault("upload.saveBigFilePart", code=500, message="RPC_CALL_FAIL", skip=3, times=5),
        Fault("messages.uploadMedia", "apply-cut", times=2),
        Fault("messages.uploadMedia", code=500, message="RPC_CALL_FAIL", times=3),
    ],
    ids=lambda fault: f"{fault.method} {fault.action}",
)
async def test_a_bad_line_costs_time_and_nothing_else(tmp_path: Path, fault: Fault) -> None:
    """Cut in mid-part, half an answer, a busy server: the parts in question are done again."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a film", media=house.world.media.video(size=13_000_000, dc_id=4))
        fresh = dataclasses.replace(fault, hits=0)
        house.tg.faults.add(fresh)
        await house.start()
        await arrives(house, target, [original])
        assert fresh.hits >= 1


async def test_a_file_that_moved_to_another_data_centre(tmp_path: Path) -> None:
    """FILE_MIGRATE: it is fetched where it is, and the detour is remembered."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        media = house.world.media.document(size=12_000_000)
        original = house.post(source, "moved", media=media)
        await house.start()
        await house.read()
        assert media.document is not None
        media.document.dc_id = 4
        await arrives(house, target, [original])
        assert 1 <= house.tg.log.errors["FILE_MIGRATE_4"] <= 20


async def test_a_file_that_lies_on_a_cdn(tmp_path: Path) -> None:
    """None was asked for: it is fetched there, every byte verified, and ends in the target by itself."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        media = house.world.media.document(size=3_000_000)
        assert media.document is not None
        media.document.cdn = True
        originals = [
            house.post(source, "popular", media=media),
            house.post(source, "after", media=house.world.media.document(size=3_000_000, seed=2)),
        ]
        await house.start()
        await arrives(house, target, originals)
        assert (await house.verb("parked"))["parked"] == []


async def test_a_restart_goes_on_at_the_part_it_had_reached(tmp_path: Path) -> None:
    """Hardly more parts come in than the file has."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a film", media=house.world.media.document(size=40_000_000))
        await house.start()
        await house.read()

        async def half() -> bool:
            return house.tg.log.counts["upload.saveBigFilePart"] >= 40

        await house.serve(house.daemon.staging.run, half)
        await house.restart()
        await arrives(house, target, [original])
        assert house.tg.log.counts["upload.saveBigFilePart"] <= 77 + 32
        assert len(house.tg.log.uploads) == 1


async def test_an_uploaded_photo_comes_back_as_other_bytes(tmp_path: Path) -> None:
    """Telegram encodes it anew; kind and dimensions are what they were, and a crash does not double it."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "photo", media=house.world.media.photo(width=900, height=700))
        house.tg.faults.add(Fault(MEDIA, "apply-cut"))
        await house.start()
        await house.run(until=lambda: house.tg.log.count(MEDIA) == 1)
        await house.restart()
        [copy] = await arrives(house, target, [original])
        assert copy.media is not None
        assert original.media is not None
        assert copy.media.photo is not original.media.photo


@pytest.mark.parametrize("size", [0, 2_200_000_000])
async def test_what_cannot_be_uploaded_goes_by_reference(tmp_path: Path, size: int) -> None:
    """An empty file, and one over the account's limit, under `stream`."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a file", media=house.world.media.document(size=size))
        house.post(source, "after")
        await house.start()
        await house.run()
        first, second = house.messages(target)
        assert second.text == "after"
        assert first.media is not None
        assert original.media is not None
        assert first.media.document is original.media.document
        assert house.tg.log.bytes_received == 0


@pytest.mark.parametrize(("size", "words"), [(0, "empty"), (2_200_000_000, "larger than the 2.1 GB")])
async def test_where_references_are_forbidden_too_it_becomes_a_note(
    tmp_path: Path, size: int, words: str
) -> None:
    """Our own protected source: its files are moved, and what cannot be moved is said."""
    async with House(tmp_path) as house:
        source = house.own_supergroup("Source", noforwards=True)
        target = house.own_supergroup("Target")
        house.mirror(source, target)
        house.post(source, "a file", sender=house.me, media=house.world.media.document(size=size))
        await house.start()
        await house.run()
        [text] = house.texts(target)
        assert words in text
        assert text.endswith("a file")


NAMES = [
    "../../../etc/passwd",
    "/etc/passwd",
    "a\x00b.pdf",
    "line\nbreak.pdf",
    "\u202egnp.exe",
    "C:\\con\\aux.txt",
    "x" * 250 + ".pdf",
    "日本語 🙂.pdf",
    "%s%n{0}.pdf",
    "'; DROP TABLE job; --",
    ".",
]
#: What becomes of those that some client might trust.
HARMLESS = {
    "../../../etc/passwd": ".._.._.._etc_passwd",
    "/etc/passwd": "_etc_passwd",
    "a\x00b.pdf": "ab.pdf",
    "line\nbreak.pdf": "linebreak.pdf",
    "\u202egnp.exe": "gnp.exe",
    "C:\\con\\aux.txt": "C:_con_aux.txt",
    ".": "file",
    "..": "file",
}


async def test_hostile_file_names_are_only_names(tmp_path: Path) -> None:
    """They arrive without what could fool anyone, and no file appears beside ledger and session."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        make = house.world.media
        originals = [
            house.post(source, str(n), media=make.document(name=name, size=10_000 + n))
            for n, name in enumerate(NAMES)
        ]
        await house.start()
        before = {path.name for path in tmp_path.rglob("*")}
        copies = await arrives(house, target, originals)
        assert [name_of(copy) for copy in copies] == [HARMLESS.get(name, name) for name in NAMES]
        after = {path.name for path in tmp_path.rglob("*")}
        assert {name for name in after - before if not name.startswith("ledger.db")} == set()


@pytest.mark.parametrize("transfer", ["reference", "reference-only"])
async def test_by_reference_no_byte_is_moved(tmp_path: Path, transfer: str) -> None:
    """Photos, files, albums: the very same files, with their captions."""
    async with House(tmp_path) as house:
        source, target = pair(house, transfer=transfer)
        make = house.world.media
        originals = [
            house.post(source, "photo", media=make.photo()),
            house.post(source, "big", media=make.video(size=500_000_000, dc_id=4)),
            *house.world.chats.post_album(source, house.other, [make.photo(seed=1), (make.video(), "b")]),
        ]
        await house.start()
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == [original.text for original in originals]
        assert [file_of(copy) for copy in copies] == [file_of(original) for original in originals]
        assert (house.tg.log.bytes_received, house.tg.log.bytes_sent) == (0, 0)


def file_of(message: Message) -> Any:
    assert message.media is not None
    return message.media.photo or message.media.document


async def test_reference_only_notes_what_it_may_not_refer_to(tmp_path: Path) -> None:
    """Not one byte is moved, and nothing disappears silently."""
    async with House(tmp_path) as house:
        source = house.own_supergroup("Source", noforwards=True)
        target = house.own_supergroup("Target")
        house.mirror(source, target, transfer="reference-only")
        house.post(source, "caption", sender=house.me, media=house.world.media.document(name="kept.pdf"))
        await house.start()
        await house.run()
        [text] = house.texts(target)
        assert "kept.pdf" in text
        assert text.endswith("caption")
        assert house.tg.log.bytes_received == 0


@pytest.mark.parametrize("error", ["MEDIA_EMPTY", "MEDIA_INVALID"])
async def test_a_refused_reference_is_streamed(tmp_path: Path, error: str) -> None:
    """`transfer = "reference"` refers where Telegram allows it, and moves the bytes where it does not."""
    async with House(tmp_path) as house:
        source, target = pair(house, transfer="reference")
        original = house.post(source, "a file", media=house.world.media.document())
        house.tg.faults.add(Fault(MEDIA, code=400, message=error))
        await house.start()
        await arrives(house, target, [original])
        assert house.tg.log.bytes_received > 0


async def test_what_telegram_will_not_take_as_a_photo_goes_as_a_file(tmp_path: Path) -> None:
    """Refused once as it is: the same picture as a document, caption and place kept."""
    async with House(tmp_path) as house:
        source, target = pair(house)
        house.post(source, "picture", media=house.world.media.photo())
        house.post(source, "after")
        house.tg.faults.add(
            Fault(
                "messages.uploadMedia",
                code=400,
                message="IMAGE_PROCESS_FAILED",
                times=None,
                when=lambda _, request: isinstance(request.media, types.InputMediaUploadedPhoto),
            )
        )
        await house.start()
        await house.run()
        first, second = house.messages(target)
        assert (first.text, second.text) == ("picture", "after")
        assert first.media is not None
        assert first.media.kind == "document"
