"""Caches what every answer contains about chats and users.

Keeps access hashes in the session and, in memory, which chats are forums and the display names. Makes no
requests: `peers` looks up what is missing.
"""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import types

from .session import StoredSession

#: Display names kept in memory; never written to disk.
NAMES_MAX: Final = 10_000
#: Offset of a channel's marked id (https://core.telegram.org/api/bots/ids).
CHANNEL_MARK: Final = 1_000_000_000_000


def marked(peer: Any) -> int:
    """Return the marked id of a peer, input peer, chat or user: `-100…` for channels, negative for groups."""
    if (channel := getattr(peer, "channel_id", None)) is not None:
        return -CHANNEL_MARK - int(channel)
    if (chat := getattr(peer, "chat_id", None)) is not None:
        return -int(chat)
    if (user := getattr(peer, "user_id", None)) is not None:
        return int(user)
    if isinstance(peer, types.Channel | types.ChannelForbidden):
        return -CHANNEL_MARK - peer.id
    if isinstance(peer, types.Chat | types.ChatForbidden | types.ChatEmpty):
        return -peer.id
    return int(peer.id)


def is_channel(chat: int) -> bool:
    """Return whether this is a channel or supergroup; basic groups and users share the account's common
    box."""
    return chat <= -CHANNEL_MARK


def channel_id(chat: int) -> int:
    return -chat - CHANNEL_MARK


def display_name(entity: Any) -> str:
    """Return a chat's title, or a user's first and last name."""
    if title := getattr(entity, "title", None):
        return str(title)
    names = (getattr(entity, "first_name", None), getattr(entity, "last_name", None))
    return " ".join(name for name in names if name)


class Directory:
    """The known chats and users of an account."""

    def __init__(self, session: StoredSession) -> None:
        self.session = session
        self._forums: dict[int, bool] = {}
        self._names: dict[int, str] = {}
        self._usernames: dict[int, str] = {}
        self._broadcasts: set[int] = set()

    def learn(self, answer: Any) -> None:
        """Store the `users` and `chats` of an answer or an update."""
        self.session.process_entities(answer)
        for user in getattr(answer, "users", None) or ():
            if isinstance(user, types.User):
                self._name(user.id, display_name(user), user.username)
        for chat in getattr(answer, "chats", None) or ():
            entity = marked(chat)
            if isinstance(chat, types.Channel):
                self._forums[entity] = bool(chat.forum)
                if chat.broadcast:
                    self._broadcasts.add(entity)
            if title := display_name(chat):
                self._name(entity, title, getattr(chat, "username", None))

    def _name(self, entity: int, name: str, username: str | None) -> None:
        self._names.pop(entity, None)
        self._names[entity] = name
        self._usernames.pop(entity, None)
        if username:
            self._usernames[entity] = username
        if len(self._names) > NAMES_MAX:
            oldest = next(iter(self._names))
            del self._names[oldest]
            self._usernames.pop(oldest, None)

    def name(self, entity: int) -> str:
        return self._names.get(entity, "")

    def username(self, entity: int) -> str:
        """Return the public name without @; empty if there is none or it is unknown."""
        return self._usernames.get(entity, "")

    def broadcast(self, chat: int) -> bool:
        """Return whether a chat is a channel in which only administrators post."""
        return chat in self._broadcasts

    def forum(self, chat: int) -> bool | None:
        """Return whether a chat has topics; None if unknown."""
        return self._forums.get(chat) if is_channel(chat) else False

    def known(self, chat: int) -> bool:
        return chat in self.session.entities

    def input_peer(self, chat: int) -> Any:
        """Return the peer of a marked id. Raises KeyError if its access hash is unknown."""
        if is_channel(chat):
            return types.InputPeerChannel(channel_id(chat), self.session.entities[chat][0])
        if chat < 0:
            return types.InputPeerChat(-chat)
        return types.InputPeerUser(chat, self.session.entities[chat][0])

    def input_channel(self, chat: int) -> Any:
        return types.InputChannel(channel_id(chat), self.session.entities[chat][0])

    def input_user(self, user: int) -> Any | None:
        """Return a user to mention; None if the access hash is unknown."""
        row = self.session.entities.get(user)
        return types.InputUser(user, row[0]) if row else None
