"""A job of which a part stands in the target: nothing of it comes twice, and its originals are followed.

A part was sent where an album was carried out in part, an item of it was deleted before its answer was known,
or the rest of a long text was refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd.policy.retry import VANISHED

pytestmark = pytest.mark.thorough

SEND = "messages.sendMessage"
MEDIA = "messages.sendMedia"
ALBUM = "messages.sendMultiMedia"
EXPIRED = "FILE_REFERENCE_EXPIRED"


async def album_of(house: House, **options: Any) -> tuple[Chat, Chat, list[Message]]:
    """An album of four and a text after it, about to be copied."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    make = house.world.media
    items = [(make.photo(width=640 + n, height=480, seed=n), f"item {n}") for n in range(4)]
    posted = house.world.chats.post_album(source, house.other, items)
    house.post(source, "after")
    house.mirror(source, target, **options)
    await house.start()
    return source, target, posted


def the(house: House, chat: Chat, text: str) -> Message:
    return next(message for message in house.messages(chat) if message.text == text)


def width(message: Message) -> int:
    assert message.media is not None
    assert message.media.photo is not None
    return message.media.photo.width


def is_note(text: str, words: str) -> bool:
    return text.startswith("[") and text.endswith(words)


def document(message: Message) -> Any:
    assert message.media is not None
    return message.media.document


async def with_one_gone(house: House, **options: Any) -> tuple[Chat, Chat, list[Message]]:
    """`item 1` was deleted in the target before it was known that the album stood there: it is parked."""
    source, target, posted = await album_of(house, **options)
    house.tg.faults.add(Fault(ALBUM, "apply-cut"))
    await house.run(until=lambda: len(house.messages(target)) == 4)
    house.world.chats.delete(the(house, target, "item 1"))
    await house.restart()
    await house.run(1000)
    assert house.texts(target) == ["item 0", "item 2", "item 3", "after"]
    assert await reasons(house) == [VANISHED]
    return source, target, posted


async def in_part(house: House, **options: Any) -> tuple[Chat, Chat, list[Message]]:
    """The first two items stand, and the next life will find them and send the others."""
    source, target, posted = await album_of(house, **options)
    house.tg.faults.add(Fault(ALBUM, "apply-part", items=2))
    await house.run(until=lambda: house.tg.log.count(ALBUM) >= 1)
    assert house.texts(target) == ["item 0", "item 1"]
    await house.stop()
    house.world.chats.forget_random_ids()
    house.clock.advance(1000)
    return source, target, posted


async def reasons(house: House) -> list[str]:
    return [one["reason"] for one in (await house.verb("parked"))["parked"]]


# -- what happens to the originals


@pytest.mark.parametrize("restart", [False, True])
async def test_what_stands_follows_its_originals(tmp_path: Path, restart: bool) -> None:
    """Also after an item was found to be gone: edits and deletions of the others are carried out."""
    async with House(tmp_path) as house:
        _, target, posted = await with_one_gone(house, deletes="mirror")
        if restart:
            await house.restart()
        house.world.chats.delete(posted[0])
        house.world.chats.edit(posted[2], "item 2, edited")
        await house.run()
        assert house.texts(target) == ["item 2, edited", "item 3", "after"]
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["item 2, edited", "item 3", "after", "item 1"]
        assert await reasons(house) == []


async def test_what_happens_after_the_retry_counts_as_well(tmp_path: Path) -> None:
    """The missing one waits for its turn, and has to be sent; the others stand."""
    async with House(tmp_path) as house:
        _, target, posted = await with_one_gone(house, deletes="mirror")
        await house.verb("retry", ids=None)
        house.world.chats.delete(posted[0])
        house.world.chats.edit(posted[2], "item 2, edited")
        house.world.chats.edit(posted[1], "item 1, edited")
        await house.run()
        assert house.texts(target) == ["item 2, edited", "item 3", "after", "item 1, edited"]


@pytest.mark.parametrize("retried", [False, True])
async def test_a_missing_one_whose_original_is_deleted_is_not_sent(tmp_path: Path, retried: bool) -> None:
    """Nothing of the job is left to send: it is no longer parked, and the others stay."""
    async with House(tmp_path) as house:
        _, target, posted = await with_one_gone(house, deletes="mirror")
        if retried:
            await house.verb("retry", ids=None)
        house.world.chats.delete(posted[1])
        await house.run()
        assert await reasons(house) == []
        await house.restart()
        await house.run()
        assert house.texts(target) == ["item 0", "item 2", "item 3", "after"]
        assert house.tg.log.count(MEDIA) == 0
        (mirror,) = (await house.status())["mirrors"]
        assert (mirror["parked"], mirror["backlog"], mirror["changes"]) == (0, 0, 0)


