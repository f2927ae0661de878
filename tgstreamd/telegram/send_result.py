"""Reads the result of a send from Telegram's answer: message ids and scheduled ids by `random_id`.

An item that the answer does not name is not in the result
(https://core.telegram.org/method/messages.sendMultiMedia); one named without its message may be gone; an
answer that names none at all raises Unnamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import types

from ..domain.errors import Unnamed
from ..domain.messages import Box, Sent
from .convert import seconds

_REAL = (types.UpdateNewMessage, types.UpdateNewChannelMessage)


def settle(answer: Any, random_ids: Sequence[int]) -> Sent:
    """Return the ids of what was sent. Raises Unnamed if the answer names none."""
    if isinstance(answer, types.UpdateShortSentMessage):
        position = Box(pts=answer.pts, date=seconds(answer.date))
        return Sent(ids={random_ids[0]: answer.id}, position=position)
    inner = (
        [answer.update] if isinstance(answer, types.UpdateShort) else getattr(answer, "updates", None) or []
    )
    messages = [update.message for update in inner if isinstance(update, _REAL)]
    real = {message.id for message in messages if not isinstance(message, types.MessageEmpty)}
    scheduled = {u.message.id for u in inner if isinstance(u, types.UpdateNewScheduledMessage)}
    named = {
        u.random_id: u.id for u in inner if isinstance(u, types.UpdateMessageID) and u.random_id in random_ids
    }
    if not named and len(random_ids) == 1 and len(real) + len(scheduled) == 1:
        named = {random_ids[0]: next(iter(real or scheduled))}
    if not named:
        raise Unnamed("Telegram's answer does not say which message it became", error="NO_MESSAGE_ID")
    # Scheduled ids are a separate sequence and may equal a message's: the kind of update distinguishes them.
    later = {random_id: id_ for random_id, id_ in named.items() if id_ in scheduled and id_ not in real}
    return Sent(
        ids={r: i for r, i in named.items() if i in real},
        scheduled=later,
        unseen={r: i for r, i in named.items() if i not in real and r not in later},
        position=_position(answer, set(named.values())),
    )


def _position(answer: Any, ids: set[int]) -> Box | None:
    """Return the update position after the newest of these messages, which no later call precedes."""
    inner = getattr(answer, "updates", None) or []
    found = [update.pts for update in inner if isinstance(update, _REAL) and update.message.id in ids]
    return Box(pts=max(found), date=seconds(answer.date)) if found else None
