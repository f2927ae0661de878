"""Every error of the calls that move files, and of making topics: the message arrives all the same.

As what it was, by reference, as a plain file, or in words; only what nobody has heard of is parked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from tests.behaviour.test_refusals import ENDS, passes
from tests.behaviour.test_refusals_changes import copies
from tests.harness import House
from tests.refusals import Refusal, on, unheard
from tests.telegram.faults import Fault
from tgstreamd.domain.refusals import row

pytestmark = pytest.mark.thorough

COMMIT, SMALL, LARGE = "messages.uploadMedia", "upload.saveFilePart", "upload.saveBigFilePart"
FETCH, MAKE = "upload.getFile", "messages.createForumTopic"
WALKED = {COMMIT, SMALL, LARGE, FETCH, MAKE}
#: Only of a photo.
OF_PHOTOS = re.compile(r"PHOTO_.*|IMAGE_.*")
#: Calls that one file may cost.
TRIES = 40
PART = 524_288


def walkable(method: str) -> list[Refusal]:
    """Of each kind of call what nobody has heard of too; `test_cdn` and `test_trouble` follow a file."""
    known = [refusal for refusal in on(method) if not ENDS.fullmatch(refusal.name)]
    rest = [one for one in unheard(method) if (method, one.name) != (FETCH, "FILE_MIGRATE_7")]
    return known + (rest if method in (COMMIT, SMALL, FETCH) else [])


def refuse(house: House, refusal: Refusal, when: Callable[[Any], bool]) -> Fault:
    times = 2 if passes(refusal) else None
    fault = Fault(refusal.method, code=refusal.code, message=refusal.name, times=times)
    fault.when = lambda call, request: when(request)
    return house.tg.faults.add(fault)


def is_unheard_of(refusal: Refusal) -> bool:
    """Nobody knows what to do about it, and it is for good."""
    return row(refusal.name, refusal.method).unknown and not passes(refusal)


def is_of(field: str, value: object, request: Any) -> bool:
    """Whether a field has this value; of bytes their length counts."""
    found = request
    for name in field.split("."):
        found = getattr(found, name, None)
    return len(found) == len(value) if isinstance(value, bytes) else bool(found == value)


def brings_photo(request: Any) -> bool:
    return isinstance(request.media, types.InputMediaUploadedPhoto)


@pytest.mark.parametrize("method", [COMMIT, SMALL, LARGE, FETCH])
async def test_files(tmp_path: Path, method: str) -> None:
    """A document for each error; those of photos one after the other, since no request names its photo."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        walked = []
        for number, refusal in enumerate(walkable(method)):
            name = f"w{number}.pdf"
            if OF_PHOTOS.fullmatch(refusal.name):
                media = house.world.media.photo(100, 100, seed=number)
                fault = refuse(house, refusal, brings_photo)
            else:
                size = (21 + number) * PART if method == LARGE else 1000 + number
                media = house.world.media.document(size, name=name)
                assert media.document is not None
                own = media.document.id
                fault = refuse(
                    house,
                    refusal,
                    {
                        COMMIT: partial(is_of, "media.file.name", name),
                        SMALL: partial(is_of, "bytes", bytes(size)),
                        LARGE: partial(is_of, "file_total_parts", 21 + number),
                        FETCH: partial(is_of, "location.id", own),
                    }[method],
                )
            message = house.post(source, f"m{number}", media=media)
            walked.append((refusal, message, fault))
            if OF_PHOTOS.fullmatch(refusal.name):
                await house.run()
                house.tg.faults.remove(fault)
        house.post(source, "last")
        await house.run()
        there = await copies(house)
        [mirror] = (await house.status())["mirrors"]
        never = [message for refusal, message, _ in walked if is_unheard_of(refusal)]
        assert (mirror["paused"], mirror["parked"], mirror["backlog"]) == ("", len(never), 0)
        lost = [str(r) for r, message, _ in walked if message not in never and message.id not in there]
        assert lost == []
        assert [str(r) for r, _, fault in walked if not 1 <= fault.hits <= TRIES] == []
        assert house.texts(target)[-1] == "last"


async def test_topics(tmp_path: Path) -> None:
    """Posts go into General, with the name of their topic, where that cannot be made."""
    async with House(tmp_path) as house:
        source = house.supergroup("Source", forum=True)
        target = house.own_supergroup("Target", forum=True)
        refusals = walkable(MAKE)
        faults = []
        for number, refusal in enumerate(refusals):
            topic = house.world.chats.add_topic(source, house.other, f"t{number}")
            house.post(source, f"m{number}", topic=topic)
            faults.append(refuse(house, refusal, partial(is_of, "title", f"t{number}")))
        house.post(source, "last")
        house.mirror(source, target)
        await house.start()
        await house.run()
        [mirror] = (await house.status())["mirrors"]
        assert (mirror["paused"], mirror["parked"], mirror["backlog"]) == ("", len(refusals), 0)
        said = house.texts(target)
        for number, refusal in enumerate(refusals):
            [text] = [text for text in said if text.endswith(f"m{number}")]
            assert (str(refusal), f"t{number}" in text) == (str(refusal), True)
        assert [str(r) for r, fault in zip(refusals, faults, strict=True) if not 1 <= fault.hits <= 5] == []
        assert "last" in said
