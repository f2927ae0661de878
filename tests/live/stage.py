"""The chats of a run: a group and a forum of the author's, and the two that they are mirrored into.

Made by their owners, entered by invitation, deleted at the end. Posts into nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from telethon import errors, utils
from telethon.tl import functions, types

from .people import Person


@dataclass(frozen=True)
class Group:
    """One chat of ours. `id` is marked, as the configuration writes it."""

    id: int
    title: str
    owner: Person


@dataclass(frozen=True)
class Stage:
    source: Group
    target: Group
    forum: Group
    forum_copy: Group

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.source, self.target, self.forum, self.forum_copy


@contextlib.asynccontextmanager
async def set_up(author: Person, mirrorer: Person) -> AsyncIterator[Stage]:
    """The four chats, both accounts in each; gone afterwards, whatever happened."""
    made: list[Group] = []
    try:
        for owner, guest, title, forum in (
            (author, mirrorer, "tgstreamd live source", False),
            (mirrorer, author, "tgstreamd live target", False),
            (author, mirrorer, "tgstreamd live forum", True),
            (mirrorer, author, "tgstreamd live forum copy", True),
        ):
            made.append(await _make(owner, title, forum=forum))
            await _invite(owner, guest, made[-1])
        yield Stage(*made)
    finally:
        for group in made:
            with contextlib.suppress(errors.RPCError, ConnectionError):
                channel = await group.owner.client.get_input_entity(group.id)
                await group.owner.client(functions.channels.DeleteChannelRequest(channel))


async def _make(owner: Person, title: str, *, forum: bool) -> Group:
    request = functions.channels.CreateChannelRequest(
        title, "A test of tgstreamd; it deletes itself.", megagroup=True, forum=forum or None
    )
    answer = await owner.client(request)
    (channel,) = (chat for chat in answer.chats if isinstance(chat, types.Channel))
    return Group(utils.get_peer_id(channel), title, owner)


async def _invite(owner: Person, guest: Person, group: Group) -> None:
    peer = await owner.client.get_input_entity(group.id)
    invite = await owner.client(functions.messages.ExportChatInviteRequest(peer))
    code = invite.link.rpartition("/")[2].lstrip("+")
    await guest.client(functions.messages.ImportChatInviteRequest(code))
    await owner.client.get_participants(group.id)  # so that the owner's client can name the guest


def sent_ids(answer: Any) -> list[int]:
    """The ids of the messages that a send made, in their order."""
    if isinstance(answer, types.UpdateShortSentMessage):
        return [answer.id]
    return [update.id for update in answer.updates if isinstance(update, types.UpdateMessageID)]
