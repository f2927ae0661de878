"""Whether the target is the source again: what is lost, what is there twice, what stands in another order.

Messages are known by the word that each of them says first. A copy may have lines above it (a quote in
place of a reply that cannot be one); its own words are its last line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

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


def judge(weather: Weather) -> Verdict:
    """Compare both chats as they stand."""
    house = weather.house
    originals, copies = house.messages(weather.source), house.messages(weather.target)
    verdict = Verdict()
    found: dict[str, Message] = {}
    for copy in copies:
        if word(copy) in found:
            verdict.doubled.append(word(copy))
        found[word(copy)] = copy
    wanted = {word(message): message for message in originals}
    verdict.lost = [name for name in wanted if name not in found]
    # What was deleted from the source and still stands is one more than there should be.
    verdict.doubled += [f"{name} (was deleted)" for name in found if name not in wanted]
    order = [word(message) for message in originals if word(message) in found]
    for name, shown in zip(order, [word(copy) for copy in copies if word(copy) in wanted], strict=False):
        if name != shown:
            verdict.disordered.append(f"{shown} stands where {name} belongs")
            break
    for name, message in wanted.items():
        if name in found:
            mine = looks(weather.target, copies, found[name])
            theirs = looks(weather.source, originals, message)
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
            if shown_to is not found.get(word(answered)) and "↪" not in copy.text:
                verdict.different.append(f"{name}: answers {shown_to and shown_to.text!r}")
    return verdict


def word(message: Message) -> str:
    said = re.match(r"word \d+\.", words(message))
    return said.group() if said else f"[{message.text}]"


def words(message: Message) -> str:
    return message.text.rsplit("\n", 1)[-1]


def looks(chat: Chat, among: list[Message], message: Message) -> dict[str, Any]:
    """A message as a reader sees it."""
    media = message.media
    seen: Any = None
    if media is not None and media.photo is not None:
        seen = (media.photo.width, media.photo.height)
    elif media is not None and media.document is not None:
        seen = media.document.blob.sha256
    topic = chat.topics[message.topic].title if message.topic else None
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