async def test_it_comes_all_the_same_where_deletions_are_kept(tmp_path: Path) -> None:
    """As a note, since its media can no longer be read."""
    async with House(tmp_path) as house:
        _, target, posted = await with_one_gone(house)
        house.world.files.expire_references()
        house.world.chats.delete(*posted)
        await house.verb("retry", ids=None)
        await house.run()
        *before, last = house.texts(target)
        assert before == ["item 0", "item 2", "item 3", "after"]
        assert is_note(last, "item 1")
        assert await reasons(house) == []


async def test_what_was_deleted_before_it_was_known_what_stands(tmp_path: Path) -> None:
    """One of those that stand, and one that is missing: that is not sent to be deleted at once."""
    async with House(tmp_path) as house:
        _, target, posted = await in_part(house, deletes="mirror")
        house.world.chats.delete(posted[0], posted[3])
        await house.start()
        await house.run()
        assert house.texts(target) == ["item 1", "item 2", "after"]
        assert all(
            item.message != "item 3"
            for entry in house.tg.log.of(ALBUM)[1:]
            for item in entry.request.multi_media
        )
        assert "item 3" not in [entry.request.message for entry in house.tg.log.of(MEDIA)]
        (mirror,) = (await house.status())["mirrors"]
        assert (mirror["parked"], mirror["backlog"], mirror["changes"]) == (0, 0, 0)


async def test_a_late_item_of_such_an_album_is_not_lost(tmp_path: Path) -> None:
    """It becomes an album of its own, whether it comes before the retry or after it."""
    async with House(tmp_path) as house:
        source, target, posted = await with_one_gone(house)
        await house.verb("retry", ids=None)
        late = house.world.media.photo(seed=9)
        house.post(source, "late", media=late, grouped_id=posted[0].grouped_id)
        await house.run()
        assert sorted(house.texts(target)) == ["after", "item 0", "item 1", "item 2", "item 3", "late"]


async def test_a_missing_one_that_the_difference_names_waits_for_a_word(tmp_path: Path) -> None:
    """Where ids do not last, its call would be a second message: it is known to have been sent."""
    async with House(tmp_path) as house:
        _, target, _ = await album_of(house)
        house.tg.faults.add(Fault(ALBUM, "apply-cut"))
        await house.run(until=lambda: len(house.messages(target)) == 4)
        house.world.chats.delete(the(house, target, "item 1"))
        await house.stop()
        ids = house.world.chats.random_ids
        ids.lasting, ids.told = False, True
        ids.forget()
        await house.start()
        await house.run()
        assert house.texts(target) == ["item 0", "item 2", "item 3", "after"]
        assert await reasons(house) == [VANISHED]
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["item 0", "item 2", "item 3", "after", "item 1"]


# -- the rest of a long text


