"""The two unmodified client libraries, pointed at the local Telegram.

Telethon and kurigram know the server by its key (added to their own tables) and its address; nothing else of
them is touched. Owns no fixture.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

import pyrogram
from pyrogram.connection import Connection as KurigramConnection
from pyrogram.connection.transport import TCPAbridged
from pyrogram.crypto import rsa as kurigram_rsa
from telethon import TelegramClient
from telethon.crypto import AuthKey as TelethonKey
from telethon.crypto import rsa as telethon_rsa
from telethon.network import ConnectionTcpFull
from telethon.sessions import MemorySession

from tests.telegram.mtproto.keyring import AuthKey
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

API_ID, API_HASH = 12345, "0123456789abcdef0123456789abcdef"


def telethon_client(
    tg: TelegramServer,
    account: Account | None = None,
    *,
    dc_id: int | None = None,
    key: AuthKey | None = None,
    connection: type = ConnectionTcpFull,
    **options: Any,
) -> Any:
    """A Telethon client, not connected. Without `account` and `key` it begins with a key exchange."""
    telethon_rsa.add_key(tg.public_key_pem, old=False)
    if account is not None and key is None:
        key = tg.authorise(account, dc_id)
    dc_id = dc_id or (key.dc_id if key is not None else 2)
    session = MemorySession()
    session.set_dc(dc_id, *tg.address(dc_id))
    if key is not None:
        session.auth_key = TelethonKey(key.key)
    # Telethon keeps the server's configuration in the class; one class each keeps tests apart.
    own = type("LocalTelegramClient", (TelegramClient,), {"_config": None})
    settings: dict[str, Any] = {
        "connection": connection,
        "request_retries": 1,
        "connection_retries": 3,
        "retry_delay": 0,
        "raise_last_call_error": True,
        "flood_sleep_threshold": 0,
    }
    return own(session, API_ID, API_HASH, **(settings | options))


def kurigram_client(
    tg: TelegramServer,
    account: Account | None = None,
    *,
    dc_id: int | None = None,
    key: AuthKey | None = None,
    transport: type = TCPAbridged,
    client: type[pyrogram.Client] = pyrogram.Client,
    **options: Any,
) -> Any:
    """A kurigram client, not started. Without `account` and `key` it begins with a key exchange in DC 2."""
    kurigram_rsa.server_public_keys[tg.key.fingerprint] = kurigram_rsa.PublicKey(tg.key.n, tg.key.e)
    if account is not None and key is None:
        key = tg.authorise(account, dc_id)

    class LocalConnection(KurigramConnection):
        """kurigram knows Telegram's addresses by heart; this one takes the data centre's from the server."""

        def __init__(self, dc_id: int, server_address: str, port: int, *args: Any, **kwargs: Any) -> None:
            place = tg.address(dc_id, media=bool(kwargs.get("media")) and not tg.is_cdn(dc_id))
            super().__init__(dc_id, *place, *args, **kwargs)

    if key is not None:
        packed = struct.pack(
            ">BI?256sQ?",
            key.dc_id,
            API_ID,
            False,
            key.key.rjust(256, b"\0"),
            key.account_id or 0,
            bool(account and account.bot),
        )
        options["session_string"] = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return client(
        "local",
        API_ID,
        API_HASH,
        in_memory=True,
        connection_factory=LocalConnection,
        protocol_factory=transport,
        **({"sleep_threshold": 0} | options),
    )
