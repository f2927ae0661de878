"""Connects one account and provides its two ports and the queries of the commands.

`connect` is the only entry point. Close its result; that takes a second or two at most, even during a
transfer.
"""

from __future__ import annotations

from telethon.tl import functions

from ..domain.clock import Clock
from ..domain.errors import LoginUnknown, NotAuthorised, TgstreamdError
from ..domain.messages import Account, Chat
from ..domain.ports import LoginPatience
from . import chats
from .cdn_pool import CdnPool
from .client import Client, Waiting
from .downloads import Downloads
from .peer_cache import marked
from .peers import Peers
from .pool import Pool
from .request_stats import Tally
from .resolve import resolve
from .session import StoredSession
from .settings import Settings
from .source import TelegramSource
from .target import TelegramTarget


class Connection:
    """A logged-in account; `source` and `target` are its two ports."""

    def __init__(self, client: Client, pool: Pool, cdn: CdnPool, peers: Peers) -> None:
        self._client = client
        self._pool = pool
        self._cdn = cdn
        self._peers = peers
        self.source = TelegramSource(client, peers, Downloads(pool, cdn, client.monotonic))
        self.target = TelegramTarget(client, peers, pool)

    @property
    def connected(self) -> bool:
        return self._client.connected

    @property
    def trouble(self) -> TgstreamdError | None:
        """The error that keeps the account offline; None while connected, or until a moment ago."""
        ready = self._client.ready
        # A connection that breaks meanwhile does not make an unknown login known.
        return ready.fatal or ready.unknown or ready.trouble

    @property
    def unknown_login(self) -> LoginUnknown | None:
        """The error while Telegram does not know the login and it is still retried; otherwise None."""
        return self._client.ready.unknown if self._client.ready.fatal is None else None

    @property
    def tally(self) -> Tally:
        """The counts of requests and their outcomes."""
        return self._client.tally

    async def account(self) -> Account:
        return await self.source.account()

    async def resolve(self, ref: int | str) -> int:
        """Return the marked id of an id, an @name or a t.me link. Raises Rejected with a plain sentence."""
        return await resolve(self._client, self._peers, ref)

    async def dialogs(self) -> list[Chat]:
        """Return every chat of the account, in Telegram's order."""
        found: list[Chat] = []
        async for dialogs, entities in self._peers.dialog_pages():
            for dialog in dialogs:
                entity = entities.get(marked(dialog.peer))
                if entity is not None and (chat := chats.chat(entity)) is not None:
                    found.append(chat)
        return found

    async def server_time(self) -> float:
        """Return Telegram's time, to the second (https://core.telegram.org/constructor/config)."""
        answer = await self._client.call(functions.help.GetConfigRequest())
        return float(answer.date.timestamp())

    async def close(self) -> None:
        await self._pool.close()
        await self._cdn.close()
        await self._client.close()


async def connect(
    settings: Settings,
    *,
    clock: Clock | None = None,
    waiting: Waiting | None = None,
    tries: int | None = None,
    patience: LoginPatience | None = None,
) -> Connection:
    """Connect and check that the account is logged in, without a limit or with `tries` attempts.

    `waiting(seconds, why)` is called before each wait, at least every 25 s. An attempt takes 25 s at most. A
    login that Telegram does not know is retried for as long as `patience` says; without one it counts as
    ended for this connection. Raises NotAuthorised, ConfigError, and after `tries` Transient, FloodWait or
    AccountFrozen.
    """
    session = StoredSession.load(settings.session, settings.session_string)
    if not session.has_key:
        raise NotAuthorised("nobody is logged in yet", hint="tgstreamd login")
    client = Client(settings, session, clock=clock, patience=patience)
    await client.open(waiting=waiting, tries=tries)
    size = settings.connections
    return Connection(client, Pool(client, size), CdnPool(client, size), Peers(client))
