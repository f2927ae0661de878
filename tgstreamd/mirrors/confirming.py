"""Asks a chat whether it is lost, where an error says so that may concern a message or method instead.

Asks each chat at most once in ten minutes; remembers the answer, or that there was none. Judges by the rules
of admission. Pauses nothing; changes only the registry's knowledge of the chat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from ..domain.clock import Clock
from ..domain.errors import FloodWait, TelegramError
from ..domain.messages import Chat, Mirror, Topic
from ..domain.ports import Source, Target
from ..limits.holds import StoredHolds
from ..policy.decisions import Confirmation, Side
from ..policy.mirror_checks import judge, refusal
from .chat_lookup import QUESTIONS, asked, topics
from .registry import MirrorRegistry

log = structlog.get_logger()

#: Seconds for which an answer counts.
REMEMBERED = 600.0


@dataclass(frozen=True)
class _Answer:
    """The answer of a chat. `seen`: the registry's chat at that time."""

    #: End of its validity, by the monotonic clock, and by the wall clock for others.
    until: float
    date: float
    chat: Chat | TelegramError
    topics: Sequence[Topic]
    seen: Chat | None
    unanswered: str = ""


class Confirming:
    """Remembers the answers of chats."""

    def __init__(
        self, source: Source, target: Target, roster: MirrorRegistry, clock: Clock, holds: StoredHolds
    ) -> None:
        self._sides: dict[Side, Source | Target] = {"source": source, "target": target}
        self._roster = roster
        self._clock = clock
        self._holds = holds
        self._answers: dict[tuple[Side, int], _Answer] = {}

    async def confirm(self, mirror: Mirror, side: Side) -> Confirmation:
        """Return the answer of the chat on this side of the mirror, at most ten minutes old.

        Raises NotAuthorised, and StoreError.
        """
        answer = await self._answer(mirror, side)
        if answer.unanswered:
            return Confirmation(unanswered=answer.unanswered, until=answer.date)
        return Confirmation(lost=self._judge(mirror, side, answer), until=answer.date)

    def _judge(self, mirror: Mirror, side: Side, answer: _Answer) -> str:
        unasked = TelegramError("not asked")
        if side == "source":
            other = self._roster.targets.get(mirror.target, unasked)
            findings = judge(mirror, answer.chat, other, source_topics=answer.topics)
        else:
            other = self._roster.sources.get(mirror.source, unasked)
            findings = judge(mirror, other, answer.chat, target_topics=answer.topics)
        return refusal(finding for finding in findings if finding.subject == side)

    async def _answer(self, mirror: Mirror, side: Side) -> _Answer:
        chat_id = mirror.source if side == "source" else mirror.target
        seen = self._chats(side).get(chat_id)
        known = self._answers.get((side, chat_id))
        # If the chat was fetched elsewhere since, the registry's answer is newer than ours.
        if known is not None and known.seen is seen and self._clock.monotonic() < known.until:
            return known
        answer = await self._ask(mirror, side, chat_id)
        self._answers[side, chat_id] = answer
        log.info(
            "chat asked whether it is lost",
            chat=chat_id,
            mirror=mirror.name,
            said=answer.unanswered or self._judge(mirror, side, answer) or "it is not",
        )
        return answer

    async def _ask(self, mirror: Mirror, side: Side, chat_id: int) -> _Answer:
        port = self._sides[side]
        wait, seen = REMEMBERED, self._chats(side).get(chat_id)
        try:
            if (flood := await self._holds.flood(QUESTIONS)) is not None:
                raise flood
            chat = await asked(port, chat_id)
            there = await topics(port, chat, self._topic(side, chat_id))
        except TelegramError as error:
            # Without a definite answer the only consequence is to ask again.
            if isinstance(error, FloodWait):
                await self._holds.remember(error)
                wait = max(wait, float(error.seconds))
            return _Answer(*self._until(wait), error, (), seen, unanswered=error.line())
        if isinstance(chat, Chat):
            self._chats(side)[chat_id] = seen = chat
        return _Answer(*self._until(wait), chat, there, seen)

    def _until(self, seconds: float) -> tuple[float, float]:
        return self._clock.monotonic() + seconds, self._clock.now() + seconds

    def _topic(self, side: Side, chat_id: int) -> int | None:
        """Return a topic of this chat that some mirror names, for which all topics are fetched."""
        places = [
            (mirror.source, mirror.source_topic) if side == "source" else (mirror.target, mirror.target_topic)
            for mirror in self._roster.mirrors.values()
        ]
        return next((topic for chat, topic in places if chat == chat_id and topic is not None), None)

    def _chats(self, side: Side) -> dict[int, Chat]:
        return self._roster.sources if side == "source" else self._roster.targets
