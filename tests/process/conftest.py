"""Fixtures of the process tests: a local Telegram with two chats, and a home for the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.conftest import me, other, source, target, tg
from tests.telegram.server import TelegramServer

from .program import Home

__all__ = ["home", "me", "other", "source", "target", "tg"]


@pytest.fixture
def home(tmp_path: Path, tg: TelegramServer) -> Home:
    return Home(tmp_path, tg)
