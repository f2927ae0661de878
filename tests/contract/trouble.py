"""What the tests of trouble on the line share: clocks and pools in a hurry, a server that falls silent."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.fakes import HANG, FakeClock
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import SHARED
from tests.telegram.world.peers import Account
from tgstreamd.domain.clock import Clock
from tgstreamd.domain.messages import PART_SIZE, Media
from tgstreamd.telegram.client import Client
from tgstreamd.telegram.connect import Connection
from tgstreamd.telegram.keepalive import LOOK
from tgstreamd.telegram.link import Link
from tgstreamd.telegram.pool import Pool
from tgstreamd.telegram.session import StoredSession

from .conftest import log_in, settings_for


async def media_of(tg: TelegramServer, connection: Connection, chat: Chat, by: Account, dc: int) -> Media:
    post = tg.world.chats.post(chat, by, media=tg.world.media.document(8 * PART_SIZE, dc_id=dc))
    got = await connection.source.messages(chat.marked_id, [post.ids[SHARED]])
    media = got[post.ids[SHARED]].media
    assert media is not None
    return media


class Hurried:
    """A clock on which waits are over at once."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return self._skipped + time.monotonic()

    def uptime(self) -> float:
        return self.monotonic()

    _skipped = 0.0

    async def sleep_until(self, when: float) -> None:
        self._skipped += max(0.0, when - self.monotonic())

    async def wait(self, event: asyncio.Event, until: float) -> bool:
        async with asyncio.timeout(HANG):
            await event.wait()
        return True


async def open_client(
    tg: TelegramServer, me: Account, folder: Path, clock: Clock | None = None, kind: type[Client] = Client
) -> Client:
    """The client alone, connected."""
    log_in(tg, me, folder / "session")
    client = kind(settings_for(tg, folder / "session"), StoredSession.load(folder / "session"), clock=clock)
    await client.open(tries=1)
    return client


def fall_silent(tg: TelegramServer, *impatient: Client | Pool) -> None:
    """Bytes are still taken in, and nothing ever comes back: as behind a router that forgot us.

    Who is impatient meanwhile gives up after a moment that a test can wait for.
    """
    tg.network.latency = 1e6
    for one in impatient:
        one.connect_timeout = 0.5
        if isinstance(one, Client):
            one.ping_timeout = 0.2


def speak_again(tg: TelegramServer, *patient: Client | Pool) -> None:
    """The line is well: however long it takes on a busy machine, nobody gives up."""
    tg.network.latency = 0
    for one in patient:
        one.connect_timeout = HANG


async def usable(client: Client, clock: FakeClock) -> None:
    """Wait for a connection; time moves on to each next try."""
    async with asyncio.timeout(HANG):
        waiting = asyncio.ensure_future(client.usable.wait())
        while not waiting.done():
            parked = asyncio.ensure_future(clock.parked(1))
            await asyncio.wait({waiting, parked}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                clock.advance(LOOK)
            parked.cancel()


class CountingPool(Pool):
    """Counts its tries to connect, and doubts a connection for a moment that a test can wait for."""

    doubt = 0.5
    tries = 0

    async def _open(self, dc: int) -> Link:
        self.tries += 1
        return await super()._open(dc)
