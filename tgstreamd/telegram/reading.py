"""Reads chats: the queries that both ports of an account make.

Histories are returned oldest first and filtered by id, whatever Telegram puts into a page: holes, empty
messages, fewer than requested. Does not decide what to do with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from telethon.tl import functions, types

from ..domain.errors import Rejected, SourceLost, TargetLost, TelegramError, Transient
from ..domain.messages import GENERAL_TOPIC, Account, Chat, Message, Topic
from ..domain.refusals import row
from . import chats, convert
from .client import Client
from .peer_cache import display_name, is_channel, marked
from .peers import Peers
from .translate import Side

#: Telegram's largest page, and the largest batch of ids.
PAGE: Final = 100
#: Pages of other topics skipped in one call before the next message of General.
SKIPPED_PAGES_MAX: Final = 50
#: Pages counted one by one if Telegram does not say how many messages are above an id.
COUNTED_PAGES_MAX: Final = 10
APP_CONFIG_AGE: Final = 3600.0
TEXT_MAX: Final = 4096


class Reading:
    """The reading calls of one port."""

    def __init__(self, client: Client, peers: Peers, side: Side) -> None:
        self._client = client
        self._peers = peers
        self._side: Side = side
        self._limits: tuple[float, dict[str, float]] = (0.0, {})
        #: Progress of a search for the next message of General, by (chat, after).
        self._scanned: dict[tuple[int, int], int] = {}

    async def call(self, request: Any, timeout: float = 60.0) -> Any:
        return await self._client.call(request, side=self._side, timeout=timeout)

    def lost(self, what: str, hint: str = "") -> TelegramError:
        return (SourceLost if self._side == "source" else TargetLost)(what, hint=hint)

    # The account and its chats.

    async def account(self) -> Account:
        users = await self.call(functions.users.GetUsersRequest([types.InputUserSelf()]))
        if not users or not isinstance(users[0], types.User):
            raise Transient("Telegram does not say who this account is")
        me = users[0]
        limits = await self._app_config()
        kind = "premium" if me.premium else "default"
        return Account(
            id=me.id,
            name=display_name(me),
            username=me.username or "",
            premium=bool(me.premium),
            bot=bool(me.bot),
            text_max=await self._text_max(),
            caption_max=int(limits.get(f"caption_length_limit_{kind}", 4096 if me.premium else 1024)),
            parts_max=int(limits.get(f"upload_max_fileparts_{kind}", 8000 if me.premium else 4000)),
        )

    async def _text_max(self) -> int:
        return int(getattr(await self._client.config(), "message_length_max", 0) or TEXT_MAX)

    async def limit(self, name: str, default: int) -> int:
        """Return a number of Telegram's own configuration (https://core.telegram.org/api/config)."""
        return int((await self._app_config()).get(name, default))

    async def _app_config(self) -> dict[str, float]:
        now = self._client.monotonic()
        asked, limits = self._limits
        if limits and now - asked < APP_CONFIG_AGE:
            return limits
        try:
            answer = await self.call(functions.help.GetAppConfigRequest(hash=0))
        except Rejected:
            return limits  # a bot may not ask; the documented limits hold
        found = {
            item.key: item.value.value
            for item in getattr(getattr(answer, "config", None), "value", None) or ()
            if isinstance(item.value, types.JsonNumber)
        }
        self._limits = (now, found)
        return found

    async def full_channel(self, chat: int) -> tuple[Any, Any]:
        """Return `(ChannelFull, Channel)`. Raises the port's error for a lost chat if the account has no
        access."""
        answer = await self.call(
            functions.channels.GetFullChannelRequest(await self._peers.channel(chat, self._side))
        )
        entity = next((c for c in answer.chats if marked(c) == chat), None)
        if not isinstance(entity, types.Channel):
            raise self.lost(f"the account was removed from {getattr(entity, 'title', chat)!r}")
        return answer.full_chat, entity

    async def chat(self, chat: int) -> Chat:
        if is_channel(chat):
            full, entity = await self.full_channel(chat)
            return chats.channel(entity, full)
        if chat > 0:
            answer = await self.call(
                functions.users.GetUsersRequest([await self._peers.peer(chat, self._side)])
            )
            if not answer or not isinstance(answer[0], types.User):
                raise self.lost(f"there is no user {chat}")
            return chats.user(answer[0])
        answer = await self.call(functions.messages.GetFullChatRequest(-chat))
        entity = next((c for c in answer.chats if marked(c) == chat), None)
        if not isinstance(entity, types.Chat):
            raise self.lost(f"the account was removed from group {getattr(entity, 'title', chat)!r}")
        return chats.group(entity, answer.full_chat)

    async def topics(self, chat: int) -> tuple[Topic, ...]:
        """Return all topics in Telegram's order, the pinned ones first; none for a chat without topics."""
        if not is_channel(chat):
            return ()
        peer = await self._peers.peer(chat, self._side)
        found: dict[int, Topic] = {}
        date, message_id, topic_id = None, 0, 0
        pins = 0
        while True:
            try:
                answer = await self.call(
                    functions.messages.GetForumTopicsRequest(peer, date, message_id, topic_id, limit=PAGE)
                )
            except Rejected as error:
                if row(error.error, error.method).then == "so already":
                    return ()
                raise
            page = [t for t in answer.topics if isinstance(t, types.ForumTopic)]
            fresh = [t for t in page if t.id not in found]
            for t in fresh:
                pins += bool(t.pinned)
                found[t.id] = chats.topic(t, place=pins)
            if not fresh or len(found) >= answer.count:
                return tuple(found.values())
            last = page[-1]
            dates = {m.id: m.date for m in answer.messages}
            date, message_id, topic_id = dates.get(last.top_message, last.date), last.top_message, last.id

    # Messages.

    async def page(self, chat: int, topic: int | None, *, offset_id: int = 0, offset_date: int = 0,
                   add_offset: int = 0, limit: int = PAGE) -> Any:  # fmt: skip
        """Return one page as Telegram gives it, of the chat or of one of its topics (never of General)."""
        peer = await self._peers.peer(chat, self._side)
        paging: dict[str, Any] = {
            "offset_id": offset_id,
            "offset_date": datetime.fromtimestamp(offset_date, UTC) if offset_date else None,
            "add_offset": add_offset,
            "limit": limit,
            "max_id": 0,
            "min_id": 0,
            "hash": 0,
        }
        if topic is None or topic == GENERAL_TOPIC:
            return await self.call(functions.messages.GetHistoryRequest(peer, **paging))
        return await self.call(functions.messages.GetRepliesRequest(peer, topic, **paging))

    async def newest(self, chat: int, topic: int | None = None) -> int:
        """Return the newest message id; for General that of the whole chat, since General alone cannot be
        queried."""
        answer = await self.page(chat, topic, limit=1)
        return max((m.id for m in answer.messages), default=0)

    async def history(self, chat: int, after: int, topic: int | None, limit: int) -> tuple[Message, ...]:
        """Return at most `limit` messages above `after`, oldest first; empty only if nothing is above."""
        limit = max(1, min(limit, PAGE))
        place = self._scanned.pop((chat, after), after) if topic == GENERAL_TOPIC else after
        for _ in range(SKIPPED_PAGES_MAX):
            page = await self._above(chat, place, topic, limit)
            if not page:
                if await self.newest(chat, topic) <= place:
                    return ()
                raise Transient(
                    f"Telegram gives no messages above {place} in {chat}, and says there are some"
                )
            found = convert.messages(page, self._client.directory)
            if topic == GENERAL_TOPIC:
                found = tuple(m for m in found if m.topic in (None, GENERAL_TOPIC))
            if found:
                return found
            place = page[-1].id
        self._scanned[chat, after] = place
        raise Transient(f"still on the way through other topics of {chat}, at {place}")

    async def _above(self, chat: int, after: int, topic: int | None, limit: int) -> list[Any]:
        # The window of a negative add_offset ends just below offset_id; near the newest message Telegram may
        # fill it with older ones, which the filter removes.
        answer = await self.page(chat, topic, offset_id=after + 1, add_offset=-limit, limit=limit)
        above = {m.id: m for m in answer.messages if m.id > after}
        return [above[id_] for id_ in sorted(above)]

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        received = [await self._whole(chat, tl) for tl in await self.messages_tl(chat, ids)]
        found = convert.messages(received, self._client.directory)
        # Ids of basic groups and users are one sequence.
        return {message.id: message for message in found if message.chat == chat}

    async def hidden_to(self, chat: int) -> int:
        """Return the id up to which this account sees nothing, deleted or not.

        Telegram says it for channels (https://core.telegram.org/constructor/channelFull, `available_min_id`);
        for a basic group it is everything below the oldest visible message.
        """
        if is_channel(chat):
            full, _entity = await self.full_channel(chat)
            return int(full.available_min_id or 0)
        oldest = await self._above(chat, 0, None, 1)
        return int(oldest[0].id) - 1 if oldest else 2**31 - 1

    async def _whole(self, chat: int, tl: Any) -> Any:
        """Fetch the rest of a message whose page was sent only in part."""
        page = getattr(tl, "rich_message", None)
        if page is None or not page.part:
            return tl
        peer = await self._peers.peer(chat, self._side)
        answer = await self.call(functions.messages.GetRichMessageRequest(peer, tl.id))
        return next((m for m in answer.messages if m.id == tl.id), tl)

    async def messages_tl(self, chat: int, ids: Sequence[int]) -> list[Any]:
        """Return these messages as Telegram's objects, empty ones included."""
        found: list[Any] = []
        wanted = sorted(set(ids))
        for start in range(0, len(wanted), PAGE):
            batch: list[Any] = [types.InputMessageID(id_) for id_ in wanted[start : start + PAGE]]
            request: Any
            if is_channel(chat):
                channel = await self._peers.channel(chat, self._side)
                request = functions.channels.GetMessagesRequest(channel, batch)
            else:
                request = functions.messages.GetMessagesRequest(batch)
            found += (await self.call(request)).messages
        return found

    async def count(self, chat: int, topic: int | None, after: int) -> tuple[int, int]:
        """Return the number of messages above `after`, and the date of the oldest of them.

        For General Telegram cannot say it: the count is that of the whole chat, an upper bound.
        """
        answer = await self.page(chat, topic, offset_id=after + 1, add_offset=-1, limit=1)
        first = next((m for m in answer.messages if m.id > after), None)
        if first is None:
            return 0, 0
        total = int(getattr(answer, "count", len(answer.messages)))
        place = getattr(answer, "offset_id_offset", None)
        if place is not None and answer.messages[0].id == first.id:
            total = place + 1
        elif after:
            total = await self._count_above(chat, topic, after, total)
        return total, convert.seconds(getattr(first, "date", 0))

    async def _count_above(self, chat: int, topic: int | None, after: int, total: int) -> int:
        """Count messages page by page, and beyond some pages estimate by the ids; used if Telegram gives no
        position."""
        above, place = 0, after
        for _ in range(COUNTED_PAGES_MAX):
            page = await self._above(chat, place, topic, PAGE)
            if not page:
                return above
            above, place = above + len(page), page[-1].id
        newest = await self.newest(chat, topic)
        return max(above, round(total * (newest - after) / max(1, newest)))

    async def first_since(self, chat: int, date: int, topic: int | None) -> int:
        """Return the first id at or after `date`; newest + 1 if there is none."""
        around = await self.page(chat, topic, offset_date=date, add_offset=-PAGE // 2)
        since = [m.id for m in around.messages if convert.seconds(getattr(m, "date", 0)) >= date]
        return min(since) if since else await self.newest(chat, topic) + 1

    async def scheduled(self, chat: int) -> tuple[Message, ...]:
        peer = await self._peers.peer(chat, self._side)
        try:
            answer = await self.call(functions.messages.GetScheduledHistoryRequest(peer, hash=0))
        except Rejected as error:
            if row(error.error, error.method).then == "so already":
                return ()  # an account without that right has nothing scheduled there
            raise
        found = convert.messages(getattr(answer, "messages", ()), self._client.directory)
        return tuple(sorted(found, key=lambda message: message.id))

    async def pinned(self, chat: int) -> tuple[int, ...]:
        """Return the ids of the pinned messages, oldest first (https://core.telegram.org/api/pin)."""
        peer = await self._peers.peer(chat, self._side)
        found: set[int] = set()
        offset = 0
        while True:
            answer = await self.call(
                functions.messages.SearchRequest(
                    peer, q="", filter=types.InputMessagesFilterPinned(), min_date=None, max_date=None,
                    offset_id=offset, add_offset=0, limit=100, max_id=0, min_id=0, hash=0,
                )
            )  # fmt: skip
            page = {message.id for message in getattr(answer, "messages", ())} - found
            if not page:
                return tuple(sorted(found))
            found |= page
            offset = min(page)
