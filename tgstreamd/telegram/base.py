"""The base class of the daemon's and the login's clients: device identity and data centre addresses.

Each client has its own address book (Telethon keeps the server's configuration on the class, shared by all
clients) and tries the addresses of its data centre in turn. Refuses to run without cryptg.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import telethon.crypto.aes
from telethon import TelegramClient
from telethon.client.telegrambaseclient import (
    DEFAULT_DC_ID,
    DEFAULT_IPV4_IP,
    DEFAULT_IPV6_IP,
    DEFAULT_PORT,
)
from telethon.tl import functions, types

from .. import __version__
from ..domain.clock import Clock
from ..domain.errors import ConfigError, Transient
from .addresses import Address, AddressBook, Purpose
from .file_requests import introduced
from .proxy import Tcp
from .session import StoredSession
from .settings import Server, Settings, parse_proxy, trust
from .wire import Wire

#: Timeout of one attempt to connect, key exchange included; systemd's start timeout is renewed between
#: attempts.
CONNECT_TIMEOUT: Final = 25.0
#: Timeout of the TCP connection alone.
TCP_TIMEOUT: Final = 10
#: The data centre at which a login begins before any is known.
TELEGRAM: Final = [Address(DEFAULT_DC_ID, host, DEFAULT_PORT) for host in (DEFAULT_IPV4_IP, DEFAULT_IPV6_IP)]
#: Constant: Telegram shows it to the account's owner, and distrusts logins that change it.
DEVICE: Final = {"device_model": "tgstreamd", "system_version": "Linux", "app_version": __version__}


def require_cryptg(aes: Any = telethon.crypto.aes) -> None:
    """Refuse to run on the pure Python AES, which is a hundred times slower without any other symptom."""
    if aes.cryptg is None:
        raise ConfigError("cryptg cannot be imported", hint="install it: media would crawl without it")
    key, iv, block = bytes(range(32)), bytes(range(32)), bytes(64)
    if aes.cryptg.decrypt_ige(aes.AES.encrypt_ige(block, key, iv), key, iv) != block:
        raise ConfigError("cryptg is installed and does not work", hint="reinstall it")


class BaseClient(TelegramClient):
    """Telethon's client with our settings; `options` are passed to it."""

    def __init__(self, settings: Settings, session: StoredSession, clock: Clock, **options: Any) -> None:
        require_cryptg()
        trust(settings.server)
        session.reach(settings.server)
        self._server = settings.server
        self._settled_config: Any = None
        #: The addresses of the data centres.
        self.addresses = AddressBook(clock.monotonic, session.addresses)
        # Telethon logs each lost connection itself, with raw objects; we log our own.
        logging.getLogger("telethon").setLevel(logging.CRITICAL)
        super().__init__(
            session, settings.api_id, settings.api_hash, connection=Tcp,
            proxy=parse_proxy(settings.proxy), timeout=TCP_TIMEOUT, flood_sleep_threshold=0,
            raise_last_call_error=True, **DEVICE, **options,
        )  # fmt: skip
        if session.server_address:
            self.addresses.put_first(Address(session.dc_id, session.server_address, session.port))

    async def connect(self) -> None:
        """Connect as Telethon does, trying the addresses of the session's data centre in turn.

        Raises the last address's error, and whatever Telegram itself answers.
        """
        session = self.session
        home = session.dc_id or DEFAULT_DC_ID
        places = self.addresses.of(home, "main")
        if not places and self._server is not None:
            places = await self._ask_addresses(home, self._server)
        elif not places:
            home, places = DEFAULT_DC_ID, TELEGRAM

        async def try_one(address: Address) -> None:
            self.prepare_connection()
            session.set_dc(home, address.host, address.port)
            # Telethon connects to Telegram's own data centre 2 if this does not match the address.
            self._use_ipv6 = address.ipv6
            await super(BaseClient, self).connect()

        await self.addresses.try_each(places, try_one)

    async def _ask_addresses(self, dc: int, server: Server) -> list[Address]:
        """Ask the configured server for the addresses of another data centre; this works with any key."""
        at = Address(dc, server.address, server.port)
        wire = Wire(None, loggers=self._log, timeout=TCP_TIMEOUT)
        try:
            await wire.connect(Tcp(at.host, at.port, server.dc_id, loggers=self._log, proxy=self._proxy))
            request = introduced(functions.help.GetConfigRequest(), self.api_id, DEVICE)
            self.learn((await wire.ask(request, TCP_TIMEOUT)).dc_options)
        finally:
            await wire.close()
        # A server without that data centre reports itself that it does not know the key.
        return self.addresses.of(dc, "main") or [at]

    def prepare_connection(self) -> None:
        """Prepare the next attempt; called before each address is tried."""

    def learn(self, options: Any) -> None:
        """Store the addresses that Telegram names (`DcOption`s) with the session."""
        if self.addresses.learn(options):
            self.session.addresses = self.addresses.named
            self.session.dirty = True

    async def call(self, request: Any) -> Any:
        """Return Telegram's answer, by Telethon's rules unless a subclass overrides this."""
        return await self(request)

    async def config(self) -> Any:
        """Return Telegram's configuration (text length and more) as received at the last connection."""
        if self._settled_config is None:
            self._configured(await self.call(functions.help.GetConfigRequest()))
        return self._settled_config

    def _configured(self, config: Any) -> None:
        self._settled_config = config
        self.learn(config.dc_options)

    async def places(self, dc: int, purpose: Purpose) -> list[Address]:
        """Return the addresses of a data centre in the order to try. Raises Transient if none is known."""
        await self.config()
        if not (found := self.addresses.of(dc, purpose)):
            raise Transient(f"Telegram names no address for data centre {dc}")
        return found

    async def _get_dc(self, dc_id: int, cdn: bool = False) -> Any:
        self.learn((await self(functions.help.GetConfigRequest())).dc_options)
        for address in self.addresses.of(dc_id, "cdn" if cdn else "main"):
            return types.DcOption(dc_id, address.host, address.port, ipv6=address.ipv6)
        raise Transient(f"Telegram names no address for data centre {dc_id}")
