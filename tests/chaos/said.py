"""By what a message is known: the word that its last line says first."""

from __future__ import annotations

import re

from telethon.tl import types

from tests.telegram.world.messages import Message


def word(message: Message) -> str:
    """What a message is known by. The lines above its own (a quote, an author) are not its own."""
    said = re.match(r"word \d+\.", words(message))
    return said.group() if said else f"[{message.text}]"


def words(message: Message) -> str:
    plain = message.media.plain if message.media is not None else None
    if isinstance(plain, types.MessageMediaPoll):
        return str(plain.poll.question.text)
    return message.text.rsplit("\n", 1)[-1]
