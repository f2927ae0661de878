"""Fixtures of the web tests: those of the process tests, a port that is free, and a browser."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.process.conftest import _interruptible, home, me, other, source, target, tg

from .browser import CHROMIUM, Browser

__all__ = ["_interruptible", "home", "me", "other", "source", "target", "tg"]


@pytest.fixture
def port() -> Iterator[int]:
    """One that nobody listens at just now, and that no other process of this machine is given meanwhile."""
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        yield int(place.getsockname()[1])


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    if not CHROMIUM:
        pytest.skip("needs chromium (apt install chromium); .ci/run installs it")
    async with Browser(tmp_path) as one:
        yield one
