"""What happens in the source while the daemon lives and dies: one seed's posts and what becomes of them.

Every post says a word of its own, so that a copy is known by it. Only what Telegram lets a person do; the
faults are the campaign's.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.house import House
from tests.telegram.world.messages import Message

#: Of what a turn may bring, with how often.
DEEDS = {
    "text": 6,
    "reply": 3,
    "photo": 2,
    "document": 3,
    "big file": 1,
    "album": 3,
    "edit": 4,
    "media replaced": 1,
    "delete": 3,
    "pin": 2,
    "unpin": 1,
    "topic": 2,
    "topic changed": 1,
}
BIG = 11_000_000


class Weather:
    """A forum and its mirror, and what people do in it."""

    def __init__(
        self, house: House, chance: random.Random, *, forum: bool, say: Callable[..., None] = lambda *_: None
    ) -> None:
        self.house = house
        self.chance = chance
        self.source = house.supergroup("Source", forum=forum)
        self.target = house.own_supergroup("Target", forum=forum)
        self.forum = forum
        self.say = say
        self.topics: list[int] = []
        self.posted: list[Message] = []
        self.deeds: Counter[str] = Counter()
        #: Whether the operator has asked for a pause: told before it is carried out.
        self.paused = False
        self._number = 0

    def turn(self) -> None:
        """One more thing happens."""
        deed = self.chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        if "topic" in deed and not self.forum:
            deed = "text"
        alive = [message for message in self.posted if not message.deleted]
        if deed in ("reply", "edit", "media replaced", "delete", "pin", "unpin") and not alive:
            deed = "text"
        self.deeds[deed] += 1
        about = getattr(self, "_" + deed.replace(" ", "_"))(alive)
        self.say("----", deed, about.text if about is not None else f"to {self._number}")

    async def operator(self) -> None:
        """Now and then somebody types `pause`, and `resume` a little later."""
        if self.paused:
            await self.house.verb("resume", mirror="m1")
            self.paused = False
        elif self.chance.random() < 0.1:
            self.deeds["pause"] += 1
            self.paused = True
            await self.house.verb("pause", mirror="m1")

    def big_file(self) -> None:
        """One for sure."""
        self._big_file([])

    def _word(self) -> str:
        self._number += 1
        return f"word {self._number}."

    def _post(self, text: str | None = None, **fields: Any) -> None:
        if self.topics and "reply_to" not in fields and self.chance.random() < 0.5:
            fields["topic"] = self.chance.choice(self.topics)
        self.posted.append(self.house.post(self.source, text or self._word(), **fields))

    def _text(self, alive: list[Message]) -> None:
        self._post(silent=self.chance.random() < 0.2)

    def _reply(self, alive: list[Message]) -> None:
        to = self.chance.choice(alive)
        self._post(reply_to=to, topic=to.topic)

    def _photo(self, alive: list[Message]) -> None:
        self._post(media=self.house.world.media.photo(seed=self.chance.randint(1, 3)))

    def _document(self, alive: list[Message]) -> None:
        size = self.chance.choice([1, 1000, 600_000])
        self._post(media=self.house.world.media.document(size=size, dc_id=self.chance.choice([2, 4])))

    def _big_file(self, alive: list[Message]) -> None:
        self._post(media=self.house.world.media.video(size=BIG, dc_id=self.chance.choice([2, 4])))

    def _album(self, alive: list[Message]) -> None:
        make = self.house.world.media
        items = [
            (make.photo(seed=self.chance.randint(1, 3)), self._word())
            for _ in range(self.chance.randint(2, 4))
        ]
        fields = {"topic": self.chance.choice(self.topics)} if self.topics else {}
        self.posted += self.house.world.chats.post_album(self.source, self.house.other, items, **fields)

    def _edit(self, alive: list[Message]) -> None:
        message = self.chance.choice(alive)
        first = message.text.split(".")[0]  # its own word stays
        self.house.world.chats.edit(message, f"{first}. edited {self._word()}")

    def _media_replaced(self, alive: list[Message]) -> None:
        files = [m for m in alive if m.media is not None and m.media.document is not None]
        if files:
            message = self.chance.choice(files)
            media = self.house.world.media.document(size=2000 + self._number, dc_id=2, seed=self._number)
            self.house.world.chats.edit(message, message.text, media=media)

    def _delete(self, alive: list[Message]) -> Message:
        doomed = self.chance.choice(alive)
        self.house.world.chats.delete(doomed)
        return doomed

    def _pin(self, alive: list[Message]) -> Message:
        pinned = self.chance.choice(alive)
        self.house.world.chats.pin(pinned, self.house.other)
        return pinned

    def _unpin(self, alive: list[Message]) -> None:
        pinned = [message for message in alive if message.pinned]
        if pinned:
            self.house.world.chats.pin(self.chance.choice(pinned), self.house.other, pinned=False)

    def _topic(self, alive: list[Message]) -> None:
        self._number += 1
        title = f"topic {self._number}"
        self.topics.append(self.house.world.chats.add_topic(self.source, self.house.other, title))
        self._post(topic=self.topics[-1])

    def _topic_changed(self, alive: list[Message]) -> None:
        if self.topics:
            self._number += 1
            self.house.world.chats.edit_topic(
                self.source, self.house.other, self.chance.choice(self.topics), title=f"topic {self._number}"
            )
