"""Lists the chats of the account as rows to pick from, with what each can serve as.

Asks Telegram and changes nothing. The format of a row is documented and only ever extended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..domain.errors import NotAuthorised, TelegramError
from ..domain.messages import Chat, Topic
from ..domain.ports import Source


class Lister(Protocol):
    """The part of a connection that a list needs."""

    @property
    def source(self) -> Source: ...
    async def dialogs(self) -> Sequence[Chat]: ...


async def chats(reach: Lister) -> dict[str, Any]:
    """Return the groups and channels of the account with their topics, in Telegram's order."""
    listed = []
    for chat in await reach.dialogs():
        if chat.kind == "user" or chat.migrated_to is not None:
            continue
        listed.append(row(chat, await topics_of(reach.source, chat)))
    return {"chats": listed}


async def topics_of(source: Source, chat: Chat) -> Sequence[Topic]:
    """Return the topics of a forum; none if it does not show them."""
    if not chat.forum:
        return ()
    try:
        return await source.topics(chat.id)
    except NotAuthorised:
        raise
    except TelegramError:
        return ()  # listed without topics: a chat may close its topics to us at any time


def row(chat: Chat, topics: Sequence[Topic] = ()) -> dict[str, Any]:
    """Return the row of one chat. `source_refusal` and `target_refusal` say why it cannot be one; empty if it
    can."""
    return {
        "id": chat.id,
        "title": chat.title,
        "kind": chat.kind,
        "username": chat.username,
        "members": chat.members,
        "forum": chat.forum,
        "protected": chat.protected and not chat.may_unprotect,
        "can_post": not chat.write_refusal,
        "source_refusal": source_refusal(chat),
        "target_refusal": chat.write_refusal,
        "topics": [{"id": t.id, "title": t.title, "closed": t.closed} for t in topics],
    }


def source_refusal(chat: Chat) -> str:
    if chat.protected and not chat.may_unprotect:
        return "its content is protected"
    if not chat.member and not chat.username:
        return "the account is not a member"
    return ""
