"""Asks Telegram about one side of a mirror: its chat and topics, or the error that replaces them.

An error that this chat is lost is returned as an answer; errors that say nothing about the chat (no network,
a flood wait, a refused request) or that concern the account are raised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from ..domain.clock import Clock
from ..domain.errors import (
    AccountFrozen,
    FloodWait,
    LoginUnknown,
    SourceLost,
    TargetLost,
    TelegramError,
    TgstreamdError,
    Transient,
)
from ..domain.messages import Chat, Topic
from ..domain.ports import Source, Target
from ..policy.retry import backoff

log = structlog.get_logger()

#: Seconds until a refused request is repeated, first and longest; and between two reports of a wait.
FIRST, LAST, TOLD_EVERY = 5.0, 600.0, 25.0

#: The methods that ask about a chat: none is called while Telegram holds one of them.
QUESTIONS = frozenset({"channels.getFullChannel", "messages.getForumTopics", "messages.getFullChat"})

#: Called before each wait with its seconds and reason.
Waiting = Callable[[float, TgstreamdError], None]


async def patiently[R](ask: Callable[[], Awaitable[R]], clock: Clock, waiting: Waiting) -> R:
    """Ask which account this is, through flood waits, network errors and refusals: nothing starts without it.

    Calls `waiting` with the reason at least every 25 s. Repeats the request after the time that Telegram
    orders; after 1, 2, 4, … 60 s where there was no answer; and after 5, 10, 20, … 600 s where it was
    refused.
    """
    tries = 0
    while True:
        try:
            return await ask()
        except AccountFrozen:
            raise
        except TelegramError as error:
            tries += 1
            pause = _pause(error, tries)
            # An unknown login is reported elsewhere.
            if not isinstance(error, LoginUnknown) and (tries in (1, 5) or tries % 30 == 0):
                log.warning("start waits", seconds=round(pause), tries=tries, why=error.line())
            told = TgstreamdError(f"waiting to learn who this account is: {error.what}", hint=error.hint)
            end = clock.monotonic() + pause
            while (left := end - clock.monotonic()) > 0:
                waiting(left, told)
                await clock.sleep_until(min(end, clock.monotonic() + TOLD_EVERY))


def _pause(error: TelegramError, tries: int) -> float:
    match error:
        case FloodWait():
            return float(max(1, error.seconds))
        case LoginUnknown():
            # While it lasts no request reaches Telegram: the connection finds out.
            return FIRST
        case Transient():
            return backoff(tries)
    return backoff(tries, FIRST, LAST)


async def asked(side: Source | Target, chat: int) -> Chat | TelegramError:
    """Return the chat as this side's account sees it, or the error that it is lost. Raises other errors."""
    try:
        return await side.chat(chat)
    except (SourceLost, TargetLost) as error:
        return error


async def topics(side: Source | Target, chat: Chat | TelegramError, topic: int | None) -> Sequence[Topic]:
    """Return the topics of a forum, where a mirror names one of them."""
    if topic is None or not isinstance(chat, Chat) or not chat.forum:
        return ()
    return await side.topics(chat.id)
