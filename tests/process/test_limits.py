"""Descriptors or memory run out, the process stands still: it goes on or starts again, nothing is lost.

Memory is limited by a control group, as the unit does it (`MemoryMax`); needs root and a writable hierarchy.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.running import LocalTelegram, RunningDaemon, until

GROUPS = Path("/sys/fs/cgroup")
MIB = 1 << 20
#: The unit's.
HIGH = 384 * MIB


_numbers = itertools.count()


class Group:
    """A control group that bounds memory, of version 1 or 2."""

    def __init__(self) -> None:
        old = GROUPS / "memory"
        self._path = (old if old.is_dir() else GROUPS) / f"tgstreamd-test-{os.getpid()}-{next(_numbers)}"
        self._path.mkdir()
        self._limit = "memory.limit_in_bytes" if old.is_dir() else "memory.max"
        self._used = "memory.usage_in_bytes" if old.is_dir() else "memory.current"
        self._peak = "memory.max_usage_in_bytes" if old.is_dir() else "memory.peak"
        if not (self._path / self._limit).exists():
            self.close()
            raise OSError("memory is not counted here")

    @property
    def inside(self) -> tuple[str, ...]:
        """A wrapper that runs a command in the group, as its child."""
        return ("sh", "-c", '(echo 0 > "$0" && exec "$@"); exit $?', str(self._path / "cgroup.procs"))

    def limit(self, size: int) -> None:
        (self._path / self._limit).write_text(str(size))

    @property
    def used(self) -> int:
        return int((self._path / self._used).read_text())

    @property
    def peak(self) -> int:
        return int((self._path / self._peak).read_text())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._path.rmdir()


@pytest.fixture
def group() -> Iterator[Group]:
    try:
        made = Group()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield made
    made.close()


class Busy:
    """A busy group and its daemon."""

    def __init__(self, tg: LocalTelegram, daemon: RunningDaemon) -> None:
        self.tg = tg
        self.daemon = daemon

    async def happens(self, deeds: int) -> None:
        await self.tg.scenario("busy_on", deeds=deeds)

    async def equal(self) -> None:
        async def alike() -> bool | None:
            return True if not (await self.tg.scenario("alike"))["unlike"] else None

        await until(self.daemon.settled, within=180)
        await until(alike, within=60, every=0.5)


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[Busy]:
    async with LocalTelegram("busy") as tg:
        daemon = RunningDaemon(tmp_path / "d", tg, pace={"interval": 0.02}, mirror={"deletes": "mirror"})
        await daemon.prepare()
        yield Busy(tg, daemon)
        if daemon.running:
            await daemon.stop()


@pytest.mark.slow
@pytest.mark.parametrize("spare", [0, 1, 3])
async def test_no_descriptor_is_left_for_a_while(busy: Busy, spare: int) -> None:
    """No new connection for files, no answer at the socket; when there are some again, all is made good."""
    await busy.daemon.start()
    await until(busy.daemon.settled)
    pid = busy.daemon.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    taken = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
    free = [number for number in range(1024) if number not in taken]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[spare], before[1]))
    await busy.happens(60)
    await asyncio.sleep(5)
    if busy.daemon.running:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    else:
        # Had it ended, systemd would start it again.
        assert await busy.daemon.ended() == 1
        await busy.daemon.start()
    assert not any("Traceback" in line for line in busy.daemon.log)
    await busy.equal()


@pytest.mark.slow
async def test_at_work_it_needs_less_than_the_unit_lets_it_have(group: Group, busy: Busy) -> None:
    """Everything that the kernel counts, with files under way on both sides."""
    group.limit(HIGH)
    await busy.daemon.start(*group.inside)
    await busy.happens(400)
    await busy.equal()
    print(f"{group.peak / MIB:.0f} MiB at most")
    assert group.peak < HIGH
    assert busy.daemon.running


@pytest.mark.slow
async def test_killed_for_its_memory_again_and_again(group: Group, busy: Busy) -> None:
    """The kernel ends it as it pleases; each start makes it good."""
    killed = 0
    for _ in range(6):
        group.limit(HIGH)
        await busy.daemon.start(*group.inside)
        await until(busy.daemon.status)
        await busy.happens(40)
        group.limit(group.used + MIB // 2)
        with contextlib.suppress(TimeoutError):
            # The shell around it says how: 128 and the signal.
            assert await busy.daemon.ended(within=10) in (128 + signal.SIGKILL, -signal.SIGKILL)
            killed += 1
        if busy.daemon.running:
            await busy.daemon.kill()
    print(f"killed by the limit in {killed} of 6 lives")
    assert killed >= 3
    group.limit(HIGH)
    await busy.daemon.start(*group.inside)
    await busy.equal()


@pytest.mark.slow
async def test_stopped_for_a_while_with_the_line_cut_meanwhile(busy: Busy) -> None:
    """As a suspended machine is to it: it wakes with a dead connection, and reads what it missed."""
    await busy.daemon.start()
    await until(busy.daemon.settled)
    await busy.happens(20)
    os.kill(busy.daemon.pid, signal.SIGSTOP)
    await busy.happens(20)
    await busy.tg.control("cut", account=busy.tg.found["account"])
    await asyncio.sleep(4)
    await busy.happens(20)
    os.kill(busy.daemon.pid, signal.SIGCONT)
    await busy.equal()
    assert busy.daemon.running
