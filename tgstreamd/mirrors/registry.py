"""Holds the active mirrors, the known properties of their chats, and the two accounts.

Written by admission, read by all others. Pauses are not here: they are in the ledger.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import msgspec

from ..domain.messages import GENERAL_TOPIC, Account, Chat, Message, Mirror

#: Channels and supergroups have marked ids below this; basic groups and users share the common box.
_CHANNELS_BELOW = -1_000_000_000_000


def box_of(chat: int) -> int:
    """Return the box that numbers a chat's events: its own, or 0 for the account's common one."""
    return chat if chat < _CHANNELS_BELOW else 0


def wants(mirror: Mirror, message: Message) -> bool:
    """Return whether a message of its source chat is one that this mirror copies."""
    return mirror.source == message.chat and of_topic(mirror, message)


def of_topic(mirror: Mirror, message: Message) -> bool:
    """Return whether a message of the source, or of its former chat, is in the topic that is copied."""
    return mirror.source_topic is None or (message.topic or GENERAL_TOPIC) == mirror.source_topic


@dataclass
class MirrorRegistry:
    """The active mirrors by their id in the ledger."""

    reader: Account
    writer: Account
    mirrors: dict[int, Mirror] = field(default_factory=dict)
    sources: dict[int, Chat] = field(default_factory=dict)
    #: Chats that changed or caused errors: admission asks about them.
    suspects: set[int] = field(default_factory=set)
    #: The account is frozen: nothing is read or sent until the next start.
    frozen: bool = False
    suspected: asyncio.Event = field(default_factory=asyncio.Event)
    targets: dict[int, Chat] = field(default_factory=dict)
    #: The basic groups that each mirror's source was before, whose messages are followed, too.
    former: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def same_account(self) -> bool:
        """Whether one account reads and writes, and so can send by reference: references are per account."""
        return self.reader.id == self.writer.id

    def source_of(self, mirror: Mirror, chat: int) -> Chat:
        """Return the source, or the basic group that it was before it became a supergroup."""
        now = self.sources[mirror.source]
        return self.sources.get(chat) or msgspec.structs.replace(now, id=chat, kind="group", username="")

    def suspect(self, chat: int) -> None:
        """Have the mirrors of this chat judged again: it changed, or cannot be reached."""
        self.suspects.add(chat)
        self.suspected.set()

    def takers(self, message: Message) -> list[int]:
        return [
            mirror.id
            for mirror in self.mirrors.values()
            if self.reads(mirror, message.chat) and of_topic(mirror, message)
        ]

    def reads(self, mirror: Mirror, chat: int) -> bool:
        """Return whether the chat is the mirror's source, or was before a migration."""
        return mirror.source == chat or chat in self.former.get(mirror.id, ())

    def of_source(self, chat: int) -> list[Mirror]:
        return [mirror for mirror in self.mirrors.values() if mirror.source == chat]

    def boxes(self) -> dict[int, list[int]]:
        """Return the source chats of each box."""
        boxes: dict[int, list[int]] = {}
        for mirror in self.mirrors.values():
            for chat in (mirror.source, *self.former.get(mirror.id, ())):
                chats = boxes.setdefault(box_of(chat), [])
                if chat not in chats:
                    chats.append(chat)
        return boxes
