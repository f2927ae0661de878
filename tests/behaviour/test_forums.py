"""A whole forum: its topics are made, named, closed and hidden in the target as they are in the source."""

from __future__ import annotations

from pathlib import Path

from telethon.tl import functions

from tests.house import House
from tests.telegram.world.chats import Chat
from tests.telegram.world.topics import ICON_COLORS, Topic

RED, BLUE = ICON_COLORS[5], ICON_COLORS[0]


def topics(chat: Chat) -> dict[str, Topic]:
    """The topics of a chat that exist, by title, General first."""
    return {topic.title: topic for _, topic in sorted(chat.topics.items()) if not topic.deleted}


def filed(house: House, chat: Chat) -> dict[str, list[str]]:
    """What stands in each topic of a chat."""
    titles = {topic.id: topic.title for topic in topics(chat).values()}
    said: dict[str, list[str]] = {title: [] for title in titles.values()}
    for message in house.messages(chat):
        said[titles[message.topic or 1]].append(message.text)
    return said


async def test_each_topic_becomes_a_topic(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source = house.supergroup("Forum", forum=True)
        target = house.own_supergroup("Copy", forum=True)
        house.post(source, "hello all")
        tea = house.world.chats.add_topic(source, house.other, "Tea", icon_color=RED)
        house.post(source, "green", topic=tea)
        coffee = house.world.chats.add_topic(source, house.other, "Coffee")
        house.post(source, "black", topic=coffee)
        asked = house.post(source, "with milk?", topic=tea)
        house.post(source, "never", topic=tea, reply_to=asked)
        house.mirror(source, target)
        await house.start()
        await house.run()
        assert filed(house, target) == {
            "General": ["hello all"],
            "Tea": ["green", "with milk?", "never"],
            "Coffee": ["black"],
        }
        assert topics(target)["Tea"].icon_color == RED
        # Live: into a known topic, into a new one, and to General.
        house.post(source, "and oolong", topic=tea)
        cake = house.world.chats.add_topic(source, house.other, "Cake")
        house.post(source, "apple", topic=cake)
        house.post(source, "good night")
        await house.run()
        assert filed(house, target)["Tea"][-1] == "and oolong"
        assert filed(house, target)["Cake"] == ["apple"]
        assert filed(house, target)["General"] == ["hello all", "good night"]
        reply = next(m for m in house.messages(target) if m.text == "never")
        assert reply.reply is not None and reply.reply.to is not None and reply.reply.to.text == "with milk?"
