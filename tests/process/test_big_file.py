"""A big file through the real daemon, with a target slower than the source: bounded memory, no disk, resumed.

The file is generated on one side and checked byte by byte against its generator on the other, so it costs
no memory there. `make test` moves a file of 200 MB; `make proofs` the same with 2 GB.
Another process can only be watched: these tests poll, by the clock of this machine.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from tests.running import LocalTelegram, RunningDaemon, until

pytestmark = pytest.mark.thorough

MEGABYTE = 1_000_000
PART = 512 * 1024
SIZES = [
    pytest.param(200 * MEGABYTE, id="200MB"),
    pytest.param(2000 * MEGABYTE, id="2GB", marks=pytest.mark.slow),
]
#: What the daemon may create or write, in its state directory.
OWN = {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal", "session", "session.new", "lock"}
SOCKET = re.compile(r"^(control\.sock|\.control\.sock\.\d+)$")
#: Bytes a second and connection that the server takes; four connections make the target's speed.
SLOW = "12e6"
PARTS = "upload.saveBigFilePart"


async def copied(tg: LocalTelegram) -> list[tuple[str, str, int, str]]:
    """(text, kind, size, content) of each copy, by the server's own knowledge."""
    seen = await tg.scenario("look", chat=tg.found["target"])
    return [(m["text"], m["kind"], m["size"], m["content"]) for m in seen["messages"]]


async def received(tg: LocalTelegram) -> int:
    """Parts that the server has taken in."""
    counters = await tg.control("counters")
    return sum(upload["parts"] for upload in counters["uploads"].values())


def expected(size: int) -> list[tuple[str, str, int, str]]:
    return [
        ("before", "text", 0, ""),
        ("the file", "document", size, "generated 1"),
        ("after", "text", 0, ""),
    ]


def strange(paths: set[str], daemon: RunningDaemon) -> set[str]:
    """Those that are none of the daemon's own files."""
    found = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        own = folder == str(daemon.state) and (name in OWN or SOCKET.match(name))
        if not own and path != "/dev/null":
            found.add(path)
    return found


def written_by(trace: Path) -> set[str]:
    """The files that a strace of openat, open and creat shows opened for writing, or created."""
    found = set()
    for line in trace.read_text(errors="replace").splitlines():
        match = re.search(r'(openat|open|creat)\((?:AT_FDCWD, )?"([^"]*)", ?([^)]*)\) = (\d+)', line)
        if match and (match[1] == "creat" or re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE", match[3])):
            found.add(match[2])
    return found


@pytest.mark.parametrize("size", SIZES)
async def test_a_slow_target_costs_neither_memory_nor_disk(tmp_path: Path, size: int) -> None:
    """VmHWM below 150 MB; nothing but ledger, session, lock and socket is created or written."""
    strace = shutil.which("strace")
    trace = tmp_path / "trace"
    wrapper = (
        [strace, "-f", "--seccomp-bpf", "-qq", "-e", "trace=openat,open,creat", "-o", str(trace)]
        if strace
        else []
    )
    async with LocalTelegram("big_file", "--upload", SLOW, size=size, dc=4) as tg:
        daemon = RunningDaemon(tmp_path, tg)
        await daemon.prepare()
        await daemon.start(*wrapper)

        async def done() -> int | None:
            # Without strace (it is not on every machine) this sampling is what there is.
            daemon.sample()
            return await daemon.settled()

        try:
            await until(done, within=600)
            peak = daemon.peak_memory()
        finally:
            await daemon.stop()
        assert await copied(tg) == expected(size)
    print(f"peak memory {peak / MEGABYTE:.0f} MB")
    assert 0 < peak < 150 * MEGABYTE
    assert str(daemon.state / "ledger.db") in daemon.touched, "the sampling sees nothing"
    assert not strange(daemon.touched, daemon)
    if strace:
        traced = written_by(trace)
        assert str(daemon.state / "ledger.db") in traced, "the trace is not read rightly"
        assert not strange(traced, daemon)


async def test_sigterm_in_mid_file_ends_it_quickly(tmp_path: Path) -> None:
    """2 GB are under way, and their parts no longer answered; the exit is clean."""
    async with LocalTelegram("big_file", "--upload", SLOW, size=2000 * MEGABYTE) as tg:
        daemon = RunningDaemon(tmp_path, tg)
        await daemon.prepare()
        await tg.control("fault", method=PARTS, action="ignore", skip=50, times=None)
        began = time.monotonic()
        await daemon.start()

        async def under_way() -> bool | None:
            return True if await received(tg) == 50 else None

        try:
            await until(under_way)
            started = time.monotonic() - began
        finally:
            began = time.monotonic()
            status = await daemon.stop()
        stopped = time.monotonic() - began
        assert status == 0
        assert "stopped" in daemon.log[-1]
        # By the measure of a machine that may be busy; for an answer it would have waited a minute.
        assert stopped < max(5, started), f"stopped in {stopped:.1f} s, started in {started:.1f} s"


@pytest.mark.parametrize("size", SIZES)
async def test_a_kill_in_mid_file_goes_on_at_the_part_it_had_reached(tmp_path: Path, size: int) -> None:
    """By the server's count of parts, at most those under way are sent twice."""
    total = -(-size // PART)
    async with LocalTelegram("big_file", "--upload", SLOW, size=size) as tg:
        daemon = RunningDaemon(tmp_path, tg)
        await daemon.prepare()
        # Half of it arrives, and then nothing more: the kill comes in the middle, however late it comes.
        half = total // 2
        await tg.control("fault", method=PARTS, action="ignore", skip=half, times=None)
        await daemon.start()

        async def halfway() -> bool | None:
            return True if await received(tg) == half else None

        try:
            await until(halfway)
            await daemon.kill()
            await tg.control("clear_faults")
            await daemon.start()
            await until(daemon.settled, within=600)
        finally:
            await daemon.stop()
        print(f"killed at {half} of {total} parts, {await received(tg)} received in all")
        assert total <= await received(tg) < total + 32
        assert await copied(tg) == expected(size)
        assert any("transfer goes on" in line for line in daemon.log)
