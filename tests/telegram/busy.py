"""A busy group: what its people do, drawn from a seed, for as long as somebody asks for more.

`Busy` posts, answers, edits and deletes in a chat as people do, with texts of some hundred letters so that a
ledger which keeps them shows it. `unlike` compares such a chat with its copy by the server's own knowledge.
"""

from __future__ import annotations

import random
from typing import Any

from .world import World
from .world.blobs import GeneratedBlob
from .world.chats import Chat
from .world.messages import Message
from .world.peers import Account

#: What happens, with how often.
DEEDS = {"text": 60, "reply": 14, "photo": 7, "document": 6, "voice": 3, "album": 3, "video": 1, "edit": 6}
#: Seconds between two deletions: fifty within ten minutes would be a mass deletion.
DELETING = 30.0
RECENT = 200
WORDS = (
    "of course",
    "it was",
    "raining",
    "when we",
    "came",
    "to the station",
    "and nobody",
    "had",
    "an umbrella",
)


class Busy:
    """The people of one chat. What they do next depends on the seed and on what stands there."""

    def __init__(self, world: World, chat: Chat, people: list[Account], seed: int) -> None:
        self.world = world
        self.chat = chat
        self.people = people
        self.chance = random.Random(seed)
        #: Messages posted, so that a driver can keep to what the pace lets through.
        self.posted = 0
        self.deleted = 0
        self._number = 0
        self._deleted_at = world.now()
        #: Nobody has answered these, so one of them may go.
        self._lonely: list[Message] = []

    def deed(self) -> None:
        """One more thing happens."""
        recent = [self.chat.box.messages[i] for i in self.chat.box.ids[-RECENT:]]
        recent = [message for message in recent if message.action is None]
        what = self.chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        if not recent and what in ("reply", "edit"):
            what = "text"
        getattr(self, "_" + what)(recent)
        if self._lonely and self.world.now() - self._deleted_at > DELETING:
            self._deleted_at = self.world.now()
            self.deleted += 1
            self.world.chats.delete(self._lonely.pop(self.chance.randrange(len(self._lonely))))
        del self._lonely[:-RECENT]

    def _say(self, text: str, **fields: Any) -> Message:
        self.posted += 1
        return self.world.chats.post(self.chat, self.chance.choice(self.people), text, **fields)

    def _words(self) -> str:
        self._number += 1
        return f"{self._number}: " + " ".join(self.chance.choices(WORDS, k=self.chance.randint(3, 120)))

    def _file(self, kind: str, *args: Any, **fields: Any) -> Any:
        self._number += 1
        return getattr(self.world.media, kind)(
            *args, seed=self._number, dc_id=self.chance.choice([2, 4]), **fields
        )

    def _text(self, recent: list[Message]) -> None:
        self._lonely.append(self._say(self._words(), silent=self.chance.random() < 0.1))

    def _reply(self, recent: list[Message]) -> None:
        to = self.chance.choice(recent)
        self._lonely = [message for message in self._lonely if message is not to]
        self._say(self._words(), reply_to=to)

    def _photo(self, recent: list[Message]) -> None:
        self._say(self._words()[:200], media=self._file("photo", 320, 240))

    def _document(self, recent: list[Message]) -> None:
        size = self.chance.choice([2_000, 60_000, 700_000])
        self._say("", media=self._file("document", size, name=f"file {self._number}.bin"))

    def _voice(self, recent: list[Message]) -> None:
        self._say("", media=self._file("voice", 30_000))

    def _video(self, recent: list[Message]) -> None:
        self._say("", media=self._file("video", 11_000_000))

    def _album(self, recent: list[Message]) -> None:
        items = [
            (self._file("photo", 300 + n, 200), f"picture {self._number}")
            for n in range(self.chance.randint(2, 5))
        ]
        self.posted += len(items)
        self.world.chats.post_album(self.chat, self.chance.choice(self.people), items)

    def _edit(self, recent: list[Message]) -> None:
        texts = [message for message in recent if message.media is None and not message.deleted]
        if texts:
            self.world.chats.edit(self.chance.choice(texts), self._words())


def unlike(source: Chat, target: Chat, most: int = 20) -> list[str]:
    """In which ways the copy is not the original: number, order, text, file, album, answered message."""
    originals, copies = _said(source), _said(target)
    found = []
    if len(originals) != len(copies):
        found.append(f"{len(copies)} copies of {len(originals)} messages")
    counterpart = {one.id: other.id for one, other in zip(originals, copies, strict=False)}
    groups: dict[int, int | None] = {}
    for one, other in zip(originals, copies, strict=False):
        if _looks(one) != _looks(other):
            found.append(f"source {one.id}, target {other.id}: {_looks(other)}, not {_looks(one)}")
        if counterpart.get(_answered(one)) != (_answered(other) or None):
            found.append(f"source {one.id}, target {other.id}: answers {_answered(other)}")
        if one.grouped_id and groups.setdefault(one.grouped_id, other.grouped_id) != other.grouped_id:
            found.append(f"source {one.id}, target {other.id}: is in another album")
    return found[:most]


def _said(chat: Chat) -> list[Message]:
    messages = [chat.box.messages[i] for i in chat.box.ids]
    return [message for message in messages if message.action is None]


def _answered(message: Message) -> int:
    to = message.reply.to if message.reply is not None else None
    return to.id if to is not None and not to.deleted and to.action is None else 0


def _looks(message: Message) -> tuple[Any, ...]:
    media = message.media
    seen: Any = None
    if media is not None and media.photo is not None:
        # Telegram makes other bytes of it.
        seen = (media.photo.width, media.photo.height)
    elif media is not None and media.document is not None:
        blob = media.document.blob
        # Of a generated one the server has compared every part: its seed says as much as a digest.
        seen = (blob.size, blob.seed if isinstance(blob, GeneratedBlob) else blob.sha256)
    return message.text, media.kind if media else "text", seen, message.grouped_id is not None
