"""Whatever is said, changed, taken back, pinned and moved about in a chat, and whenever the process dies: the
target ends as the source.

Hypothesis draws what happens and at which of its writes each process ends. More of it than runs here:
`STORM=200 pytest tests/behaviour/test_conversations.py`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.behaviour.test_kinds import poll
from tests.harness import House
from tests.interpose import Death
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message
from tgstreamd.ledger import Store

EXAMPLES = int(os.environ.get("STORM", "2"))
SAID = ("text", "photo", "file", "poll", "album", "reply", "sticker")
#: What happens in the source, what happens to us, and for how long we run in between (seconds).
WHICH = st.integers(0, 50)
STEP = st.one_of(
    st.tuples(st.sampled_from(SAID), WHICH, WHICH),
    st.tuples(st.sampled_from(SAID), WHICH, WHICH),
    st.tuples(
        st.sampled_from(["edit", "edit", "replace", "delete", "pin", "unpin", "close poll"]), WHICH, WHICH
    ),
    st.tuples(
        st.sampled_from(["topic", "title", "icon", "close", "open", "hide", "pin topic"]), WHICH, WHICH
    ),
    st.tuples(st.just("run"), st.sampled_from([1, 5, 20, 90]), WHICH),
    st.tuples(st.just("run"), st.sampled_from([1, 5, 20, 90]), WHICH),
    st.tuples(st.sampled_from(["stop", "deaf", "forget"]), WHICH, WHICH),
)
Step = tuple[str, int, int]
#: Source and target; topics only happen in forums.
SHAPES = [
    ("forum", "forum"),
    ("forum", "forum"),
    ("group", "supergroup"),
    ("channel", "channel"),
    ("supergroup", "group"),
    ("forum", "supergroup"),
]


class Mortal:
    """A store whose process ends right after its n-th write, or (negative) before its n-th transaction.

    The first is before whatever follows a write, the second between that and the write that records it.
    """

    def __init__(self, inner: Store, when: int) -> None:
        self._inner = inner
        self._left = when
        self._changes = -1

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._inner, name)
        if name in ("run", "ask", "close") or not asyncio.iscoroutinefunction(real):
            return real

        async def call(*args: Any, **options: Any) -> Any:
            if self._left < 0:
                self._left += 1
                if self._left == 0:
                    raise Death
            result = await real(*args, **options)
            changes = await self._inner.run(lambda db: int(db.total_changes))
            if changes != self._changes and self._left > 0:
                self._changes = changes
                self._left -= 1
                if self._left == 0:
                    raise Death
            return result

        return call


class Conversation:
    """One drawn course of things."""

    def __init__(self, house: House, deaths: list[int], transfer: str, shape: tuple[str, str]) -> None:
        self.house = house
        self.deaths = list(deaths)
        self.source = self._chat("Source", shape[0], house.other, [house.me])
        self.target = self._chat("Copy", shape[1], house.me)
        self.said = 0
        self.house.mirror(self.source, self.target, deletes="mirror", transfer=transfer, topic_names=False)

    def _chat(self, title: str, kind: str, *people: Any) -> Chat:
        chats = self.house.world.chats
        if kind == "forum":
            return chats.add_supergroup(title, *people, forum=True)
        add: dict[str, Any] = {
            "supergroup": chats.add_supergroup, "group": chats.add_group, "channel": chats.add_channel,
        }  # fmt: skip
        chat: Chat = add[kind](title, *people)
        return chat

    def happen(self, what: str, which: int, other: int) -> None:
        """One thing in the source."""
        house, chats, make = self.house, self.house.world.chats, self.house.world.media
        there = house.messages(self.source)
        topics = [topic for topic in self.source.topics.values() if not topic.deleted]
        message = there[which % len(there)] if there else None
        topic = topics[which % len(topics)].id if topics else None
        self.said += 1
        words, seed = f"said {self.said}", self.said
        match what:
            case "text":
                self.post(topic, words)
            case "photo" | "file" | "sticker":
                text = words if what != "sticker" and other % 2 else ""
                makers: dict[str, Any] = {"photo": make.photo, "file": make.document, "sticker": make.sticker}
                self.post(topic, text, media=makers[what](seed=seed))
            case "poll":
                self.post(topic, "", media=poll(words))
            case "album":
                items = [(make.photo(seed=1000 * seed + n), f"{words} {n}") for n in range(2 + other % 3)]
                chats.post_album(self.source, house.other, items, topic=topic)
            case "reply" if message is not None:
                self.post(message.topic, words, reply_to=message)
            case "edit" if message is not None and (message.media is None or message.text):
                chats.edit(message, words)
            case "replace" if message is not None and _is(message, "document"):
                chats.edit(message, words, media=make.document(seed=seed))
            case "delete" if message is not None:
                chats.delete(message)
            case "pin" | "unpin" if message is not None:
                chats.pin(message, house.other, pinned=what == "pin")
            case "close poll" if message is not None and _is(message, "poll"):
                chats.close_poll(message, named=bool(other % 2))
            case "topic" if topics and len(topics) < 6:
                chats.add_topic(self.source, house.other, words)
            case "title" if topic:
                chats.edit_topic(self.source, house.other, topic, title=words)
            case "close" | "open" if topic:
                chats.close_topic(self.source, topic, closed=what == "close")
            case "hide" if topic:
                chats.edit_topic(self.source, house.other, 1, hidden=not self.source.topics[1].hidden)
            case "pin topic" if topic:
                chats.pin_topic(self.source, topic, pinned=topic not in self.source.pinned_topics)
            case "deaf":
                chats.drop_pushes(1 + other % 3, account=house.me)
            case "forget":
                self.source.box_for(house.me.id).purge()

    def post(self, topic: int | None, text: str, **fields: Any) -> None:
        self.house.post(self.source, text, topic=topic, **fields)

    async def run(self, seconds: float) -> None:
        """So long, or until the process dies; the next one begins with what the ledger holds."""
        house = self.house
        if house._daemon is None and self.deaths:
            when = self.deaths.pop()
            house.wrap_store = lambda store: Mortal(store, when)  # type: ignore[assignment, return-value]  # a store in all but name
        try:
            if house._daemon is None:
                await house.start()
            await house.run(seconds)
        except Death:
            await house.stop()
        finally:
            house.interpose_nothing()

    async def end(self) -> None:
        """Nobody dies any more; something newer can be read, and what is asked for by the clock is asked."""
        house = self.house
        self.deaths.clear()
        await house.stop()
        self.post(None, "the end")
        await self.run(86400)
        for _ in range(2):
            house.clock.advance(700)
            await self.run(86400)


def _is(message: Message, kind: str) -> bool:
    return message.media is not None and message.media.kind == kind


def seen(house: House, chat: Chat, *, topics: bool) -> list[Any]:
    """What a member sees, topic by topic, with the topics themselves; or all in one."""
    everything = house.messages(chat)
    if not topics:
        return [_looks(everything)]
    found: list[Any] = [[chat.topics[topic].title for topic in chat.pinned_topics]]
    for topic in sorted(
        (t for t in chat.topics.values() if not t.deleted), key=lambda t: (t.id != 1, t.title)
    ):
        there = [message for message in everything if (message.topic or 1) == topic.id]
        found.append((topic.title, topic.icon_color, topic.closed, topic.hidden, _looks(there)))
    return found


def _looks(there: list[Message]) -> list[Any]:
    groups = [message.grouped_id for message in there]
    looks = []
    for message in there:
        answers = message.reply.to if message.reply is not None else None
        living = there.index(answers) if answers is not None and answers in there else None
        text = message.text
        if text.startswith("↪ "):
            # What it answered was gone before its turn.
            text = text.partition("\n")[2]
        alone = groups.count(message.grouped_id) == 1
        album = None if message.grouped_id is None or alone else groups.index(message.grouped_id)
        looks.append((text, _media(message), living, album, message.pinned))
    return looks


def _media(message: Message) -> Any:
    media = message.media
    if media is None or media.kind == "webpage":
        return None
    if media.photo is not None:
        return (media.photo.width, media.photo.height)
    if media.document is not None:
        return media.document.blob.sha256
    return (media.plain.poll.question.text, bool(media.plain.poll.closed))


async def converges(steps: list[Step], deaths: list[int], transfer: str, shape: tuple[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with House(Path(folder)) as house:
            talk = Conversation(house, deaths, transfer, shape)
            for what, which, other in steps:
                if what == "run":
                    await talk.run(which)
                elif what == "stop":
                    await house.stop()
                else:
                    talk.happen(what, which, other)
            await talk.end()
            topics = talk.target.forum
            assert seen(house, talk.target, topics=topics) == seen(house, talk.source, topics=topics)
            status = (await house.status())["mirrors"][0]
            assert (status["paused"], status["parked"], status["changes"]) == ("", 0, 0)


DRAWN = given(
    st.lists(STEP, min_size=15, max_size=40),
    st.lists(st.integers(1, 40) | st.integers(-200, -1), max_size=6),
    st.sampled_from(["reference", "stream"]),
    st.sampled_from(SHAPES),
)


def weather(examples: int, *, anew: bool) -> settings:
    """So many examples, the same ones every time or others each time (`anew`)."""
    return settings(
        max_examples=examples,
        derandomize=not anew,
        database=None,
        suppress_health_check=list(HealthCheck),
        # Shrinking takes minutes, and is worth it only where somebody waits for it.
        phases=[Phase.generate, Phase.shrink] if "SHRINK" in os.environ else [Phase.generate],
    )


@weather(EXAMPLES, anew="STORM" in os.environ)
@DRAWN
def test_the_target_ends_as_the_source(
    steps: list[Step], deaths: list[int], transfer: str, shape: tuple[str, str]
) -> None:
    asyncio.run(converges(steps, deaths, transfer, shape))


@pytest.mark.slow
@weather(60, anew=True)
@DRAWN
def test_so_it_does_in_others_each_time(
    steps: list[Step], deaths: list[int], transfer: str, shape: tuple[str, str]
) -> None:
    asyncio.run(converges(steps, deaths, transfer, shape))
