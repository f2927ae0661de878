"""One account, connected: its two ports, and what the verbs ask besides.

`connect` is the only way in. Close what it returns; that takes a second or two at most, also in the middle
of a transfer.
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
    """A logged-in account. `source` and `target` are its two sides."""

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
        """Why there is no connection just now; None while there is one, or was until a moment ago."""
        ready = self._client.ready
        # A line that breaks meanwhile does not make the login known.
        return ready.fatal or ready.unknown or ready.trouble

    @property
    def unknown_login(self) -> LoginUnknown | None:
        """That Telegram does not know the login, while it is tried all the same; None while it does."""
        return self._client.ready.unknown if self._client.ready.fatal is None else None

    @property
    def tally(self) -> Tally:
        """How often what was asked, and how it went."""
        return self._client.tally

    async def account(self) -> Account:
        return await self.source.account()

    async def resolve(self, ref: int | str) -> int:
        """The marked id of an id, an @name or a t.me link. Raises Rejected with a plain sentence."""
        return await resolve(self._client, self._peers, ref)

    async def dialogs(self) -> list[Chat]:
        """Every chat that the account sees, in Telegram's order."""
        found: list[Chat] = []
        async for dialogs, entities in self._peers.dialog_pages():
            for dialog in dialogs:
                entity = entities.get(marked(dialog.peer))
                if entity is not None and (chat := chats.chat(entity)) is not None:
                    found.append(chat)
        return found

    async def server_time(self) -> float:
        """Telegram's time, to the second (https://core.telegram.org/constructor/config)."""
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
    """Connect and see that somebody is logged in; for ever, or `tries` times.

    `waiting(seconds, why)` is told before each wait, at least every 25 s. A try takes 25 s at most. A login
    that Telegram does not know is tried for as long as `patience` says; without one it is over, for this
    connection. Raises NotAuthorised, ConfigError, and after `tries` Transient, FloodWait or AccountFrozen.
    """
    session = StoredSession.load(settings.session, settings.session_string)
    if not session.has_key:
        raise NotAuthorised("nobody is logged in yet", hint="tgstreamd login")
    client = Client(settings, session, clock=clock, patience=patience)
    await client.open(waiting=waiting, tries=tries)
    size = settings.connections
    return Connection(client, Pool(client, size), CdnPool(client, size), Peers(client))
