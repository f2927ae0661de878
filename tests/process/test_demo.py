"""`make demo` with a smaller video: ends well, tells a tampered copy, leaves nothing behind when stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

pytestmark = pytest.mark.thorough

SMALL = ("--big", "12000000")


async def started(folder: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.demo", *SMALL, *options),
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def test_the_demo_ends_with_a_target_that_equals_its_source(tmp_path: Path) -> None:
    """At least 60 messages and 10 live ones; no bars in a pipe."""
    demo = await started(tmp_path)
    said = (await demo.communicate())[0].decode()
    assert demo.returncode == 0, said
    lines = said.rstrip().splitlines()
    assert lines[-1] == "target equals source: yes"
    assert "history mirrored: 75 messages" in said
    assert "live posts mirrored: 10 messages" in said
    assert "\x1b" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
async def test_a_tampered_copy_fails_the_demo(tmp_path: Path) -> None:
    """A changed letter and a lost message are named, and the exit status is 1."""
    demo = await started(tmp_path, "--tamper")
    said = (await demo.communicate())[0].decode()
    assert demo.returncode == 1, said
    assert "text is 'Cood morning!" in said
    assert "is missing" in said
    assert said.rstrip().endswith("target equals source: no")


async def test_stopping_the_demo_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    """Ctrl+C in the middle."""
    demo = await started(tmp_path)
    assert demo.stdout is not None
    while b"of 76 messages" not in (line := await demo.stdout.readline()):
        assert line, "the demo ended by itself"
    [folder] = tmp_path.iterdir()
    demo.send_signal(signal.SIGINT)
    said = (await demo.communicate())[0].decode()
    assert demo.returncode == 130
    assert said.rstrip().endswith("stopped; nothing is left behind")
    assert not list(tmp_path.iterdir())
    assert not [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and names(pid, folder)]


def names(process: Path, folder: Path) -> bool:
    """Whether a process has the folder in its command line."""
    try:
        return str(folder).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
