"""Whether the target is the source again: what is lost, what is there twice, what stands in another order.

Messages are known by the word that each of them says first (`said`). What was sent again may stand behind the
others, and what the operator gave up need not be there: of both the weather knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.said import word, words
from tests.chaos.weather import Weather
from tests.telegram.world.chats import Chat
from tests.telegram.world.messages import Message


@dataclass
class Verdict:
    """All empty where all is well. Each entry is a line about one message."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    #: What the ledger says, for whoever looks into it.
    about: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.disordered or self.different)

    def lines(self) -> list[str]:
        return [
            f"{name}: {line}"
            for name in ("lost", "doubled", "disordered", "different", "about")
            for line in getattr(self, name)
        ]


def judge(weather: Weather, *, facts: bool = False) -> Verdict:
    """Compare both chats as they stand, and (`facts`) what they are called and look like."""
    originals, copies = weather.originals(), weather.copies()
    verdict = Verdict()
    wanted = {word(message): message for message in originals}
    texts = {name: words(message) for name, message in wanted.items()}
    found: dict[str, Message] = {}
    for copy in copies:
        if word(copy) in found and word(copy) not in weather.made_by_hand:
            verdict.doubled.append(word(copy))
        if word(copy) in found and words(found[word(copy)]) == texts.get(word(copy)):
            continue  # the other one was put there by hand, from what the copy said then
        found[word(copy)] = copy
    verdict.lost = [name for name in wanted if name not in found and name not in weather.given_up]
    # What was deleted from the source and still stands is one more than there should be.
    stays = weather.made_by_hand | weather.undeletable
    gone = [name for name in found if name not in wanted and name not in stays]
    verdict.doubled += [f"{name} (was deleted)" for name in gone]
    moved = weather.moved | weather.lifted
    order = [name for name in wanted if name in found and name not in moved]
    stand = [name for copy in copies if (name := word(copy)) in wanted and name not in moved]
    if weather.overtaking:
        # What came later may stand before it, each in its own order.
        order.sort(key=lambda name: name in weather.history)
        stand.sort(key=lambda name: name in weather.history)
    for name, shown in zip(order, stand, strict=False):
        if name != shown:
            verdict.disordered.append(f"{shown} stands where {name} belongs")
            break
    for name, message in wanted.items():
        if name in found:
            mine = looks(copies, found[name])
            theirs = looks(originals, message)
            if weather.in_part or weather.media_refused or weather.moved & {name, *theirs["album"]}:
                # One item that was sent again stands for itself; so does one that was refused as it is, and
                # what was left of an album that Telegram carried out in part.
                del theirs["album"]
            if id(message) in weather.settled or not weather.pins:
                # Of the group that it was before, pins are not followed.
                del theirs["pinned"]
            if weather.media_refused:
                del theirs["media"]
            verdict.different += [
                f"{name}: {key} is {mine[key]!r}, not {theirs[key]!r}"
                for key in theirs
                if mine[key] != theirs[key]
            ]
            answered = message.reply.to if message.reply is not None else None
            copy = found[name]
            shown_to = copy.reply.to if copy.reply is not None else None
            if answered is None or answered.deleted or answered.action is not None:
                continue
            if word(answered) in weather.moved or name in weather.moved:
                # Where it stood when the answer came, there is nothing now.
                continue
            if shown_to is not found.get(word(answered)) and "↪" not in copy.text:
                verdict.different.append(f"{name}: answers {shown_to and shown_to.text!r}")
    mine, theirs = chat_looks(weather.target), chat_looks(weather.source)
    for key in theirs if facts else ["topics pinned"] if weather.forum else []:
        if mine[key] != theirs[key]:
            verdict.different.append(f"the chat: {key} is {mine[key]!r}, not {theirs[key]!r}")
    return verdict


def chat_looks(chat: Chat) -> dict[str, Any]:
    return {
        "title": chat.title,
        "about": chat.about,
        "photo": (chat.photo.width, chat.photo.height) if chat.photo else None,
        "topics pinned": [chat.topics[topic].title for topic in chat.pinned_topics],
    }


def looks(among: list[Message], message: Message) -> dict[str, Any]:
    """A message as a reader sees it."""
    media = message.media
    seen: Any = None
    if media is not None and media.photo is not None:
        seen = (media.photo.width, media.photo.height)
    elif media is not None and media.document is not None:
        seen = media.document.blob.sha256
    topic = message.chat.topics[message.topic].title if message.topic else None
    # One that was left of an album before its turn is no album.
    mates = [word(m) for m in among if message.grouped_id and m.grouped_id == message.grouped_id]
    mates = mates if len(mates) > 1 else []
    return {
        "text": words(message),
        "media": seen,
        "album": mates,
        "topic": topic,
        "pinned": message.pinned,
    }
