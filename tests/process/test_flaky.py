"""`make flaky`: it says what failed, ends with it, and leaves no busy loop behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.fakes import HANG
from tests.running import ROOT, until

pytestmark = pytest.mark.thorough

FILE = "tests/unit/test_fakes.py"


async def started(*arguments: str) -> asyncio.subprocess.Process:
    """`--loops 1` beside one file, in the order of seed 7."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.flaky", "--runs", "1", "--seed", "7", "--loops", "1", "--", "-n", "0", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # As a shell starts what runs in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )


def loops_of(pid: int) -> list[str]:
    """The busy loops that this process has started."""
    return [
        process.name
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and _says(process, f"beside-{pid}")
    ]


def _says(process: Path, word: str) -> bool:
    try:
        return word.encode() in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


async def test_a_green_run() -> None:
    flaky = await started(FILE)
    async with asyncio.timeout(HANG):
        said = (await flaky.communicate())[0].decode().splitlines()
    assert flaky.returncode == 0
    assert said[0] == "1 runs from seed 7, 1 busy loops beside them"
    assert said[1].startswith("seed 7: ")
    assert said[2:] == ["all 1 runs are green"]
    assert loops_of(flaky.pid) == []


async def test_a_run_that_fails(tmp_path: Path) -> None:
    """Its name is told, and how to have the same run once more."""
    bad = tmp_path / "test_bad.py"
    bad.write_text("import pytest\n@pytest.mark.parametrize('x', ['a b'])\ndef test_bad(x): assert not x\n")
    flaky = await started(FILE, str(bad))
    async with asyncio.timeout(HANG):
        said = (await flaky.communicate())[0].decode()
    assert flaky.returncode == 1
    assert "1 failed, 8 passed" in said
    assert "make flaky RUNS=1 SEED=7" in said
    assert said.splitlines()[-1].endswith("test_bad[a b]")
    assert loops_of(flaky.pid) == []


async def test_it_is_interrupted(tmp_path: Path) -> None:
    """Also politely, by its id alone: the suite is ended with it, and the loops."""
    endless = tmp_path / "test_endless.py"
    endless.write_text(
        "import pathlib, time\ndef test_endless():\n"
        f"    pathlib.Path({str(tmp_path / 'begun')!r}).touch()\n    time.sleep(1000)\n"
    )
    flaky = await started(FILE, str(endless))

    async def begun() -> bool | None:
        return (tmp_path / "begun").exists() or None

    await until(begun)
    assert len(loops_of(flaky.pid)) == 1
    os.kill(flaky.pid, signal.SIGTERM)
    async with asyncio.timeout(HANG):
        said = (await flaky.communicate())[0].decode()
    assert flaky.returncode == 130, said
    assert loops_of(flaky.pid) == []
