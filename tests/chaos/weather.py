"""What happens in the source while the daemon lives and dies: one seed's posts and what becomes of them.

Every post says a word of its own, so that a copy is known by it. What happens in every kind of world is here,
what is rare in `rare`; the faults of the wire are the campaign's.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tests.chaos.kinds import Kind
from tests.chaos.rare import RARE
from tests.chaos.said import word
from tests.harness import House
from tests.telegram.world.chats import Chat
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
    """A source and its mirror, and what people do in both."""

    def __init__(
        self, house: House, chance: random.Random, kind: Kind, *, say: Callable[..., None] = lambda *_: None
    ) -> None:
        self.house = house
        self.chance = chance
        self.say = say
        self.forum = kind.chats == "forum"
        chats = house.world.chats
        if kind.chats == "group":
            self.source = chats.add_group("Source", house.other, [house.me])
        else:
            self.source = house.supergroup("Source", forum=self.forum, username="thesource")
        if kind.chats == "into a group":
            self.target = chats.add_group("Target", house.me, [house.other])
        elif kind.chats == "into a channel":
            self.target = chats.add_channel("Target", house.me)
        else:
            self.target = house.own_supergroup("Target", forum=self.forum)
        #: Both with what they were before they migrated, oldest first.
        self.sources: list[Chat] = [self.source]
        self.targets: list[Chat] = [self.target]
        self.topics: list[int] = []
        self.posted: list[Message] = []
        self.polls: list[Message] = []
        self.deeds: Counter[str] = Counter()
        #: Whether the operator has asked for a pause: told before it is carried out.
        self.paused = False
        #: Whether the account can read the source no more, and whether the ledger is lost.
        self.source_lost = self.ledger_lost = False
        #: Whether Telegram did not take some media as what it is.
        self.media_refused = False
        #: Whether it carried out part of an album.
        self.in_part = False
        #: Messages (by `id()`) whose chat has become another: nobody does anything to them any more.
        self.settled: set[int] = set()
        #: Words whose copies may stand elsewhere than their originals: sent again, behind the others.
        self.moved: set[str] = set()
        #: Words of old posts that were answered: those may have gone before the answer, out of their order.
        self.lifted: set[str] = set()
        #: Whether new posts may go before the history, which are the words that were there at birth.
        self.overtaking = kind.options.get("order") == "live-first"
        self.history: set[str] = set()
        #: Words that others' hands put into the target, perhaps beside ours.
        self.made_by_hand: set[str] = set()
        #: Copies that Telegram does not delete.
        self.undeletable: set[str] = set()
        #: Words that the operator gave up.
        self.given_up: set[str] = set()
        self.number = 0
        self.pins = bool(kind.options.get("pins", True))
        self._rare = kind.rare
        self._done: set[str] = set()
        for deed in kind.first:
            self.deeds[deed] += 1
            RARE[deed](self)

    def turn(self, *, rare: bool = True) -> None:
        """One more thing happens."""
        alive = self.alive()
        if self.ledger_lost:
            # What becomes of older posts meanwhile, no ledger can know.
            self.deeds["text"] += 1
            return self._text(alive)
        if rare and self._rare and self.chance.random() < 0.35:
            deed = self.chance.choices(list(self._rare), list(self._rare.values()))[0]
            self.deeds[deed] += 1
            self.say("----", deed)
            return RARE[deed](self)
        deed = self.chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        if "topic" in deed and not self.forum:
            deed = "text"
        if deed in ("reply", "edit", "media replaced", "delete", "pin", "unpin") and not alive:
            deed = "text"
        self.deeds[deed] += 1
        about = getattr(self, "_" + deed.replace(" ", "_"))(alive)
        self.say("----", deed, about.text if about is not None else f"to {self.number}")
        return None

    def answer(self, to: Message) -> None:
        if self.overtaking:
            self.lifted |= self.mates(to, self.posted) - set(map(word, self.copies()))
        self.post(reply_to=to, topic=to.topic)

    # -- how things stand -------------------------------------------------------------------------------

    def alive(self) -> list[Message]:
        """The posts to which something can still happen."""
        return [m for m in self.posted if not m.deleted and id(m) not in self.settled]

    def originals(self) -> list[Message]:
        return [message for chat in self.sources for message in self.house.messages(chat)]

    def copies(self) -> list[Message]:
        """What stands in the target, but for what others say there."""
        found = [message for chat in self.targets for message in self.house.messages(chat)]
        return [message for message in found if not message.text.startswith("by hand")]

    def mates(self, message: Message, among: Sequence[Message]) -> set[str]:
        """The words of its album, or its own."""
        group = message.grouped_id
        return {word(message)} | {word(m) for m in among if group and m.grouped_id == group}

    def words_of(self, chat: int, source_id: int) -> set[str]:
        """The same of an original, by its id. Those that are deleted are among them."""
        for message in self.posted:
            if message.chat.marked_id == chat and message.ids and message.id == source_id:
                return self.mates(message, self.posted)
        return set()

    def once(self, what: str) -> bool:
        """Whether this was there before."""
        before = what in self._done
        self._done.add(what)
        return before

    def next_word(self) -> str:
        self.number += 1
        return f"word {self.number}."

    def post(self, text: str | None = None, **fields: Any) -> None:
        if self.topics and "reply_to" not in fields and self.chance.random() < 0.5:
            fields["topic"] = self.chance.choice(self.topics)
        self.posted.append(self.house.post(self.source, text or self.next_word(), **fields))

    # -- deeds ------------------------------------------------------------------------------------------

    def big_file(self) -> None:
        """One for sure."""
        self._big_file([])

    def _text(self, alive: list[Message]) -> None:
        self.post(silent=self.chance.random() < 0.2)

    def _reply(self, alive: list[Message]) -> None:
        self.answer(self.chance.choice(alive))

    def _photo(self, alive: list[Message]) -> None:
        self.post(media=self.house.world.media.photo(seed=self.chance.randint(1, 3)))

    def _document(self, alive: list[Message]) -> None:
        size = self.chance.choice([1, 1000, 600_000])
        self.post(media=self.house.world.media.document(size=size, dc_id=self.chance.choice([2, 4])))

    def _big_file(self, alive: list[Message]) -> None:
        self.post(media=self.house.world.media.video(size=BIG, dc_id=self.chance.choice([2, 4])))

    def _album(self, alive: list[Message]) -> None:
        make = self.house.world.media
        items = [
            (make.photo(seed=self.chance.randint(1, 3)), self.next_word())
            for _ in range(self.chance.randint(2, 4))
        ]
        fields = {"topic": self.chance.choice(self.topics)} if self.topics else {}
        self.posted += self.house.world.chats.post_album(self.source, self.house.other, items, **fields)

    def _edit(self, alive: list[Message]) -> None:
        message = self.chance.choice(alive)
        first = message.text.split(".")[0]  # its own word stays
        self.house.world.chats.edit(message, f"{first}. edited {self.next_word()}")

    def _media_replaced(self, alive: list[Message]) -> None:
        files = [m for m in alive if m.media is not None and m.media.document is not None]
        if files:
            message = self.chance.choice(files)
            media = self.house.world.media.document(size=2000 + self.number, dc_id=2, seed=self.number)
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
        self.number += 1
        title = f"topic {self.number}"
        self.topics.append(self.house.world.chats.add_topic(self.source, self.house.other, title))
        self.post(topic=self.topics[-1])

    def _topic_changed(self, alive: list[Message]) -> None:
        if self.topics:
            self.number += 1
            self.house.world.chats.edit_topic(
                self.source, self.house.other, self.chance.choice(self.topics), title=f"topic {self.number}"
            )
