"""The line between the real daemon and Telegram breaks in every way that lines break, and comes back.

Each time the journal says so within the stated time and says once that it works again; what was said before,
in and after the trouble arrives, once and in order, files of both data centres among it.
`make proofs` tries them all; as root with real packets, which the kernel's own TCP has to get through.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fakes import HANG
from tests.network.place import Place, may_mount

LOST, BACK = "connection to Telegram lost", "connection to Telegram works again"
STILL = "] no connection to Telegram"
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
        await place.equal(HANG)
        # Sooner than the keep-alive, which asks 25 s after the last answer, could have noticed.
        await broken(place, "refuse", noticed=20, lasts=2)


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
        # Nobody else says the same at every try: a line in ten seconds, for all rooms together.
        assert place.warnings() <= 8 + lasts / 10


@pytest.mark.slow
async def test_a_line_of_two_seconds(tmp_path: Path) -> None:
    """Slow is not broken: nothing is taken for lost, nothing is sent twice, nothing is said."""
    async with Place(tmp_path, count=12, real=True) as place:
        await place.relay("slow", seconds=2.0)
        await place.file()
        for _ in range(10):
            await place.say()
        took = await place.equal(240)
        print(f"slow: 23 messages, one of 3 MB, all there after {took:.1f} s")
        assert place.count(LOST) == place.count(STILL) == 0


@pytest.mark.slow
async def test_a_line_that_loses_a_third(tmp_path: Path) -> None:
    """30 % of the packets, both ways: given up now and then, perhaps, and everything arrives all the same."""
    async with Place(tmp_path, count=12, real=True) as place:
        await place.equal(60)
        await place.relay("lose", share=0.3)
        for _ in range(20):
            await place.say()
        took = await place.equal(300)
        counted = await place.relay("counted")
        print(f"lossy: 20 messages after {took:.1f} s; {counted}")
        assert place.count(LOST) <= 1
        await place.relay("pass")
        await place.file()
        await place.equal(ARRIVED)


@pytest.mark.slow
async def test_a_line_that_flaps(tmp_path: Path) -> None:
    """Cut every second for a minute: told once, not sixty times, and everything arrives."""
    async with Place(tmp_path, count=40, real=True) as place:
        began = time.monotonic()
        await place.file()
        while time.monotonic() < began + 60:
            await place.relay("reset")
            await place.say()
            await place.pause(time.monotonic() + 1)
        took = await place.equal(ARRIVED)
        print(f"flapping: all there after {took:.1f} s")
        assert place.count(LOST) == 1
        assert place.count(STILL) <= 3
        assert place.count(BACK) <= 3


@pytest.mark.slow
@pytest.mark.skipif(not may_mount(), reason="a private /etc/hosts needs root")
async def test_a_server_that_moves(tmp_path: Path) -> None:
    """The name in the configuration leads to another address: it is asked for at each try."""
    async with Place(tmp_path, count=10, real=True, name=True) as place:
        await place.equal(60)
        began = time.monotonic()
        place.relay.addresses = await place.relay("move")
        await place.tell()
        seen = await place.heard(LOST, began, 2)
        await place.say()
        assert place.hosts is not None
        place.hosts.name(place.relay.addresses[0][0])
        await mended(place, "moved", seen)


@pytest.mark.slow
@pytest.mark.skipif(not may_mount(), reason="a private /etc/hosts needs root")
async def test_a_name_that_leads_nowhere_for_a_while(tmp_path: Path) -> None:
    """At the start, and again while it runs."""
    async with Place(tmp_path, count=10, real=True, name=True) as place:
        assert place.hosts is not None
        host = place.relay.addresses[0][0]
        await place.equal(60)
        place.hosts.forget()
        began = time.monotonic()
        await place.relay("reset")
        seen = await place.heard(STILL, began, 20)
        await place.pause(began + 40)
        place.hosts.name(host)
        await mended(place, "no name", seen)
        assert await place.daemon.stop() == 0
        place.hosts.forget()
        began = time.monotonic()
        await place.start()
        await place.heard(STILL, began, 20)
        place.hosts.name(host)
        await place.say()
        again = await place.heard(BACK, began, 60)
        took = await place.equal(ARRIVED)
        print(f"no name at the start: works {again:.1f} s after it, all there {took:.1f} s after that")


#: Bytes of a small file; bytes a second of a kilobit.
MEGABYTES, KBIT = 3_000_000, 1000 / 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kbit", "way"),
    [(64, "cable"), (64, "relay"), (64, "hidden"), (160, "cable"), (240, "relay"), (20, "hidden")],
)
async def test_a_file_over_a_slow_uplink(tmp_path: Path, kbit: int, way: str) -> None:
    """Each part goes once, nothing is taken for lost, and words that change meanwhile change meanwhile.

    `hidden`: somebody on the way takes everything at once, and holds it for as long as his line needs.
    """
    rate = kbit * KBIT
    async with Place(tmp_path, count=1, real=way == "cable") as place:
        await place.say("words 0")
        await place.equal(HANG)
        await place.relay("narrow", up=rate, hides=way == "hidden")
        if way != "cable":
            # It is the new connections that feel it.
            await place.relay("reset")
            await place.edited(0, within=60)
        lost, before = place.count(LOST), (await place.relay("counted"))["sent"]
        began = time.monotonic()
        await place.file()
        slowest = 0.0
        for number in range(way != "cable", 5):
            await place.pause(began + 15 * number)
            slowest = max(slowest, await place.edited(number, within=60))
        if kbit >= 64:
            took = await place.equal(2 * MEGABYTES / rate)
            times = ((await place.relay("counted"))["sent"] - before) / MEGABYTES
            print(f"{way}, {kbit} kbit/s: {took:.0f} s, {times:.2f} times its bytes, an edit {slowest:.1f} s")
            assert times < 1.3
        else:
            print(f"{way}, {kbit} kbit/s: an edit {slowest:.1f} s")
        assert place.count(LOST) == lost
        assert place.count(STILL) == place.count("file connection ended") == 0
        assert place.count("transfer interrupted") == 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["cable", "relay"])
async def test_a_line_that_becomes_slow_in_mid_file(tmp_path: Path, way: str) -> None:
    """What was under way arrives, the rest in steps; nothing goes twice, nothing is taken for lost."""
    async with Place(tmp_path, count=1, real=way == "cable") as place:
        await place.equal(HANG)
        await place.relay("narrow", up=4000 * KBIT)
        if way != "cable":
            await place.relay("reset")
            await place.say()
            await place.equal(HANG)
        lost, before = place.count(LOST), (await place.relay("counted"))["sent"]
        await place.file()
        began = time.monotonic()
        await place.heard("transfer began", began - 1, HANG)
        await place.pause(time.monotonic() + 3)
        rate = 160 * KBIT
        await place.relay("narrow", up=rate)
        took = await place.equal(2 * MEGABYTES / rate)
        times = ((await place.relay("counted"))["sent"] - before) / MEGABYTES
        print(f"{way}, slow in mid-file: {took:.0f} s, {times:.2f} times its bytes")
        assert times < 1.3
        assert place.count(LOST) == lost
        assert place.count("transfer interrupted") == 0


@pytest.mark.slow
async def test_a_slow_line_that_dies(tmp_path: Path) -> None:
    """It is noticed as soon as any other, in the middle of a part, and the file goes on afterwards."""
    async with Place(tmp_path, count=1, real=True) as place:
        await place.equal(HANG)
        await place.relay("narrow", up=64 * KBIT)
        await place.file()
        await place.pause(time.monotonic() + 20)
        began = time.monotonic()
        await place.relay("swallow")
        await place.say()
        seen = await place.heard(LOST, began, 46)
        await mended(place, "slow, then dead", seen)


@pytest.mark.slow
@pytest.mark.parametrize("kbit", [64, 240])
async def test_a_file_over_a_slow_downlink(tmp_path: Path, kbit: int) -> None:
    rate = kbit * KBIT
    async with Place(tmp_path, count=1) as place:
        await place.equal(HANG)
        await place.relay("narrow", up=0.0, down=rate, hides=True)
        await place.relay("reset")
        await place.say()
        await place.equal(HANG)
        lost = place.count(LOST)
        await place.file()
        took = await place.equal(2 * MEGABYTES / rate)
        print(f"down at {kbit} kbit/s: {took:.0f} s")
        assert place.count(LOST) == lost
        assert place.count("transfer interrupted") == place.count("file connection ended") == 0
