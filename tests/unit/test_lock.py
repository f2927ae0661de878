"""One holder per state directory."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tgstreamd.domain.errors import StoreError
from tgstreamd.system.lock import Locked, take, try_take


def test_one_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"
    lock = try_take(path, "the daemon")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Locked) as caught:
        try_take(path, "login")
    assert caught.value.what == f"another tgstreamd uses {path.parent}: the daemon (pid {os.getpid()})"
    lock.release()
    lock.release()
    try_take(path, "login").release()


def test_it_ends_with_its_process(tmp_path: Path) -> None:
    code = """
import sys, pathlib
from tgstreamd.system.lock import try_take
try_take(pathlib.Path(sys.argv[1]), "x")
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "lock")], check=True, cwd=Path.cwd())
    try_take(tmp_path / "lock", "y").release()


async def test_patience(tmp_path: Path) -> None:
    clock = FakeClock()
    held = try_take(tmp_path / "lock", "a verb")
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(take(tmp_path / "lock", "run", clock, patience=30))
        await clock.tick()
        await clock.parked()
        held.release()
        clock.advance(1)
    taking.result().release()


async def test_patience_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    held = try_take(tmp_path / "lock", "a daemon")
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(_refused(tmp_path, clock))
        await clock.parked()
        clock.advance(30)
    assert "a daemon" in taking.result()
    held.release()


async def _refused(folder: Path, clock: FakeClock) -> str:
    with pytest.raises(Locked) as caught:
        await take(folder / "lock", "run", clock, patience=30)
    return caught.value.what


def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        try_take(tmp_path / "file" / "lock", "x")
    (tmp_path / "lock").symlink_to(tmp_path / "file")
    with pytest.raises(StoreError, match="cannot be used"):
        try_take(tmp_path / "lock", "x")
