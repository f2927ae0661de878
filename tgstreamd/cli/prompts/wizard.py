"""Asks for the mirror of `init`: its two chats, their topics, and every option with consequences.

Chats and topics are picked from those of the account; each option shows its cost for this chat. Values given
by flags are not asked. Writes nothing, and queries Telegram only about the chats.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import msgspec

from ...config import MirrorConfig, rules
from ...control import chats, check
from ...control.check import Reach
from ...domain.clock import SystemClock
from ...domain.errors import NotAuthorised, TgstreamdError
from ...mirrors.from_config import mirror_of
from ...policy.mirror_checks import span
from ..output.format import clean
from ..output.terminal import complain, say
from .options import CHOICES, HISTORIES
from .picker import Row, pick
from .prompt import Keyboard

INTERVAL = rules.LEAST_INTERVAL
QUESTIONS = {"source": "source: the chat that is copied", "target": "target: the chat that is written"}


class Side(msgspec.Struct, frozen=True):
    """One chat as it will be written, and its row in the list if it could be read."""

    ref: int | str
    row: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        return clean(self.row["title"], 60) if self.row else ""

    @property
    def kind(self) -> str:
        return str(self.row["kind"]) if self.row else ""


class Interview:
    """Asks about one mirror. `listed` are the rows of `control.chats`; `reach` is None without a
    connection."""

    def __init__(
        self,
        given: Namespace,
        keyboard: Keyboard | None,
        listed: Sequence[dict[str, Any]],
        reach: Reach | None,
    ) -> None:
        #: Without a keyboard there are no prompts: the flags give everything.
        self._given = given
        self._keyboard = keyboard
        self._listed = listed
        self._reach = reach
        self._counts: dict[str, tuple[int, int]] = {}

    async def hold(self) -> dict[str, Any]:
        """Return the answers about the mirror, by the names of `config_file.Answers`."""
        source = await self._chat("source", None, None)
        source_topic = await self._topic("source", source, None)
        target = await self._chat("target", source, source_topic)
        target_topic = await self._topic("target", target, source_topic if source.row else None, source)
        answers: dict[str, Any] = {
            "source": source.ref,
            "target": target.ref,
            "source_topic": source_topic,
            "target_topic": target_topic,
            "source_title": source.title,
            "target_title": target.title,
        }
        await self._count(source, source_topic, "all")
        answers["history"] = await self._history(source, source_topic)
        count = self._counts.get(answers["history"])
        costs = {}
        if count is not None:
            costs["history"] = check.cost_words(answers["history"], *count, INTERVAL)
        for choice in CHOICES:
            costs |= (
                {choice.key: cost}
                if (cost := choice.cost(span(count[0] * INTERVAL) if count and count[0] else None))
                else {}
            )
            answers[choice.key] = await self._choice(choice, source, count)
        return {**answers, "costs": costs}

    # Chats and topics.

    async def _chat(self, side: str, source: Side | None, source_topic: int | None) -> Side:
        if given := getattr(self._given, side):
            ref = rules.chat(side, given)
            try:
                found = Side(ref, await self._row(ref))
            except TgstreamdError as error:
                self._note(error.line())
                found = Side(ref)
            if found.row and (refusal := found.row[f"{side}_refusal"]):
                self._note(f'{side}: "{found.title}": {refusal}')
            return found
        assert self._keyboard is not None
        while True:
            taken = await self._pick_chat(side, source, source_topic)
            if isinstance(taken, dict):
                self._say(side, f"{clean(taken['title'], 60)} ({taken['id']})")
                return Side(taken["id"], taken)
            try:
                row = await self._row(taken)
            except TgstreamdError as error:
                say(f"  {error.line()}")
                continue
            refusal = row[f"{side}_refusal"] if row else ""
            if refusal or taken == (source.ref if source and source_topic is None else None):
                say(f"  {taken}: {refusal or 'it is the source'}")
                continue
            self._say(side, f"{clean(row['title'], 60)} ({taken})" if row else str(taken))
            return Side(taken, row)

    async def _pick_chat(self, side: str, source: Side | None, source_topic: int | None) -> Any:
        """Return a row of the list, or what was typed."""
        rows = [chat_row(chat, side) for chat in self._listed]
        if source and source.row and not source.row["topics"]:
            rows = [
                msgspec.structs.replace(row, refusal="it is the source")
                if row.value["id"] == source.row["id"]
                else row
                for row in rows
            ]
        rows.sort(key=lambda row: bool(row.refusal))

        def typed(text: str) -> Row:
            return Row(value=rules.chat(side, text), title=f"{text}, as written")

        if rows:
            return await pick(QUESTIONS[side], rows, typed=typed, words="an id, @name or link")
        assert self._keyboard is not None
        text = await self._keyboard.answer(
            f"{QUESTIONS[side]} (id, @name or link)", valid=lambda text: rules.chat(side, text)
        )
        return rules.chat(side, text)

    async def _row(self, ref: int | str) -> dict[str, Any] | None:
        """Return the row of a chat; None without a connection. Raises Telegram's errors about it."""
        for chat in self._listed:
            if ref in (chat["id"], f"@{chat['username']}"):
                return chat
        if self._reach is None:
            return None
        found = await self._reach.source.chat(await self._reach.resolve(ref))
        return chats.row(found, await chats.topics_of(self._reach.source, found))

    async def _topic(
        self, side: str, of: Side, source_topic: int | None, source: Side | None = None
    ) -> int | None:
        given: int | None = getattr(self._given, f"{side}_topic")
        if given is not None or self._keyboard is None or of.row is None or not of.row["topics"]:
            return given
        whole = "the whole chat, all its topics"
        if source is not None:
            forum = bool(source.row and source.row["topics"]) and source_topic is None
            whole = "topics like those of the source" if forum else "no topic of its own: General"
        rows = [Row(value=None, title=whole)]
        rows += [
            Row(
                value=topic["id"],
                title=clean(topic["title"]),
                marks=(str(topic["id"]), "closed" if topic["closed"] else ""),
            )
            for topic in of.row["topics"]
        ]

        def typed(text: str) -> Row:
            number = rules.whole(f"{side}_topic", text)
            return Row(value=number, title=f"topic {number}, as written")

        topic: int | None = await pick(f"{side}: which topic", rows, typed=typed, words="its number")
        self._say(f"{side} topic", next((row.title for row in rows if row.value == topic), str(topic)))
        return topic

    # Options.

    async def _count(self, source: Side, topic: int | None, history: str) -> None:
        """Store the length of a history by its name; nothing if it cannot be determined."""
        if self._reach is None or source.row is None or history in self._counts:
            return
        wanted = MirrorConfig(name="main", source=source.row["id"], target=-1, source_topic=topic)
        mirror = mirror_of(wanted, source.row["id"], -1)
        now = SystemClock().now()
        try:
            self._counts[history] = await check.counted(history, mirror, self._reach.source, now)
        except NotAuthorised:
            raise
        except TgstreamdError as error:
            self._note(error.line())

    async def _history(self, source: Side, topic: int | None) -> str:
        if given := self._given.history:
            history = rules.history("history", given)
            await self._count(source, topic, history)
            self._cost(history)
            return history
        assert self._keyboard is not None
        rows, before = [], -1
        for history, meaning in HISTORIES:
            await self._count(source, topic, history)
            count = self._counts.get(history)
            if count is not None and count[0] == before:
                continue  # as much as the previous one
            before = count[0] if count else -1
            cost = check.cost_words(history, *count, INTERVAL) if count and history != "none" else meaning
            rows.append(Row(value=history, title=history, marks=(cost,), detail=meaning))
        other = "a date, a first message id, or another age"
        rows.append(Row(value="", title="other", marks=(other,)))
        history = await pick("history: how far back", rows)
        if not history:
            history = await self._keyboard.answer(
                'history ("2024-01-31", 4711 or "45d")', valid=lambda text: rules.history("history", text)
            )
            history = rules.history("history", history)
            await self._count(source, topic, history)
        self._cost(history)
        return str(history)

    async def _choice(self, choice: Any, source: Side, count: tuple[int, int] | None) -> str:
        if given := getattr(self._given, choice.key):
            return str(given)
        hours = span(count[0] * INTERVAL) if count else ""
        rows = [
            Row(value=value, title=value, marks=(words.replace("{hours}", hours or "the history's hours"),))
            for value, words in choice.options
        ]
        taken = await pick(choice.question, rows, start=choice.proposed(source.kind))
        self._say(choice.key, taken)
        return str(taken)

    # Output.

    def _cost(self, history: str) -> None:
        count = self._counts.get(history)
        cost = f" ({check.cost_words(history, *count, INTERVAL)})" if count and history != "none" else ""
        self._say("history", f"{history}{cost}")

    def _say(self, key: str, value: str) -> None:
        say(f"{key}: {value}")

    def _note(self, line: str) -> None:
        complain(f"note: {line}")


def chat_row(chat: dict[str, Any], side: str) -> Row:
    """Return a chat of the list as a row to pick from, for one side of a mirror."""
    topics = len(chat["topics"])
    facts = [f"{topics} topic{'' if topics == 1 else 's'}"] if topics else ["topics"] if chat["forum"] else []
    facts += ["protected"] if chat["protected"] else []
    facts += ["read only"] if not chat["can_post"] else []
    name = f"@{chat['username']}" if chat["username"] else ""
    members = f"{chat['members']:,}" if chat["members"] is not None else ""
    refusal = str(chat[f"{side}_refusal"])
    known = ", ".join(filter(None, (str(chat["id"]), name, f"{members} members" if members else "")))
    may = f"read: {chat['source_refusal'] or 'yes'}; write: {chat['target_refusal'] or 'yes'}"
    return Row(
        value=chat,
        title=clean(chat["title"], 60),
        marks=(chat["kind"], members.rjust(7), ", ".join(facts)),
        words=f"{name} {chat['id']}",
        detail=f"{known}; {may}",
        refusal=f"cannot be the {side}: {refusal}" if refusal else "",
    )
