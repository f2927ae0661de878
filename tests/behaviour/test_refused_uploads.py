"""Uploads that Telegram makes no file of, without saying why: their parts go up anew, a few times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.interpose import Death, dies
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

pytestmark = pytest.mark.thorough

COMMIT = "messages.uploadMedia"
KINDS = ("photo", "document", "video", "large video")


def media(house: House, kind: str) -> Any:
    make = house.world.media
    return {
        "photo": lambda: make.photo(),
        "document": lambda: make.document(size=600_000),
        "video": lambda: make.video(size=900_000),
        "large video": lambda: make.video(size=11_000_000, dc_id=4),
    }[kind]()


def pair(house: House, *kinds: str) -> Chat:
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    for kind in kinds:
        house.post(source, kind, media=media(house, kind))
    house.post(source, "after")
    house.mirror(source, target)
    return target


def files(house: House) -> int:
    """The parts of how many files have gone up so far."""
    return len(house.tg.log.uploads)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_that_was_taken_before_we_died(tmp_path: Path, kind: str) -> None:
    """A second commit of it fails for ever: it goes up anew after the third, in seconds."""
    async with House(tmp_path) as house:
        target = pair(house, kind)
        house.world.files.uploads.taken_once = True
        house.interpose("store", before={"commit_upload": dies()})
        await house.start()
        with pytest.raises(Death):
            await house.run()
        house.interpose_nothing()
        before = files(house)
        await house.restart()
        begun = house.clock.now()
        await house.run()
        assert house.texts(target) == [kind, "after"]
        assert house.messages(target)[0].date - begun < 30
        assert files(house) == 2 * before
        assert house.tg.log.count(COMMIT) == 1 + 3 + 1


async def test_what_was_refused_is_counted_over_restarts(tmp_path: Path) -> None:
    """And one that went up anew is not begun with the old one again."""
    async with House(tmp_path) as house:
        target = pair(house, "document")
        house.world.files.uploads.taken_once = True
        house.interpose("store", before={"commit_upload": dies()})
        await house.start()
        with pytest.raises(Death):
            await house.run()
        for _ in range(3):
            house.interpose("store", after={"refuse_upload": dies()})
            await house.restart()
            with pytest.raises(Death):
                await house.run()
        house.interpose_nothing()
        await house.restart()
        await house.run()
        assert house.texts(target) == ["document", "after"]
        assert files(house) == 2
        assert house.tg.log.count(COMMIT) == 1 + 3 + 1


@pytest.mark.parametrize("restart", [False, True])
async def test_one_that_is_never_taken_is_parked_after_half_an_hour(tmp_path: Path, restart: bool) -> None:
    """Its parts have gone up four times then, and no more; `retry` sends them again."""
    async with House(tmp_path) as house:
        target = pair(house, "document")
        stuck = house.tg.faults.add(Fault(COMMIT, code=500, message="RPC_CALL_FAIL", times=None))
        await house.start()
        begun = house.clock.now()
        if restart:
            await house.run(until=lambda: stuck.hits >= 11)
            await house.restart()
        await house.run()
        assert house.texts(target) == ["after"]
        assert 1790 <= house.messages(target)[0].date - begun <= 3000
        [parked] = (await house.verb("parked"))["parked"]
        assert "RPC_CALL_FAIL" in parked["reason"]
        assert files(house) == 4
        house.tg.faults.remove(stuck)
        house.world.files.uploads.taken_once = True
        await house.verb("retry", ids=[parked["id"]])
        await house.run()
        assert house.texts(target) == ["after", "document"]


async def test_an_outage_is_no_refusal(tmp_path: Path) -> None:
    """A connection that is cut at each commit makes nothing go up anew."""
    async with House(tmp_path) as house:
        target = pair(house, "document")
        house.tg.faults.add(Fault(COMMIT, "cut", times=7))
        await house.start()
        await house.run()
        assert house.texts(target) == ["document", "after"]
        assert files(house) == 1
