"""Fixtures of the web tests: those of the process tests, a port that is free, and a browser."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.process.conftest import _interruptible, home, me, other, source, target, tg

from .browser import CHROMIUM, Browser

__all__ = ["_interruptible", "home", "me", "other", "source", "target", "tg"]


@pytest.fixture
def port() -> int:
    """One that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    if not CHROMIUM:
        pytest.skip("needs chromium (apt install chromium); .ci/run installs it")
    async with Browser(tmp_path) as one:
        yield one
