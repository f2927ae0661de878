"""Resolves marked ids to peers that Telegram accepts, asking Telegram if the session does not know one.

A chat's access hash comes from the session; an unknown one is looked up in the dialogs, since a new string
session knows no peers. Never resolves a name: `resolve` does, once in a mirror's life.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from telethon.tl import functions, types

from ..domain.errors import SourceLost, TargetLost
from .client import Client
from .peer_cache import is_channel, marked
from .translate import Side

#: Dialogs in a page, and pages at most: 20,000 chats.
PAGE: Final = 100
PAGES_MAX: Final = 200
#: Seconds before the dialogs are read again for a chat that was not among them.
AGAIN: Final = 300.0


class Peers:
    """The peers of an account, shared by both of its ports."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._learning = asyncio.Lock()
        self._learnt = float("-inf")

    async def peer(self, chat: int, side: Side) -> Any:
        """Return the InputPeer. Raises SourceLost or TargetLost if the account does not know the chat."""
        await self._is_known(chat, side)
        return self._client.directory.input_peer(chat)

    async def channel(self, chat: int, side: Side) -> Any:
        await self._is_known(chat, side)
        return self._client.directory.input_channel(chat)

    async def _is_known(self, chat: int, side: Side) -> None:
        directory = self._client.directory
        if (chat < 0 and not is_channel(chat)) or directory.known(chat):
            return
        async with self._learning:
            now = self._client.monotonic()
            if now - self._learnt > AGAIN and not directory.known(chat):
                async for _page in self.dialog_pages(side):
                    pass
                self._learnt = now
        if not directory.known(chat):
            lost = SourceLost if side == "source" else TargetLost
            raise lost(
                f"chat {chat} is unknown to this account",
                error="CHANNEL_INVALID",
                hint="join it with this account; `tgstreamd chats` lists what it sees",
            )

    async def dialog_pages(self, side: Side = "source") -> Any:
        """Yield all dialogs by page: `(dialogs, their chats and users by marked id)`."""
        date, message_id = None, 0
        peer: Any = types.InputPeerEmpty()
        seen: set[int] = set()
        for _ in range(PAGES_MAX):
            answer = await self._client.call(
                functions.messages.GetDialogsRequest(date, message_id, peer, PAGE, hash=0), side=side
            )
            entities = {marked(entity): entity for entity in (*answer.chats, *answer.users)}
            dialogs = [d for d in answer.dialogs if isinstance(d, types.Dialog)]
            fresh = [d for d in dialogs if marked(d.peer) not in seen]
            seen.update(marked(d.peer) for d in fresh)
            yield fresh, entities
            if not fresh or isinstance(answer, types.messages.Dialogs):
                return
            tops = {(marked(m.peer_id), m.id): m for m in answer.messages if m.peer_id is not None}
            for dialog in reversed(dialogs):
                # The next page begins below the last dialog whose top message and peer are usable.
                top = tops.get((marked(dialog.peer), dialog.top_message))
                where = marked(dialog.peer)
                if top is not None and top.date and self._reachable(where):
                    date, message_id = top.date, top.id
                    peer = self._client.directory.input_peer(where)
                    break
            else:
                return

    def _reachable(self, chat: int) -> bool:
        return (chat < 0 and not is_channel(chat)) or self._client.directory.known(chat)
