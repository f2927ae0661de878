"""The story behind a kept ledger: chats, and what other people do in them, in named deeds.

A deed is the same whether a daemon runs beside it or not: ids and times do not depend on what a program does.
So the world of an old ledger can be made again by any later program. Deeds of a kept ledger are never
changed; a later ledger adds its own.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from tests.harness import House
from tests.telegram.world.chats import Chat
from tests.telegram.world.media import Media
from tests.telegram.world.messages import Message

#: Mirrors and their options, in the order in which they come.
MIRRORS: dict[str, dict[str, Any]] = {
    "news": {"deletes": "mirror", "attribution": "author"},
    "timer": {"deletes": "mirror"},
    "quiet": {},
    "lost": {},
    "known": {},
    "gone": {},
    "group": {},
    "files": {},
    "video": {},
    "talk": {},
    "archive": {},
}
#: More deletions at once than are carried out without asking.
MASS = 51


class Story:
    """`do(deed)` carries out one deed and writes down when; `house` has the world."""

    def __init__(self, house: House) -> None:
        self.house = house
        #: What was done so far, and when (unix time).
        self.done: list[tuple[str, float]] = []
        self.source: dict[str, Chat] = {}
        self.target: dict[str, Chat] = {}
        #: By mirror and text.
        self.media: dict[tuple[str, ...], Media] = {}
        chats, me, other = house.world.chats, house.me, house.other
        for name in MIRRORS:
            forum = name == "talk"
            if name == "group":
                self.source[name] = chats.add_group(name, other, [me])
            else:
                # One of them is configured by its name.
                username = "gonechat" if name == "gone" else None
                self.source[name] = house.supergroup(name, forum=forum, username=username)
            if name == "video":
                self.target[name] = chats.add_channel(f"{name} copy", me)
            else:
                self.target[name] = house.own_supergroup(f"{name} copy", forum=forum)

    def do(self, deed: str) -> None:
        self.done.append((deed, self.house.clock.now()))
        # The ids that it makes are its own, however many a daemon has made before it.
        self.house.world.random.seed(deed)
        getattr(self, deed)()

    # The deeds, in their order

    def begin(self) -> None:
        """Everybody says something; `known copy` holds what no ledger knows."""
        world, other = self.house.world, self.house.other
        for n in range(1, MASS + 3):
            self._post("news", f"news {n}")
        world.chats.set_title(self.source["news"], "all the news", other)
        self._post("news", "refused")
        pictures = [(world.media.photo(seed=n), f"picture {n}") for n in (1, 2, 3)]
        for message in world.chats.post_album(self.source["news"], other, pictures):
            self._noted("news", message)
        self._post("files", "paper 1", media=world.media.document(name="1.pdf", seed=1))
        self._post("gone", media=_poll())
        for name in ("timer", "quiet", "lost", "known", "gone", "group"):
            self._post(name, f"{name} 1")
        self._post("known", "known 2")
        for n in (1, 2):
            self.house.post(self.target["known"], f"known {n}", sender=self.house.me)
        world.chats.set_ttl(self.source["timer"], 3600)

    def move(self) -> None:
        """A group becomes a supergroup; posts come that do not stay."""
        self.source["group"] = self.house.world.chats.migrate(self.source["group"])
        self._post("group", "group 2")
        self._post("timer", "timer 2")

    def expire(self) -> None:
        """They are gone, and so are we from one of the chats."""
        self.house.world.chats.expire(self.source["timer"])
        self.house.world.chats.ban(self.source["lost"], self.house.me)

    def whisper(self) -> None:
        """A post where nothing is sent."""
        self._post("quiet", "quiet 2")

    def film(self) -> None:
        """A file, and a video that Telegram takes its time for."""
        self._post("files", "in the way")
        self._post("files", "paper 2", media=self.house.world.media.document(name="2.pdf", seed=2))
        self.house.world.chats.process_videos(self.target["video"])
        self._post("video", "video 1", media=self.house.world.media.video(400_000, seed=4))
        self._post("video", "video 2")

    def talk(self) -> None:
        world, other, source = self.house.world, self.house.other, self.source["talk"]
        self._post("talk", "talk 1")
        tea = world.chats.add_topic(source, other, "Tea")
        cake = world.chats.add_topic(source, other, "Cake")
        for n in range(2, 9):
            self._post("talk", f"talk {n}", topic=(tea, cake, None)[n % 3])
        world.chats.pin_topic(source, cake)

    def talk_on(self) -> None:
        """Live posts, in a topic that is known and in a new one, and a topic that is renamed."""
        world, other, source = self.house.world, self.house.other, self.source["talk"]
        tea = next(topic.id for topic in source.topics.values() if topic.title == "Tea")
        self._post("talk", "talk 9", topic=tea)
        milk = world.chats.add_topic(source, other, "Milk")
        self._post("talk", "talk 10", topic=milk)
        world.chats.edit_topic(source, other, tea, title="Green tea")

    def speak_last(self) -> None:
        self._post("news", "the open one")
        self._post("news", "after it 1")
        self._post("news", "after it 2")

    def ask(self) -> None:
        self._post("group", "group 3")

    def regret(self) -> None:
        """An edit, a pin, and many deletions at once, one of them of a post that still waits."""
        chats = self.house.world.chats
        chats.edit(self._said("news", f"news {MASS}"), f"news {MASS}, edited")
        chats.pin(self._said("news", f"news {MASS + 1}"), self.house.other)
        chats.delete(
            *(self._said("news", f"news {n}") for n in range(1, MASS)), self._said("news", "after it 2")
        )

    def file_more(self) -> None:
        """A file of three parts."""
        media = self.house.world.media.document(1_200_000, name="3.pdf", seed=3)
        self._post("files", "paper 3", media=media)
        self._post("files", "said and gone")

    def take_back(self) -> None:
        """A text is gone before its turn."""
        self.house.world.chats.delete(self._said("files", "said and gone"))

    def be_missed(self) -> None:
        """More happens than any difference tells, and there is a history that nobody has read."""
        self._post("quiet", "quiet 3")
        self.source["quiet"].box.purge()
        for n in range(1, 6):
            self._post("archive", f"archive {n}")

    def posted(self, media: Media | None) -> list[str]:
        """Where this was posted and with which text, or nothing: its key in `media`, as JSON has it."""
        return next((list(key) for key, value in self.media.items() if value is media), [])

    def _post(self, name: str, text: str = "", **fields: Any) -> Message:
        message = self.house.post(self.source[name], text, **fields)
        return self._noted(name, message)

    def _noted(self, name: str, message: Message) -> Message:
        if message.media is not None:
            self.media[name, message.text] = message.media
        return message

    def _said(self, name: str, text: str) -> Message:
        return next(m for m in self.house.messages(self.source[name]) if m.text == text)


def _poll() -> Media:
    question, *answers = (types.TextWithEntities(text, []) for text in ("Lunch?", "yes", "no"))
    options = [types.PollAnswer(answer, b"%d" % n) for n, answer in enumerate(answers)]
    return Media(
        "poll", plain=types.MessageMediaPoll(types.Poll(77, question, options, 5), types.PollResults())
    )
