"""Reads live positions and differences of a chat's update box, for either port.

Stores no position, so that two readers of the same box do not interfere.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from telethon.tl import functions, types

from ..domain.errors import Rejected
from ..domain.messages import Box
from ..domain.refusals import row
from ..domain.updates import Difference
from . import updates
from .client import Client
from .peer_cache import is_channel
from .peers import Peers
from .reading import Reading
from .translate import Side

#: Most events in one difference of a channel (https://core.telegram.org/method/updates.getChannelDifference).
DIFFERENCE_LIMIT: Final = 100


class Differences:
    """The calls that read positions and differences."""

    def __init__(self, client: Client, peers: Peers, reading: Reading, side: Side) -> None:
        self._client = client
        self._peers = peers
        self._reading = reading
        self._side: Side = side

    async def box(self, chat: int) -> Box:
        """Return the present position of the box to which `chat` belongs."""
        if is_channel(chat):
            full, _entity = await self._reading.full_channel(chat)
            return Box(pts=full.pts)
        return updates.state_box(await self._reading.call(functions.updates.GetStateRequest()))

    async def start(self, chat: int) -> tuple[int, Box | None]:
        """Return the newest message id, and a position whose difference contains everything after now.

        A channel's history gives both at once
        (https://core.telegram.org/constructor/messages.channelMessages).
        """
        if not is_channel(chat):
            position = await self.box(chat)
            return await self._reading.newest(chat), position
        page = await self._reading.page(chat, None, limit=1)
        pts = int(getattr(page, "pts", 0) or 0)
        return max((message.id for message in page.messages), default=0), Box(pts=pts) if pts else None

    async def difference(self, chat: int, box: Box) -> Difference:
        """Return what happened after `box`; too long if Telegram does not know that position."""
        try:
            return await self._ask(chat, box)
        except Rejected as error:
            if row(error.error, error.method).then != "position":
                raise
            # The position is from an old or foreign ledger: start from the present one.
            return Difference(box=await self.box(chat), too_long=True)

    async def _ask(self, chat: int, box: Box) -> Difference:
        directory = self._client.directory
        request: Any
        if is_channel(chat):
            channel = await self._peers.channel(chat, self._side)
            request = functions.updates.GetChannelDifferenceRequest(
                channel, types.ChannelMessagesFilterEmpty(), box.pts, DIFFERENCE_LIMIT
            )
            return updates.channel_difference(await self._reading.call(request), chat, directory)
        moment = datetime.fromtimestamp(box.date, UTC)
        request = functions.updates.GetDifferenceRequest(pts=box.pts, date=moment, qts=box.qts)
        return updates.common_difference(await self._reading.call(request), box, directory)
