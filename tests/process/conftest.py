"""Fixtures of the process tests: a local Telegram with two chats, and a home for the program."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.conftest import me, other, source, target, tg
from tests.telegram.server import TelegramServer

from .program import Home

__all__ = ["home", "home_for_all", "me", "other", "source", "target", "tg"]


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """Children are interruptible, though a shell that runs us in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def home(tmp_path: Path, tg: TelegramServer) -> Home:
    return Home(tmp_path, tg)


@pytest.fixture
def home_for_all(tg: TelegramServer) -> Iterator[Home]:
    """A home that every user may walk through, so that root's program can become somebody else in it.

    Not below `tmp_path`: pytest closes that folder's parent to all others whenever it starts anywhere on
    this machine.
    """
    with tempfile.TemporaryDirectory(prefix="tgstreamd-") as folder:
        Path(folder).chmod(0o711)
        yield Home(Path(folder), tg)
