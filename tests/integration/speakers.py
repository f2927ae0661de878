"""One way to speak to the server through two libraries: raw calls by their TL names.

A `Speaker` wraps an unmodified Telethon or kurigram client, builds requests and types of that library and
collects the updates that the library reports. What both understand alike is what the server really says.
"""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pyrogram
from pyrogram import raw
from pyrogram.errors import RPCError as KurigramError
from telethon import errors, events
from telethon.tl import functions, types

from tests.fakes import HANG
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account


class Refused(Exception):
    """The server answered with an error: `code` and the string that it sent."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


class Speaker:
    """Speaks as one account. `updates` holds what was pushed and reported, in order."""

    def __init__(self, tg: TelegramServer, account: Account, client: Any) -> None:
        self.tg = tg
        self.account = account
        self.client = client
        self.updates: asyncio.Queue[Any] = asyncio.Queue()
        self._is_kurigram = isinstance(client, pyrogram.Client)

    def listen(self) -> None:
        """Report raw updates from now on."""
        if self._is_kurigram:

            async def told(client: Any, update: Any, users: Any, chats: Any) -> None:
                self.updates.put_nowait(update)

            self.client.add_handler(pyrogram.handlers.RawUpdateHandler(told))
        else:

            async def heard(update: Any) -> None:
                self.updates.put_nowait(update)

            self.client.add_event_handler(heard, events.Raw())

    async def pushed(self, kind: str) -> Any:
        """The next update of this kind; the others before it are passed over."""
        async with asyncio.timeout(HANG):
            while True:
                update = await self.updates.get()
                if name_of(update) == kind:
                    return update

    def t(self, name: str, /, **fields: Any) -> Any:
        """A type of the library by its TL name (`InputPeerChannel`, `messages.…`)."""
        found = raw.types if self._is_kurigram else types
        for part in name.split("."):
            found = getattr(found, part)
        return found(**fields)

    async def call(self, method: str, /, **fields: Any) -> Any:
        """Ask `messages.SendMessage` or its like; a `Refused` is the server's error."""
        space, name = method.split(".")
        if self._is_kurigram:
            request = getattr(getattr(raw.functions, space), name)(**fields)
            try:
                # `invoke` would repeat a 5xx ten times and then hide it.
                return await self.client.session.send(request)
            except KurigramError as error:
                raise Refused(error.CODE, _filled(error)) from None
        request = getattr(getattr(functions, space), f"{name}Request")(**fields)
        try:
            return await self.client(request)
        except errors.RPCError as error:
            raise Refused(error.code, _telethon_string(error)) from None

    # What most conversations need

    def peer(self, chat: Chat) -> Any:
        """The `InputPeer` of a chat, with this account's access hash."""
        if chat.kind == "group":
            return self.t("InputPeerChat", chat_id=chat.id)
        if chat.kind == "private":
            other = chat.partner_of(self.account.id)
            return self.t("InputPeerUser", user_id=other, access_hash=self._hash("user", other))
        return self.t("InputPeerChannel", channel_id=chat.id, access_hash=self._hash("channel", chat.id))

    def channel(self, chat: Chat) -> Any:
        return self.t("InputChannel", channel_id=chat.id, access_hash=self._hash("channel", chat.id))

    def user(self, account: Account) -> Any:
        return self.t("InputUser", user_id=account.id, access_hash=self._hash("user", account.id))

    def _hash(self, kind: str, peer_id: int) -> int:
        return self.tg.world.peers.access_hash(self.account.id, kind, peer_id)

    async def send(self, chat: Chat, text: str, random_id: int, **fields: Any) -> Any:
        return await self.call(
            "messages.SendMessage", peer=self.peer(chat), message=text, random_id=random_id, **fields
        )

    async def history(self, chat: Chat, **fields: Any) -> Any:
        """messages.getHistory; what is not said is 0."""
        asked: dict[str, Any] = dict.fromkeys(("offset_id", "add_offset", "max_id", "min_id"), 0)
        asked |= {"offset_date": self.when(0), "limit": 100}
        return await self.call("messages.GetHistory", peer=self.peer(chat), hash=0, **(asked | fields))

    async def difference(self, chat: Chat, pts: int, limit: int = 100) -> Any:
        return await self.call(
            "updates.GetChannelDifference",
            channel=self.channel(chat),
            filter=self.t("ChannelMessagesFilterEmpty"),
            pts=pts,
            limit=limit,
        )

    async def common_difference(self, pts: int, date: int) -> Any:
        return await self.call("updates.GetDifference", pts=pts, date=self.when(date), qts=0)

    def when(self, moment: int) -> Any:
        """A date as the library wants it in a request."""
        if self._is_kurigram:
            return moment
        return datetime.datetime.fromtimestamp(moment, datetime.UTC) if moment else None


def name_of(thing: Any) -> str:
    return type(thing).__name__


def unix(moment: Any) -> int:
    return int(moment.timestamp()) if isinstance(moment, datetime.datetime) else int(moment)


def new_message(answer: Any) -> Any:
    """The one message that an `Updates` brings."""
    found = [u.message for u in answer.updates if "Message" in name_of(u) and hasattr(u, "message")]
    assert len(found) == 1
    return found[0]


def ids_of(answer: Any) -> list[int]:
    return [m.id for m in answer.messages]


def random_ids(answer: Any) -> dict[int, int]:
    """random_id → message id."""
    return {u.random_id: u.id for u in answer.updates if name_of(u) == "UpdateMessageID"}


def covered(text: str, entities: Any) -> list[tuple[str, str]]:
    """Kind of entity and what it covers, by UTF-16 units."""
    raw_text = text.encode("utf-16-le")
    return [
        (
            name_of(e).removeprefix("MessageEntity"),
            raw_text[e.offset * 2 : (e.offset + e.length) * 2].decode("utf-16-le"),
        )
        for e in entities or ()
    ]


def _filled(error: Any) -> str:
    """kurigram keeps the error's name with X for the number, and the number apart."""
    name = str(error.ID or error.value)
    return name.replace("_X", f"_{error.value}", 1) if "_X" in name else name


def _telethon_string(error: Any) -> str:
    """Telethon keeps the string of errors that it does not know; of the others only the class."""
    if type(error) in _NAMES:
        return _NAMES[type(error)]
    for kind, pattern in _PATTERNS.items():
        if type(error) is kind:
            number = getattr(error, "seconds", None) or getattr(error, "which", None) or 0
            return pattern.format(number)
    return str(error.message)


_NAMES = {cls: name for name, cls in errors.rpcerrorlist.rpc_errors_dict.items()}
_PATTERNS = {
    errors.FloodWaitError: "FLOOD_WAIT_{}",
    errors.SlowModeWaitError: "SLOWMODE_WAIT_{}",
}
