"""Streams: what floods of parts, new salts and cut connections do to a file, and what the status tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.interpose import Through
from tests.telegram.faults import Fault
from tgstreamd.ledger import Job
from tgstreamd.transfer.prefetch import AHEAD_OF_ALL, _in_turn

from .test_files import arrives, pair


async def test_the_status_tells_what_was_moved_and_what_went_by_reference(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        make = house.world.media
        source, target = pair(house, transfer="reference")
        protected = house.supergroup("Other source")
        copy = house.own_supergroup("Other target")
        house.mirror(protected, copy, name="moved", transfer="stream")
        originals = [house.post(source, "photo", media=make.photo()), house.post(source, "only words")]
        moved = house.post(protected, "file", media=make.document(700_000))
        await house.start()
        await house.run()
        assert [m.text for m in house.messages(target)] == [m.text for m in originals]
        assert [m.text for m in house.messages(copy)] == [moved.text]
        first, second = (await house.status())["mirrors"]
        assert (first["streamed"], first["by_reference"], first["streamed_bytes"]) == (0, 1, 0)
        assert first["by_reference_bytes"] > 0
        assert (second["streamed"], second["streamed_bytes"], second["by_reference"]) == (1, 700_000, 0)


@pytest.mark.parametrize("method", ["upload.getFile", "upload.saveBigFilePart"])
@pytest.mark.parametrize("error", ["FLOOD_WAIT_7", "FLOOD_PREMIUM_WAIT_7"])
async def test_parts_that_are_told_to_wait_narrow_the_window(tmp_path: Path, method: str, error: str) -> None:
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a film", media=house.world.media.video(size=30_000_000))
        await house.start()
        assert (await house.status())["window"] == 20
        house.tg.faults.add(Fault(method, "error", code=420, message=error, skip=5, times=12))
        await arrives(house, target, [original])
        seen = await house.status()
        assert seen["buffer_parts"] == 20
        # It has been halved, and some sixty parts have widened it again.
        assert 10 <= seen["window"] < 20


@pytest.mark.parametrize("how", ["salts", "cut", "twice", "half", "lost"])
async def test_whatever_happens_to_the_connections_the_file_arrives_whole(tmp_path: Path, how: str) -> None:
    async with House(tmp_path) as house:
        source, target = pair(house)
        original = house.post(source, "a film", media=house.world.media.video(size=20_000_000, dc_id=4))
        seen = [0]

        def fetched(*args: Any, **options: Any) -> None:
            seen[0] += 1
            if seen[0] % 9 == 0 and seen[0] < 30:
                if how == "salts":
                    house.tg.rotate_salts()
                elif how == "cut":
                    house.tg.cut(dc_id=4)

        def wrap(connection: Any) -> None:
            connection.source = Through(connection.source, after={"part": fetched})

        house.wrap = wrap
        action = {"twice": "twice", "half": "apply-half", "lost": "apply-cut"}.get(how)
        if action is not None:
            house.tg.faults.add(Fault("upload.getFile", action, skip=4, times=3))
            house.tg.faults.add(Fault("upload.saveBigFilePart", action, skip=6, times=3))
        await house.start()
        await arrives(house, target, [original])


def test_every_mirror_has_its_next_job_under_way_before_any_has_two() -> None:
    def job(number: int) -> Job:
        return Job(
            id=number, mirror=1, kind="copy", lane="backlog", ord=0, sub=0, chat=1, first_id=number, date=0,
            items=1, group_id=None, follows=None, state="waiting", reason="", released=True, sealed=True,
            last_item_at=0, attempts=0, not_before=0, troubled=0,
        )  # fmt: skip

    lanes = [[job(1), job(2), job(3)], [], [job(4)], [job(5), job(6)]]
    assert [one.id for one in _in_turn(lanes)] == [1, 4, 5, 2, 6, 3]
    many = [[job(10 * n), job(10 * n + 1)] for n in range(80)]
    assert len(_in_turn(many)) == AHEAD_OF_ALL
    assert len(_in_turn([[job(n), job(n)] for n in range(150)])) == 150
