"""What reaches systemd, over a real datagram socket; and who keeps the watchdog fed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakeClock
from tgstreamd.system.systemd import Systemd, Watchdog, feeder


class Ear:
    """systemd's end."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        lines = []
        while True:
            try:
                lines.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return lines


@pytest.fixture(params=["file", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "n") if request.param == "file" else f"@tgstreamd-test-{os.getpid()}"


@pytest.fixture
def ear(address: str) -> Iterator[Ear]:
    ear = Ear(address)
    yield ear
    ear.socket.close()


def test_everything_that_is_said(ear: Ear, address: str) -> None:
    environ = {"NOTIFY_SOCKET": address, "PATH": "/bin", "WATCHDOG_USEC": "30000000"}
    systemd = Systemd(FakeClock(monotonic=12.5), environ)
    assert environ == {"PATH": "/bin"}
    assert systemd.watchdog == 30.0
    systemd.extend(60)
    systemd.status("Зеркало:\n 3 in flight")
    systemd.status("Зеркало: 3 in flight")
    systemd.ready()
    systemd.reloading()
    systemd.feed()
    systemd.stopping()
    assert ear.heard() == [
        "EXTEND_TIMEOUT_USEC=60000000",
        "STATUS=Зеркало: 3 in flight",
        "READY=1",
        "RELOADING=1\nMONOTONIC_USEC=12500000",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


@pytest.mark.parametrize("address", ["", "/no/such/socket", "vsock:2:1234"], ids=["none", "gone", "vsock"])
def test_without_systemd_nothing_happens(address: str) -> None:
    systemd = Systemd(FakeClock(), {"NOTIFY_SOCKET": address} if address else {})
    systemd.ready()
    assert systemd.watchdog is None


def test_a_full_socket_does_not_block(ear: Ear, address: str) -> None:
    systemd = Systemd(FakeClock(), {"NOTIFY_SOCKET": address})
    for number in range(5_000):
        systemd.status(f"{number:04}")
    assert ear.heard()[0] == "STATUS=0000"


@pytest.mark.parametrize(("offset", "watched"), [(0, 2.0), (1, None)], ids=["ours", "not ours"])
def test_a_watchdog_meant_for_another_process_is_not_ours(offset: int, watched: float | None) -> None:
    environ = {"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid() + offset)}
    assert Systemd(FakeClock(), environ).watchdog == watched


def test_who_is_overdue() -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    quick, slow = watchdog.beat("quick"), watchdog.beat("slow")
    quick(5)
    slow(3600)  # cut to a minute
    clock.advance(5)
    assert watchdog.overdue(clock.monotonic()) == []
    clock.advance(1)
    assert watchdog.overdue(clock.monotonic()) == ["quick"]
    clock.advance(60)
    assert watchdog.overdue(clock.monotonic()) == ["quick", "slow"]
    quick(5)
    watchdog.leave("slow")
    assert watchdog.overdue(clock.monotonic()) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 200), st.floats(0, 100)), max_size=20))
def test_nobody_who_keeps_the_time_is_overdue(events: list[tuple[str, float, float]]) -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    due: dict[str, float] = {}
    for name, promise, pause in events:
        watchdog.beat(name)(promise)
        due[name] = clock.monotonic() + min(promise, 60)
        clock.advance(pause)
        assert set(watchdog.overdue(clock.monotonic())) == {
            n for n, t in due.items() if t < clock.monotonic()
        }


async def test_the_feeder_feeds_the_living_only(ear: Ear, address: str) -> None:
    clock = FakeClock()
    systemd = Systemd(clock, {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "25000000"})
    watchdog = Watchdog(clock)
    beat = watchdog.beat("sender")
    beat(15)
    stuck: list[list[str]] = []
    store = asyncio.Event()
    store.set()
    async with asyncio.TaskGroup() as group:
        feeding = group.create_task(
            feeder(systemd, watchdog, clock, store.wait, lambda names: stuck.append(list(names)))
        )
        assert await clock.tick() == pytest.approx(10.0)
        await clock.parked()
        assert ear.heard() == ["WATCHDOG=1", "WATCHDOG=1"]
        await clock.tick()
        await clock.parked()
        assert ear.heard() == []
        assert stuck == [["sender"]]
        beat(60)
        await clock.tick()
        await clock.parked()
        assert ear.heard() == ["WATCHDOG=1"]
        store.clear()  # the store hangs: nobody is overdue, and still nothing is fed
        await clock.tick()
        for _ in range(10):
            await asyncio.sleep(0)
        assert (clock.sleeping, ear.heard()) == (0, [])
        feeding.cancel()
