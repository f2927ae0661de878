"""Implements `ports.Source`, the reading account, over Telethon.

Returns Telegram's answers and keeps no position; every call is bounded and raises only our own errors.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import structlog

from ..domain.errors import SourceGone
from ..domain.messages import Account, Box, Chat, Media, Message, Topic
from ..domain.updates import Difference, Push
from . import updates
from .client import Client
from .differences import Differences
from .downloads import Downloads
from .media import locate
from .peers import Peers
from .reading import Reading

log = structlog.get_logger()


class TelegramSource:
    """The reading port of an account."""

    def __init__(self, client: Client, peers: Peers, downloads: Downloads) -> None:
        self._client = client
        self._peers = peers
        self._downloads = downloads
        self._reading = Reading(client, peers, "source")
        self._differences = Differences(client, peers, self._reading, "source")
        self._told: deque[Push] = deque()

    @property
    def connected(self) -> bool:
        return self._client.connected

    async def account(self) -> Account:
        return await self._reading.account()

    async def chat(self, chat: int) -> Chat:
        return await self._reading.chat(chat)

    async def topics(self, chat: int) -> tuple[Topic, ...]:
        return await self._reading.topics(chat)

    async def newest(self, chat: int, topic: int | None = None) -> int:
        return await self._reading.newest(chat, topic)

    async def pinned(self, chat: int) -> tuple[int, ...]:
        return await self._reading.pinned(chat)

    async def count(self, chat: int, topic: int | None = None, *, after: int = 0) -> tuple[int, int]:
        return await self._reading.count(chat, topic, after)

    async def first_since(self, chat: int, date: int, topic: int | None = None) -> int:
        return await self._reading.first_since(chat, date, topic)

    async def history(
        self, chat: int, *, after: int, topic: int | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        return await self._reading.history(chat, after, topic, limit)

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        return await self._reading.messages(chat, ids)

    async def hidden_to(self, chat: int) -> int:
        return await self._reading.hidden_to(chat)

    # Live.

    async def box(self, chat: int) -> Box:
        return await self._differences.box(chat)

    async def difference(self, chat: int, box: Box) -> Difference:
        return await self._differences.difference(chat, box)

    async def pushed(self) -> Push:
        while not self._told:
            update = await self._client.next_update()
            try:
                self._told.extend(updates.pushes(update, self._client.directory))
            except Exception:  # any error in a push: it is dropped, and the position's difference repeats it
                log.exception("a push could not be understood", kind=type(update).__name__)
                self._told.append(updates.EVERYTHING)
        return self._told.popleft()

    # Media.

    async def part(self, media: Media, offset: int, limit: int, *, thumb: bool = False) -> bytes:
        where = locate(media.raw, thumb)
        if where is None:
            raise SourceGone("there is no file behind this media")
        if where.inline is not None:
            return where.inline[offset : offset + limit]
        return await self._downloads.part(media, where.location, offset, limit, thumb=thumb)
