"""What Telegram says about one side of a mirror: the chat and its topics, or the error that stands for them.

An error that says something about this chat is an answer; one that says nothing (no network, a flood) or
that concerns the account is raised.
"""

from __future__ import annotations

from collections.abc import Sequence

from .errors import AccountFrozen, FloodWait, NotAuthorised, TelegramError, Transient
from .model import Chat, Topic
from .ports import Source, Target


async def asked(side: Source | Target, chat: int) -> Chat | TelegramError:
    """The chat as this side's account sees it, or why it does not."""
    try:
        return await side.chat(chat)
    except (NotAuthorised, Transient, FloodWait, AccountFrozen):
        raise
    except TelegramError as error:
        return error


async def topics(side: Source | Target, chat: Chat | TelegramError, topic: int | None) -> Sequence[Topic]:
    """The topics of a forum, where a mirror names one of them."""
    if topic is None or not isinstance(chat, Chat) or not chat.forum:
        return ()
    return await side.topics(chat.id)
