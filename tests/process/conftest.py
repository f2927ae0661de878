"""Fixtures of the process tests: a local Telegram with two chats, and a home for the program."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.conftest import me, other, source, target, tg
from tests.telegram.server import TelegramServer

from .program import Home

__all__ = ["home", "me", "other", "source", "target", "tg"]


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """Children are interruptible, though a shell that runs us in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def home(tmp_path: Path, tg: TelegramServer) -> Home:
    return Home(tmp_path, tg)