async def half_a_text(house: House, **options: Any) -> tuple[Chat, Chat, Message]:
    """Of a text in two messages the second was refused, and is parked."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    long = " ".join(f"word{n}" for n in range(700))
    post = house.post(source, media=house.world.media.photo(), text=long)
    house.mirror(source, target, **options)
    house.tg.faults.add(Fault(SEND, message="MESSAGE_NOT_WANTED"))
    await house.start()
    await house.run()
    assert len(house.messages(target)) == 1
    assert len(await reasons(house)) == 1
    return source, target, post


async def test_of_a_deleted_text_the_rest_is_not_sent_by_a_retry(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        _, target, post = await half_a_text(house, deletes="mirror")
        house.world.chats.delete(post)
        await house.run()
        assert house.texts(target) == []
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == []
        assert await reasons(house) == []


async def test_what_was_sent_anew_is_not_sent_by_a_retry(tmp_path: Path) -> None:
    """It has another shape since an edit, and is one message now; the rest of the old one is no more."""
    async with House(tmp_path) as house:
        _, target, post = await half_a_text(house)
        house.world.chats.edit(post, "short")
        await house.run()
        await house.verb("retry", ids=None)
        await house.run()
        assert house.texts(target) == ["short"]
        assert await reasons(house) == []


# -- references that expire


@pytest.mark.parametrize("transfer", ["stream", "reference"])
@pytest.mark.parametrize("gone", [False, True])
async def test_the_missing_ones_are_fetched_anew(tmp_path: Path, transfer: str, gone: bool) -> None:
    """Those alone: what stands is not uploaded again; what is gone becomes a note."""
    async with House(tmp_path) as house:
        _, target, posted = await in_part(house, transfer=transfer)
        house.world.files.expire_references()
        if gone:
            house.world.chats.delete(*posted[2:])
        before = len(house.tg.log.uploads)
        await house.start()
        await house.run(300.0)
        texts = house.texts(target)
        assert await reasons(house) == []
        if gone:
            assert texts[:2] == ["item 0", "item 1"]
            assert [text.rsplit("\n", 1)[-1] for text in texts[2:4]] == ["item 2", "item 3"]
            assert all(text.startswith("[") for text in texts[2:4])
        else:
            assert texts[:4] == [f"item {n}" for n in range(4)]
            assert [width(copy) for copy in house.messages(target)[:4]] == [640, 641, 642, 643]
        assert texts[4:] == ["after"]
        assert len(house.tg.log.uploads) - before == (2 if transfer == "stream" and not gone else 0)
        assert house.tg.log.errors[EXPIRED] <= 4


async def test_a_changed_call_whose_original_is_gone(tmp_path: Path) -> None:
    """It was refused for its reply, and is not planned anew; then its media cannot be had."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        first = house.post(source, "first")
        photo = house.post(source, "photo", media=house.world.media.photo(), reply_to=first)
        house.post(source, "after")
        house.mirror(source, target)
        await house.start()

        def and_all_is_gone(_: Any, request: Any) -> bool:
            house.world.files.expire_references()
            house.world.chats.delete(photo)
            return True

        house.tg.faults.add(Fault(MEDIA, message="REPLY_MESSAGE_ID_INVALID", when=and_all_is_gone))
        await house.run(300.0)
        texts = house.texts(target)
        assert texts[0] == "first"
        assert is_note(texts[1], "photo")
        assert texts[2:] == ["after"]


async def test_a_reference_that_stays_expired_is_the_messages_fault(tmp_path: Path) -> None:
    """Fetched anew and refused again and again: the others need not wait for half an hour."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "photo", media=house.world.media.photo())
        house.post(source, "after")
        house.mirror(source, target)
        refused = house.tg.faults.add(Fault(MEDIA, message=EXPIRED, times=None))
        await house.start()
        await house.run(300.0)
        texts = house.texts(target)
        assert is_note(texts[0], "photo")
        assert texts[1:] == ["after"]
        assert refused.hits <= 11


async def test_one_that_may_not_be_referred_to_is_moved(tmp_path: Path) -> None:
    """The reference stays expired; its bytes can be had."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        post = house.post(source, "file", media=house.world.media.document(size=1000, dc_id=2))
        house.mirror(source, target, transfer="reference")

        def is_the_original(_: Any, request: Any) -> bool:
            return bool(request.media.id.id == document(post).id)

        house.tg.faults.add(Fault(MEDIA, message=EXPIRED, times=None, when=is_the_original))
        await house.start()
        await house.run(300.0)
        (copy,) = house.messages(target)
        assert copy.text == "file"
        assert document(copy).blob.sha256 == document(post).blob.sha256


async def test_an_album_of_which_one_reference_stays_expired(tmp_path: Path) -> None:
    """The others come as they are."""
    async with House(tmp_path) as house:
        _, target, _ = await album_of(house)
        broken = 641

        def holds_it(_: Any, request: Any) -> bool:
            media = [one.media for one in getattr(request, "multi_media", ())] or [request.media]
            photos = [house.world.files.get_photo(each.id.id) for each in media]
            return any(photo is not None and photo.width == broken for photo in photos)

        for method in (ALBUM, MEDIA):
            house.tg.faults.add(Fault(method, message=EXPIRED, times=None, when=holds_it))
        await house.run(600.0)
        copies = house.messages(target)
        assert [copy.text.rsplit("\n", 1)[-1] for copy in copies] == [
            *(f"item {n}" for n in range(4)),
            "after",
        ]
        assert [copy.media is not None for copy in copies] == [True, False, True, True, False]
