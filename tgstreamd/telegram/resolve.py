"""Resolves what users write (an id, an @name, a t.me link) to a marked id.

Called once in a mirror's life, and by `check` and `init`: resolving names is expensive, and a name may later
belong to another chat. Refusals are Rejected, each with a plain sentence.
"""

from __future__ import annotations

import re
from typing import Final

from telethon.tl import functions, types

from ..domain.errors import Rejected, SourceLost, TelegramError
from .client import Client
from .peer_cache import CHANNEL_MARK, marked
from .peers import Peers

_NUMBER: Final = re.compile(r"-?\d+")
_LINK: Final = re.compile(r"(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|telegram\.dog)/(.+)", re.IGNORECASE)
_INVITE: Final = re.compile(r"(?:\+|joinchat/)([\w-]+)/?(?:\?.*)?")
_PRIVATE: Final = re.compile(r"c/(\d+)(?:/.*)?")
_NAME: Final = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{2,31})(?:/.*)?(?:\?.*)?")


async def resolve(client: Client, peers: Peers, ref: int | str) -> int:
    """Return the marked id of `ref`, which this account can see. Raises Rejected."""
    text = str(ref).strip()
    if _NUMBER.fullmatch(text):
        return await _by_id(peers, int(text))
    link = _LINK.fullmatch(text)
    path = link[1] if link else text
    if link and (invite := _INVITE.fullmatch(path)):
        return await _by_invite(client, invite[1], text)
    if link and (private := _PRIVATE.fullmatch(path)):
        return await _by_id(peers, -CHANNEL_MARK - int(private[1]))
    if (name := _NAME.fullmatch(path.removeprefix("s/"))) is None:
        raise Rejected(f"{text!r} is no chat", hint="an id, an @name or a t.me link")
    return await _by_name(client, name[1])


async def _by_id(peers: Peers, number: int) -> int:
    # Users copy ids from other programs without the mark, so a channel's id is tried too.
    candidates = [number] if number < 0 else [-CHANNEL_MARK - number, number]
    for candidate in candidates:
        try:
            await peers.peer(candidate, "source")
        except SourceLost:
            continue
        return candidate
    raise Rejected(
        f"chat {number} is unknown to this account",
        hint="join it with this account; `tgstreamd chats` lists what it sees",
    )


async def _by_name(client: Client, name: str) -> int:
    try:
        answer = await client.call(functions.contacts.ResolveUsernameRequest(name))
    except TelegramError as error:
        if error.error in ("USERNAME_NOT_OCCUPIED", "USERNAME_INVALID"):
            raise Rejected(f"nobody is called @{name}", error=error.error) from error
        raise
    return marked(answer.peer)


async def _by_invite(client: Client, invite: str, link: str) -> int:
    try:
        answer = await client.call(functions.messages.CheckChatInviteRequest(invite))
    except TelegramError as error:
        if error.error.startswith("INVITE_HASH_"):
            raise Rejected(f"the link {link} is not valid, or no longer", error=error.error) from error
        raise
    if isinstance(answer, types.ChatInviteAlready):
        client.directory.learn(types.contacts.ResolvedPeer(types.PeerUser(0), [answer.chat], []))
        return marked(answer.chat)
    raise Rejected(
        f"the account is not a member of {getattr(answer, 'title', link)!r}",
        hint="join with this account first, in any Telegram app",
    )
