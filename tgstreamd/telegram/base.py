"""What the daemon's client and the login's have in common: who we say we are, and where Telegram is.

Each client keeps its own server configuration (Telethon keeps it on the class, for all clients), and none
runs without cryptg.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import telethon.crypto.aes
from telethon import TelegramClient
from telethon.network import ConnectionTcpFull
from telethon.tl import functions

from .. import __version__
from ..errors import ConfigError, Transient
from .session import StoredSession
from .settings import Settings, parse_proxy, trust

#: One try to connect, key exchange included; systemd's start timeout is renewed between tries.
CONNECT_TIMEOUT: Final = 25.0
#: Seconds for the TCP connection alone.
TCP_TIMEOUT: Final = 10
#: The same for ever: Telegram shows it to the owner, and is wary of logins that change.
DEVICE: Final = {"device_model": "tgstreamd", "system_version": "Linux", "app_version": __version__}


def require_cryptg(aes: Any = telethon.crypto.aes) -> None:
    """Refuse to run on Python's own AES: a hundred times slower, and nobody would know why."""
    if aes.cryptg is None:
        raise ConfigError("cryptg cannot be imported", hint="install it: media would crawl without it")
    key, iv, block = bytes(range(32)), bytes(range(32)), bytes(64)
    if aes.cryptg.decrypt_ige(aes.AES.encrypt_ige(block, key, iv), key, iv) != block:
        raise ConfigError("cryptg is installed and does not work", hint="reinstall it")


def pick_dc(options: Any, dc_id: int) -> Any:
    """The address of a data centre among Telegram's options: IPv4, neither CDN nor obfuscated-only."""
    usable = [o for o in options if o.id == dc_id and not (o.ipv6 or o.cdn or o.tcpo_only)]
    if not usable:
        raise Transient(f"Telegram names no address for data centre {dc_id}")
    return min(usable, key=lambda option: bool(option.media_only))


class BaseClient(TelegramClient):
    """Telethon's client on our terms; `options` are its own."""

    def __init__(self, settings: Settings, session: StoredSession, **options: Any) -> None:
        require_cryptg()
        trust(settings.server)
        if (server := settings.server) is not None:
            session.reach(server.dc_id, server.address, server.port)
        # Telethon reports each lost connection on its own, with objects in clear; we report ours.
        logging.getLogger("telethon").setLevel(logging.CRITICAL)
        super().__init__(
            session, settings.api_id, settings.api_hash, connection=ConnectionTcpFull,
            proxy=parse_proxy(settings.proxy), timeout=TCP_TIMEOUT, flood_sleep_threshold=0,
            raise_last_call_error=True, **DEVICE, **options,
        )  # fmt: skip

    async def _get_dc(self, dc_id: int, cdn: bool = False) -> Any:
        return pick_dc((await self(functions.help.GetConfigRequest())).dc_options, dc_id)
