"""The chats: supergroups, channels, forums, basic groups and private chats; who is in them with which rights.

`Chats` is also the door for "the other people" of a test: what they do here tells everyone concerned by the
same updates that a real request would. It checks no right: that is for the requests (services).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from .boxes import Box
from .files import StoredPhoto
from .messages import Message
from .rights import ADMIN_RIGHTS, USUAL_ADMIN
from .telling import Change
from .topics import Topic, Topics

if TYPE_CHECKING:
    from . import World
    from .peers import Account

#: Members of a new group may not do this; administrators may.
DEFAULT_BANNED = frozenset({"change_info", "pin_messages", "manage_topics"})


@dataclass(eq=False)
class Member:
    """One account in one chat, also after it left or was banned. `rights` None: no administrator."""

    account_id: int
    joined: int
    inviter_id: int | None = None
    active: bool = True
    rights: frozenset[str] | None = None
    rank: str | None = None
    banned: frozenset[str] = frozenset()
    banned_until: int = 0
    last_sent: float = 0.0


@dataclass(eq=False)
class Chat:
    """`kind`: supergroup, channel, group (basic) or private. `shared`: one box for everybody."""

    world: World
    id: int
    kind: str
    title: str
    creator_id: int
    date: int
    username: str | None = None
    about: str = ""
    photo: StoredPhoto | None = None
    forum: bool = False
    noforwards: bool = False
    signatures: bool = False
    restricted: bool = False
    slow_mode: int = 0
    #: What a message costs whoever is no administrator, in Stars.
    price: int = 0
    ttl_period: int = 0
    default_banned: frozenset[str] = DEFAULT_BANNED
    available_min_id: int = 0
    version: int = 1
    invite: str = ""
    silenced: bool = False
    linked: Chat | None = None
    migrated_to: Chat | None = None
    migrated_from: Chat | None = None
    members: dict[int, Member] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    #: From the top.
    pinned_topics: list[int] = field(default_factory=list)
    #: Ids by topic, ascending; only a forum has them.
    topic_ids: dict[int, list[int]] = field(default_factory=dict)
    scheduled: dict[int, Message] = field(default_factory=dict)
    next_scheduled_id: int = 1
    #: The next so many videos are answered as scheduled messages (facts, 10).
    process_videos: int = 0
    #: Pending events beyond which a difference is too long; None: only what was purged.
    difference_limit: int | None = None
    #: Tells pollers of a difference how long to wait.
    difference_timeout: int | None = None
    box: Box = field(default_factory=Box)

    @property
    def shared(self) -> bool:
        return self.kind in ("supergroup", "channel")

    @property
    def marked_id(self) -> int:
        """The id as the Bot API and the configuration write it."""
        if self.shared:
            return -1_000_000_000_000 - self.id
        return -self.id

    def partner_of(self, account_id: int) -> int:
        """The other side of a private chat (oneself in Saved Messages)."""
        return next((i for i in self.members if i != account_id), account_id)

    def audience(self) -> list[int]:
        return [m.account_id for m in self.members.values() if m.active]

    def is_member(self, account_id: int) -> bool:
        member = self.members.get(account_id)
        return member is not None and member.active

    def admin_rights_of(self, account_id: int) -> frozenset[str]:
        member = self.members.get(account_id)
        if account_id == self.creator_id:
            return ADMIN_RIGHTS - {"anonymous"} | (member.rights or frozenset() if member else frozenset())
        return (member.rights if member and member.active else None) or frozenset()

    def is_admin(self, account_id: int) -> bool:
        return bool(self.admin_rights_of(account_id))

    def has_right(self, account_id: int, right: str) -> bool:
        return right in self.admin_rights_of(account_id)

    def readable_by(self, account_id: int) -> bool:
        """Members read; anyone reads a public chat; the banned read nothing."""
        member = self.members.get(account_id)
        if member is not None and "view_messages" in member.banned:
            return False
        return (member is not None and member.active) or self.username is not None

    def box_for(self, viewer_id: int) -> Box:
        return self.box if self.shared else self.world.chats.box_of(viewer_id)

    def visible(self, viewer_id: int) -> list[int]:
        """The ids that this viewer can read here, ascending."""
        if self.shared:
            ids = self.box.ids
            return [i for i in ids if i > self.available_min_id] if self.available_min_id else ids
        box = self.box_for(viewer_id)
        return [i for i in box.ids if box.messages[i].chat is self]

    def top_message(self, viewer_id: int) -> Message | None:
        ids = self.visible(viewer_id)
        return self.box_for(viewer_id).messages[ids[-1]] if ids else None

    def in_topic(self, topic_id: int) -> list[int]:
        """The ids in a topic that can be read, ascending."""
        ids = self.topic_ids.get(topic_id, [])
        return [i for i in ids if i > self.available_min_id] if self.available_min_id else ids

    def last_in_topic(self, topic_id: int) -> Message | None:
        ids = self.topic_ids.get(topic_id)
        return self.box.messages[ids[-1]] if ids else None

    def index_topics(self) -> None:
        """Sort all messages into their topics; none where this is no forum."""
        self.topic_ids.clear()
        for message_id, message in self.box.messages.items():
            if message.topic is not None:
                self.topic_ids.setdefault(message.topic, []).append(message_id)


class Chats(Topics):
    """Every chat, and what people do in them."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._channels: dict[int, Chat] = {}
        self._groups: dict[int, Chat] = {}
        self._private: dict[tuple[int, int], Chat] = {}
        self._next_channel = 1_500_000_001
        self._next_group = 500_001

    # --- finding

    def channel(self, channel_id: int) -> Chat | None:
        return self._channels.get(channel_id)

    def group(self, chat_id: int) -> Chat | None:
        return self._groups.get(chat_id)

    def by_username(self, username: str) -> Chat | None:
        wanted = username.lower().lstrip("@")
        return next((c for c in self._channels.values() if (c.username or "").lower() == wanted), None)

    def by_invite(self, invite: str) -> Chat | None:
        every = [*self._channels.values(), *self._groups.values()]
        return next((c for c in every if c.invite == invite), None)

    def private(self, one: Account, other: Account) -> Chat:
        """The private chat of two accounts (of one with itself: Saved Messages)."""
        key = (min(one.id, other.id), max(one.id, other.id))
        chat = self._private.get(key)
        if chat is None:
            chat = Chat(self._world, other.id, "private", other.name, one.id, self.now())
            chat.default_banned = frozenset()
            chat.members = {i: Member(i, chat.date) for i in key}
            self._private[key] = chat
        return chat

    def of_account(self, account_id: int) -> list[Chat]:
        """The chats in an account's dialog list."""
        chats = [c for c in self._channels.values() if c.is_member(account_id)]
        chats += [c for c in self._groups.values() if c.is_member(account_id)]
        chats += [c for k, c in self._private.items() if account_id in k and c.visible(account_id)]
        return chats

    # --- making

    def add_supergroup(
        self,
        title: str,
        creator: Account,
        members: Iterable[Account] = (),
        *,
        forum: bool = False,
        **fields: Any,
    ) -> Chat:
        """A supergroup that `members` are in from the beginning (without a service message each)."""
        return self._add("supergroup", title, creator, members, forum=forum, **fields)

    def add_channel(
        self, title: str, creator: Account, members: Iterable[Account] = (), **fields: Any
    ) -> Chat:
        """A broadcast channel. `linked`: its discussion group, into which its posts are copied."""
        return self._add("channel", title, creator, members, **fields)

    def add_group(self, title: str, creator: Account, members: Iterable[Account] = (), **fields: Any) -> Chat:
        """A basic group: its messages lie in each member's own box."""
        fields.setdefault("default_banned", frozenset())
        return self._add("group", title, creator, members, **fields)

    def _add(
        self, kind: str, title: str, creator: Account, members: Iterable[Account], **fields: Any
    ) -> Chat:
        given = fields.pop("id", None)
        if kind == "group":
            number = given or self._next_group
            self._next_group = max(self._next_group, number) + 1
        else:
            number = given or self._next_channel
            self._next_channel = max(self._next_channel, number) + 1
        chat = Chat(self._world, number, kind, title, creator.id, self.now(), **fields)
        chat.invite = chat.invite or f"invite{number}"
        for account in (creator, *members):
            inviter = None if account is creator else creator.id
            chat.members.setdefault(account.id, Member(account.id, chat.date, inviter))
        (self._groups if kind == "group" else self._channels)[number] = chat
        if chat.forum:
            chat.topics[1] = Topic(1, "General", 0x6FB9F0, creator.id, chat.date)
        if chat.linked is not None:
            chat.linked.linked = chat
        if kind == "group":
            self.service(chat, creator, types.MessageActionChatCreate(title, list(chat.members)))
        else:
            self.service(chat, creator, types.MessageActionChannelCreate(title))
        return chat

    # --- membership

    def join(self, chat: Chat, account: Account, *, by: Account | None = None, link: bool = False) -> None:
        """Enter (again). Groups show it as a service message, channels do not."""
        member = chat.members.get(account.id)
        if member is not None and member.active:
            return
        inviter = by.id if by else None
        if member is None:
            chat.members[account.id] = Member(account.id, self.now(), inviter)
        else:
            member.active, member.joined, member.banned = True, self.now(), member.banned - {"view_messages"}
        self._access_changed(chat, account)
        if chat.kind != "channel":
            action = (
                types.MessageActionChatJoinedByLink(chat.creator_id)
                if link
                else types.MessageActionChatAddUser([account.id])
            )
            self.service(chat, by or account, action)

    def leave(self, chat: Chat, account: Account, *, by: Account | None = None) -> None:
        """Leave, or be removed by someone (`by`) without a ban."""
        member = chat.members.get(account.id)
        if member is None or not member.active:
            return
        if chat.kind != "channel":
            self.service(chat, by or account, types.MessageActionChatDeleteUser(account.id))
        member.active, member.rights = False, None
        self._access_changed(chat, account)

    def kick(self, chat: Chat, account: Account, *, by: Account | None = None) -> None:
        self.leave(chat, account, by=by or self._world.peers.by_id(chat.creator_id))

    def ban(self, chat: Chat, account: Account, *, until: int = 0, by: Account | None = None) -> None:
        """Remove and forbid to read: from now on the account sees `ChannelForbidden`."""
        self.kick(chat, account, by=by)
        member = chat.members.setdefault(account.id, Member(account.id, self.now(), active=False))
        member.banned, member.banned_until = frozenset({"view_messages"}), until
        self._access_changed(chat, account)

    def unban(self, chat: Chat, account: Account) -> None:
        member = chat.members.get(account.id)
        if member is not None:
            member.banned, member.banned_until = frozenset(), 0
            self._access_changed(chat, account)

    def restrict(self, chat: Chat, account: Account, *rights: str, until: int = 0) -> None:
        """Take single rights from a member (`send_messages`, `send_photos`, …); none: give them back."""
        member = chat.members[account.id]
        member.banned, member.banned_until = frozenset(rights), until
        self._access_changed(chat, account)

    def promote(self, chat: Chat, account: Account, **rights: bool) -> None:
        """Make an administrator with the usual rights, changed by `rights` (`pin_messages=False`, …)."""
        member = chat.members.setdefault(account.id, Member(account.id, self.now()))
        unknown = set(rights) - ADMIN_RIGHTS
        if unknown:
            raise ValueError(f"no such administrator rights: {sorted(unknown)}")
        wanted = {right for right, given in rights.items() if given}
        member.rights = frozenset(USUAL_ADMIN | wanted) - {r for r, given in rights.items() if not given}
        self._access_changed(chat, account)

    def demote(self, chat: Chat, account: Account) -> None:
        chat.members[account.id].rights = None
        self._access_changed(chat, account)

    # --- settings

    def set_noforwards(self, chat: Chat, on: bool, by: Account | None = None) -> None:
        """Content protection of the whole chat."""
        before, chat.noforwards = chat.noforwards, on
        if before != on:
            sender = by or self._world.peers.by_id(chat.creator_id)
            self.service(chat, sender, types.MessageActionNoForwardsToggle(before, on))
            self._chat_changed(chat)

    def set_title(self, chat: Chat, title: str, by: Account | None = None) -> Change:
        chat.title = title
        return self._told(chat, types.MessageActionChatEditTitle(title), by)

    def set_photo(self, chat: Chat, photo: StoredPhoto | None, by: Account | None = None) -> Change:
        """The chat's photo, or none."""
        chat.photo = photo
        if photo is None:
            return self._told(chat, types.MessageActionChatDeletePhoto(), by)
        return self._told(chat, types.MessageActionChatEditPhoto(types.PhotoEmpty(photo.id)), by)

    def set_about(self, chat: Chat, about: str) -> None:
        """The description; no message tells of it."""
        chat.about = about
        self._chat_changed(chat)

    def _told(self, chat: Chat, action: Any, by: Account | None) -> Change:
        sender = by or self._world.peers.by_id(chat.creator_id)
        return self.deliver([self.draft(chat, sender, action=action)])[0]

    def set_slow_mode(self, chat: Chat, seconds: int) -> None:
        chat.slow_mode = seconds
        self._chat_changed(chat)

    def set_price(self, chat: Chat, stars: int) -> None:
        """What each message costs from now on."""
        chat.price = stars
        self._chat_changed(chat)

    def set_ttl(self, chat: Chat, seconds: int, by: Account | None = None) -> None:
        """The auto-delete timer; later messages carry it."""
        chat.ttl_period = seconds
        sender = by or self._world.peers.by_id(chat.creator_id)
        self.service(chat, sender, types.MessageActionSetMessagesTTL(seconds))

    def set_default_banned(self, chat: Chat, *rights: str) -> None:
        chat.default_banned = frozenset(rights)
        self._chat_changed(chat)

    def set_forum(self, chat: Chat, on: bool) -> None:
        chat.forum = on
        if on and 1 not in chat.topics:
            chat.topics[1] = Topic(1, "General", 0x6FB9F0, chat.creator_id, self.now())
        chat.index_topics()
        self._chat_changed(chat)

    def migrate(self, group: Chat) -> Chat:
        """A basic group becomes a supergroup: a new chat with ids from 1, the old one can only be read."""
        creator = self._world.peers.by_id(group.creator_id)
        members = [self._world.peers.by_id(i) for i in group.audience()]
        number = self._next_channel
        self._next_channel += 1
        chat = Chat(self._world, number, "supergroup", group.title, creator.id, self.now())
        chat.invite, chat.noforwards = f"invite{number}", group.noforwards
        chat.members = {a.id: Member(a.id, chat.date, creator.id) for a in members}
        for account_id, member in group.members.items():
            if account_id in chat.members:
                chat.members[account_id].rights = member.rights
        chat.migrated_from = group
        self._channels[number] = chat
        self.service(group, creator, types.MessageActionChatMigrateTo(number))
        group.migrated_to = chat
        self.service(chat, creator, types.MessageActionChannelMigrateFrom(group.title, group.id))
        self._chat_changed(group)
        return chat

    def delete_chat(self, chat: Chat) -> None:
        """Everyone is out, and nobody finds it any more."""
        audience = chat.audience()
        for member in chat.members.values():
            member.active, member.rights, member.banned = False, None, frozenset({"view_messages"})
        chat.username, chat.invite = None, ""
        for account_id in audience:
            self._access_changed(chat, self._world.peers.by_id(account_id))

    def clear_history(self, chat: Chat, up_to: int) -> None:
        """Hide everything up to an id from everyone (`available_min_id`)."""
        chat.available_min_id = up_to
        for account_id in chat.audience():
            self.push(account_id, lambda view: [types.UpdateChannelAvailableMessages(chat.id, up_to)], chat)

    def _chat_changed(self, chat: Chat) -> None:
        for account_id in chat.audience():
            account = self._world.peers.get(account_id)
            if account is not None:
                self._access_changed(chat, account)

    def _access_changed(self, chat: Chat, account: Account) -> None:
        """Tell one account that it should look at the chat again (facts 5.4)."""
        chat.version += 1

        def make(view: Any) -> list[Any]:
            view.peer(chat)
            return [types.UpdateChannel(chat.id) if chat.shared else types.UpdateChat(chat.id)]

        if chat.kind != "private":
            self.push(account.id, make)
