"""What Telegram says about one side of a mirror: the chat and its topics, or the error that stands for them.

An error that says that this chat is lost is an answer; one that says nothing of it (no network, a flood, a
refusal of the question) or that concerns the account is raised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..clock import Clock
from ..errors import AccountFrozen, FloodWait, SourceLost, TargetLost, TelegramError, TgstreamdError
from ..model import Chat, Topic
from ..ports import Source, Target

#: Seconds until a question that failed is asked again; and between words about a wait.
AGAIN, TOLD_EVERY = 5.0, 25.0

#: The methods by which is asked about a chat: while Telegram holds one of them, nobody asks.
QUESTIONS = frozenset({"channels.getFullChannel", "messages.getForumTopics", "messages.getFullChat"})

#: Told before each wait: the seconds, and why.
Waiting = Callable[[float, TgstreamdError], None]


async def patiently[R](ask: Callable[[], Awaitable[R]], clock: Clock, waiting: Waiting) -> R:
    """The answer, through floods, trouble of the network and refusals, however long; `waiting` is told
    meanwhile."""
    while True:
        try:
            return await ask()
        except AccountFrozen:
            raise
        except TelegramError as error:
            pause = float(error.seconds) if isinstance(error, FloodWait) else AGAIN
            end = clock.monotonic() + pause
            while (left := end - clock.monotonic()) > 0:
                waiting(left, error)
                await clock.sleep_until(min(end, clock.monotonic() + TOLD_EVERY))


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
