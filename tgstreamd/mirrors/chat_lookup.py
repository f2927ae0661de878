"""What Telegram says about one side of a mirror: the chat and its topics, or the error that stands for them.

An error that says that this chat is lost is an answer; one that says nothing of it (no network, a flood, a
refusal of the question) or that concerns the account is raised.
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

#: Seconds until a question that was refused is asked again, at first and at last; and between words about a
#: wait.
FIRST, LAST, TOLD_EVERY = 5.0, 600.0, 25.0

#: The methods by which is asked about a chat: while Telegram holds one of them, nobody asks.
QUESTIONS = frozenset({"channels.getFullChannel", "messages.getForumTopics", "messages.getFullChat"})

#: Told before each wait: the seconds, and why.
Waiting = Callable[[float, TgstreamdError], None]


async def patiently[R](ask: Callable[[], Awaitable[R]], clock: Clock, waiting: Waiting) -> R:
    """Who the account is, without which nothing starts: through floods, trouble of the network and refusals.

    `waiting` is told why at least every 25 s. The question is asked again after the time that Telegram says;
    after 1, 2, 4, … 60 s where it had no answer; and after 5, 10, 20, … 600 s where it was refused.
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
            # Of an unknown login something else has told.
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
            # While it lasts nothing is asked of Telegram: the connection finds out.
            return FIRST
        case Transient():
            return backoff(tries)
    return backoff(tries, FIRST, LAST)


async def asked(side: Source | Target, chat: int) -> Chat | TelegramError:
    """The chat as this side's account sees it, or why it does not. Raises what says nothing of that."""
    try:
        return await side.chat(chat)
    except (SourceLost, TargetLost) as error:
        return error


async def topics(side: Source | Target, chat: Chat | TelegramError, topic: int | None) -> Sequence[Topic]:
    """The topics of a forum, where a mirror names one of them."""
    if topic is None or not isinstance(chat, Chat) or not chat.forum:
        return ()
    return await side.topics(chat.id)
