"""A forum in a storm: topics made, renamed, closed, pinned, filled in random order, with faults and deaths.

Whatever the seed, the target ends with the same topics, each once, each with the same posts in order. More
seeds than run here: `STORM=1000 pytest tests/behaviour/test_storm_forums.py`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.harness import House
from tests.interpose import Death
from tests.telegram.faults import Fault
from tests.telegram.services.topics import DEFAULT_ICONS
from tests.telegram.world.chats import Chat
from tests.telegram.world.topics import ICON_COLORS

SEEDS = int(os.environ.get("STORM", "1"))
CALLS = ("messages.createForumTopic", "messages.editForumTopic", "messages.sendMessage",
         "messages.getForumTopics", "messages.reorderPinnedForumTopics",
         "updates.getChannelDifference", "messages.getHistory")  # fmt: skip
BROKEN = [
    ("cut", 400, ""),
    ("apply-cut", 400, ""),
    ("apply-half", 400, ""),
    ("twice", 400, ""),
    ("error", 500, "RPC_CALL_FAIL"),
    ("apply-error", 500, "RPC_CALL_FAIL"),
]
STEPS = (
    "ingest_push", "take_difference", "take_page", "take_topics", "place_topic", "plan_sends", "attempt",
    "repeat", "settle", "refused", "topic_attempted", "topic_changed", "change_done", "postpone_change",
    "set_forum", "order_shown",
)  # fmt: skip


class Storm:
    """One seed's weather over a forum."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.chance = random.Random(seed)
        self.source = house.supergroup("Forum", forum=True)
        self.target = house.own_supergroup("Copy", forum=True)
        self.posts = 0

    def happen(self) -> None:
        """Something in the source."""
        chance, chats, source = self.chance, self.house.world.chats, self.source
        topic = chance.choice(list(source.topics))
        icons = [0, *sorted(DEFAULT_ICONS)[:3]]
        match chance.choice(
            ["post"] * 6 + ["topic", "topic", "title", "icon", "close", "hide", "pin", "order"]
        ):
            case "topic":
                name, color = f"topic {len(source.topics)}", chance.choice(ICON_COLORS)
                topic = chats.add_topic(source, self.house.other, name, icon_color=color)
                if chance.random() < 0.5:
                    self.post(topic)
            case "title":
                title = f"topic {topic}, {chance.randint(1, 99)}"
                chats.edit_topic(source, self.house.other, topic, title=title)
            case "icon" if topic != 1:
                icon = chance.choice(icons)
                chats.edit_topic(source, self.house.other, topic, icon_emoji_id=icon)
            case "close":
                chats.close_topic(source, topic, closed=not source.topics[topic].closed)
            case "pin":
                there = topic in source.pinned_topics
                if there or len(source.pinned_topics) < 5:
                    chats.pin_topic(source, topic, pinned=not there)
            case "order":
                chats.order_topics(source, chance.sample(source.pinned_topics, len(source.pinned_topics)))
            case "hide":
                chats.edit_topic(source, self.house.other, 1, hidden=not source.topics[1].hidden)
            case _:
                self.post(topic)

    def post(self, topic: int) -> None:
        self.posts += 1
        among = [m for m in self.house.messages(self.source) if (m.topic or 1) == topic]
        reply = self.chance.choice(among) if among and self.chance.random() < 0.3 else None
        self.house.post(self.source, f"post {self.posts}", topic=topic, reply_to=reply)

    def trouble(self) -> None:
        chance, me = self.chance, self.house.me.id
        roll = chance.random()
        if roll < 0.6:
            action, code, message = chance.choice(BROKEN)
            method, skip = chance.choice(CALLS), chance.randint(0, 2)
            self.house.tg.faults.add(Fault(method, action, code, message, skip=skip, account=me))
        elif roll < 0.75:
            self.house.tg.faults.add(Fault(chance.choice(CALLS[:3]), "flood", seconds=chance.choice([3, 70])))
        elif roll < 0.85:
            self.house.world.chats.forget_random_ids()
            self.house.clock.advance(1000)
        elif roll < 0.9:
            self.source.box.purge()

    def deadly(self) -> None:
        """The next start dies at a step of the store."""
        step, side = self.chance.choice(STEPS), self.chance.choice(["before", "after"])
        left = [self.chance.randint(1, 3)]

        def hook(*args: Any, **options: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Death

        hooks: dict[str, Any] = {side: {step: hook}}
        self.house.interpose("store", **hooks)

    async def live(self, seconds: float) -> None:
        house = self.house
        try:
            if house._daemon is None:
                await house.start()
            await house.run(seconds)
        except Death:
            await house.stop()

    async def rage(self) -> None:
        for _ in range(15):
            self.happen()
        self.house.mirror(self.source, self.target)
        await self.house.start()
        for _ in range(10):
            for _ in range(3):
                self.trouble()
            for _ in range(self.chance.randint(1, 6)):
                self.happen()
            if self.chance.random() < 0.7:
                await self.house.stop()
                self.deadly()
            await self.live(self.chance.choice([5.0, 15.0, 60.0]))

    async def calm(self) -> None:
        house = self.house
        house.tg.faults.clear()
        house.interpose_nothing()
        await house.stop()
        await house.start()
        await house.run()


def shown(house: House, chat: Chat) -> list[tuple[Any, ...]]:
    """Every topic as a member sees it, with what stands in it."""
    said: dict[int, list[str]] = {}
    for message in house.messages(chat):
        answers = message.reply.to.text if message.reply is not None and message.reply.to else None
        said.setdefault(message.topic or 1, []).append(f"{message.text} ← {answers}")
    return sorted(
        (t.title, t.icon_color, t.icon_emoji_id or 0, t.closed, t.hidden, tuple(said.get(t.id, ())))
        for t in chat.topics.values()
    )


def pinned(chat: Chat) -> list[str]:
    return [chat.topics[topic].title for topic in chat.pinned_topics]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_target_ends_with_the_same_topics(tmp_path: Path, seed: int) -> None:
    """Under any weather."""
    async with House(tmp_path) as house:
        storm = Storm(house, seed)
        await storm.rage()
        await storm.calm()
        assert shown(house, storm.target) == shown(house, storm.source)
        assert pinned(storm.target) == pinned(storm.source)
        status = (await house.status())["mirrors"][0]
        assert (status["paused"], status["parked"], status["changes"]) == ("", 0, 0)
