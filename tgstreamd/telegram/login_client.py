"""The client of a login: keeps Telethon's retries, and reports why the server cannot be reached.

Reaching the account's data centre needs a second attempt. Handles no updates except the scan of a QR code.
"""

from __future__ import annotations

import asyncio
from typing import Any

from telethon.tl import types

from ..domain.clock import Clock
from .base import TCP_TIMEOUT, BaseClient
from .sender import Sender
from .session import StoredSession
from .settings import Settings


class LoginClient(BaseClient):
    """Telethon's client, handling no updates except the scan of a QR code."""

    def __init__(self, settings: Settings, session: StoredSession, clock: Clock) -> None:
        super().__init__(settings, session, clock, request_retries=5, connection_retries=1, retry_delay=1)
        self.scanned = asyncio.Event()
        self._sender = Sender(
            session.auth_key, loggers=self._log, retries=1, delay=1, connect_timeout=TCP_TIMEOUT,
            auth_key_callback=self._auth_key_callback, updates_queue=self._updates_queue,
            auto_reconnect_callback=self._handle_auto_reconnect,
        )  # fmt: skip

    async def _update_loop(self) -> None:
        while True:
            update = await self._updates_queue.get()
            if isinstance(getattr(update, "update", None), types.UpdateLoginToken) or any(
                isinstance(inner, types.UpdateLoginToken) for inner in getattr(update, "updates", None) or ()
            ):
                self.scanned.set()

    async def _on_login(self, user: Any) -> Any:
        return user
