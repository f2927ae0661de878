"""Reads a chat page by page, skipping messages that cannot be decoded."""

from __future__ import annotations

from collections import Counter

from ..domain.errors import Undecodable
from ..domain.messages import Message
from ..domain.ports import Source, Target

#: Telegram's largest page (https://core.telegram.org/method/messages.getHistory).
PAGE = 100
#: Above every message id.
END = 2**31


async def readable(
    side: Source | Target, chat: int, after: int, topic: int | None, counts: Counter[str]
) -> tuple[tuple[Message, ...], int]:
    """Return the next messages above `after`, and the id up to which they are complete; END at the end.

    A message that cannot be decoded is left out and counted as `unreadable`.
    """
    limit = PAGE
    while True:
        try:
            page = await side.history(chat, after=after, topic=topic, limit=limit)
            return page, page[-1].id if page else END
        except Undecodable:
            if limit == 1:
                counts["unreadable"] += 1
                return (), after + 1
            limit //= 2
