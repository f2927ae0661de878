"""Telethon's sender, raising connection and key exchange errors that Telethon only logs."""

from __future__ import annotations

import asyncio

from telethon.errors import SecurityError
from telethon.network import MTProtoPlainSender, MTProtoSender
from telethon.network.authenticator import do_authentication


class Sender(MTProtoSender):
    """An MTProtoSender that raises the errors of connecting."""

    async def _try_connect(self, attempt: int) -> bool:
        await self._connection.connect(timeout=self._connect_timeout)
        return True

    async def _try_gen_auth_key(self, attempt: int) -> bool:
        exchange = MTProtoPlainSender(self._connection, loggers=self._loggers)
        try:
            self.auth_key.key, self._state.time_offset = await do_authentication(exchange)
        except (SecurityError, AssertionError):
            # One exchange in 256 fails by chance, since a secret may begin with zeros.
            if attempt > self._retries:
                raise
            await asyncio.sleep(self._delay)
            return False
        if self._auth_key_callback:
            await self._auth_key_callback(self.auth_key)
        return True
