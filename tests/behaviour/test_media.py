"""Media is moved, whatever its kind and wherever it lies, and comes out as what went in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import House
from tests.telegram.world.messages import Message


def shape(message: Message) -> tuple[str, ...]:
    """What a reader sees of the media: kind, and the digest of a file or the dimensions of a photo."""
    media = message.media
    if media is None:
        return ("text",)
    if media.photo is not None:
        return ("photo", f"{media.photo.width}x{media.photo.height}")
    assert media.document is not None
    attributes = sorted(type(a).__name__ for a in media.document.attributes)
    return ("document", media.document.blob.sha256, media.document.mime_type, *attributes)


KINDS = ["photo", "video", "gif", "round", "audio", "voice", "document", "sticker"]


@pytest.mark.parametrize("dc", [2, 4])
@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_file_arrives_as_it_was(tmp_path: Path, kind: str, dc: int) -> None:
    """From either data centre."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        media = getattr(house.world.media, kind)(dc_id=dc)
        caption = "" if kind in ("round", "sticker") else "a caption"
        original = house.post(source, caption, media=media)
        house.mirror(source, target)
        await house.start()
        await house.run()
        [copy] = house.messages(target)
        assert copy.text == caption
        assert shape(copy) == shape(original)


async def test_an_album_arrives_whole_and_in_order(tmp_path: Path) -> None:
    """Photos and videos of both data centres, each with its caption."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        make = house.world.media
        items = [
            (make.photo(), "first"),
            (make.video(dc_id=4), ""),
            (make.photo(width=640, height=480), "last"),
        ]
        originals = house.world.chats.post_album(source, house.other, items)
        house.mirror(source, target)
        await house.start()
        await house.run()
        copies = house.messages(target)
        assert [shape(copy) for copy in copies] == [shape(original) for original in originals]
        assert [copy.text for copy in copies] == ["first", "", "last"]
        assert len({copy.grouped_id for copy in copies}) == 1
        assert copies[0].grouped_id


async def test_a_live_album_that_arrives_in_pieces_stays_one(tmp_path: Path) -> None:
    """The last item comes three seconds late; a text after it does not overtake it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        make = house.world.media
        group = house.world.chats.new_group_id()
        house.post(source, "a", media=make.photo(), grouped_id=group)
        house.post(source, "b", media=make.photo(), grouped_id=group)
        await house.run(3.0)
        assert house.messages(target) == []
        house.post(source, "c", media=make.photo(), grouped_id=group)
        house.post(source, "after")
        await house.run()
        copies = house.messages(target)
        assert [copy.text for copy in copies] == ["a", "b", "c", "after"]
        assert len({copy.grouped_id for copy in copies[:3]}) == 1
