"""The line between the real daemon and Telegram breaks in every way that lines break, and comes back.

Each time the journal says so within the stated time and says once that it works again; what was said before,
in and after the trouble arrives, once and in order, files of both data centres among it.
`make proofs` tries them all; as root with real packets, which the kernel's own TCP has to get through.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.network.place import Place

LOST, BACK = "connection to Telegram lost", "connection to Telegram works again"
STILL = "no connection to Telegram"
#: Seconds after the end of a trouble within which there is a connection again, and everything has arrived.
RECOVERED, ARRIVED = 40, 90


async def broken(place: Place, name: str, *, noticed: float, lasts: float = 0.0) -> None:
    """The line does `name` for so long; posts come before, in it and after it."""
    await place.file()
    began = time.monotonic()
    await place.relay(name)
    await place.say()
    seen = await place.heard(LOST, began, noticed)
    await place.say()
    await place.pause(began + lasts)
    await mended(place, name, seen)


async def mended(place: Place, name: str, seen: float) -> None:
    over = time.monotonic()
    await place.relay("pass")
    await place.say()
    again = await place.heard(BACK, over - 60, 60 + RECOVERED) - 60
    arrived = await place.equal(ARRIVED)
    print(f"{name}: noticed after {seen:.1f} s, works {again:.1f} s later, all there after {arrived:.1f} s")
    assert place.count(BACK) == place.count(LOST) == 1


async def test_a_line_that_is_refused(tmp_path: Path) -> None:
    """Said at once, and over a moment after the server is there again."""
    async with Place(tmp_path, count=10) as place:
        await place.equal(30)
        await broken(place, "refuse", noticed=2, lasts=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "noticed", "lasts"),
    [
        ("refuse", 2, 60),
        ("reset", 2, 0),
        # It is asked 25 s after the last answer at the latest, and given 10 s to answer.
        ("swallow", 36, 60),
        ("swallow", 36, 400),
        # A question to somebody who is gone is answered by a RST.
        ("half_open", 27, 0),
    ],
)
async def test_each_way_in_which_a_line_breaks(
    tmp_path: Path, name: str, noticed: float, lasts: float
) -> None:
    async with Place(tmp_path, count=40, real=True) as place:
        # In the middle of a backlog, so that parts are under way in both directions.
        await place.until_copied(10)
        await broken(place, name, noticed=noticed, lasts=lasts)
        # At the first try in vain, the fifth, and then every quarter of an hour.
        assert place.count(STILL) <= 2
