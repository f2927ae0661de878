"""D6, D7 and D8 of features.md, 1b: the defects that other programs have in moving files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.harness import House
from tests.interpose import Through
from tests.telegram.faults import Fault

SAVE = "upload.saveBigFilePart"


async def test_d6_ten_flooded_workers_do_not_wait_for_an_eleventh(tmp_path: Path) -> None:
    """All parts under way are told to wait five minutes: the transfer goes on after it, and ends."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        original = house.post(source, "a film", media=house.world.media.document(size=20_000_000))
        house.mirror(source, target)
        house.tg.faults.add(Fault(SAVE, "flood", seconds=300, skip=8))
        await house.start()
        begun = house.clock.now()
        await house.run()
        [copy] = house.messages(target)
        assert copy.media is not None
        assert copy.media.document is not None
        assert original.media is not None
        assert original.media.document is not None
        assert copy.media.document.blob.sha256 == original.media.document.blob.sha256
        assert copy.date - begun >= 299


async def test_d7_a_slow_target_never_fills_the_memory(tmp_path: Path) -> None:
    """However fast the source: between the two lie at most `buffer_parts` parts."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "a film", media=house.world.media.document(size=40_000_000))
        house.mirror(source, target)
        house.options["stream"] = {"buffer_parts": 6, "parallel_uploads": 3}
        house.tg.faults.add(Fault(SAVE, "delay", seconds=0.005, times=None))
        held, most, sending, most_sending = [0], [0], [0], [0]

        def fetching(*args: Any, **options: Any) -> None:
            held[0] += 1
            most[0] = max(most[0], held[0])

        def saving(*args: Any, **options: Any) -> None:
            sending[0] += 1
            most_sending[0] = max(most_sending[0], sending[0])

        def saved(*args: Any, **options: Any) -> None:
            held[0] -= 1
            sending[0] -= 1

        def wrap(connection: Any) -> None:
            connection.source = Through(connection.source, before={"part": fetching})
            connection.target = Through(
                connection.target, before={"save_part": saving}, after={"save_part": saved}
            )

        house.wrap = wrap
        await house.start()
        await house.run()
        assert house.texts(target) == ["a film"]
        assert held == [0]
        assert most == [6]
        assert most_sending == [3]


async def test_d8_a_part_that_fails_for_good_is_never_sent_around(tmp_path: Path) -> None:
    """Its file is not sent with a hole in it: the message is parked, with the reason; the others go."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "before")
        house.post(source, "holed", media=house.world.media.document(size=12_000_000))
        house.post(source, "after")
        house.mirror(source, target)
        house.tg.faults.add(Fault(SAVE, code=400, message="FILE_ID_INVALID", part=5, times=None))
        await house.start()
        await house.run()
        assert house.texts(target) == ["before", "after"]
        [parked] = (await house.verb("parked"))["parked"]
        assert "FILE_ID_INVALID" in parked["reason"]
        assert house.tg.log.count("messages.uploadMedia") == 0
