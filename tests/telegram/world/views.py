"""How one account sees things: records turned into Telegram's objects, with the peers that they mention.

A `View` renders for one viewer and remembers every user and chat that it named, so that an answer's lists
are complete. Access hashes, `out`, `left` and file references are the viewer's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telethon.tl import types

from .messages import SHARED, Message
from .rights import ADMIN_RIGHTS, BANNED_RIGHTS

if TYPE_CHECKING:
    from . import World
    from .boxes import Event
    from .chats import Chat
    from .telling import Change
    from .topics import Topic


def admin_rights(rights: frozenset[str]) -> Any:
    return types.ChatAdminRights(**dict.fromkeys(sorted(rights & ADMIN_RIGHTS), True))


def banned_rights(rights: frozenset[str], until: int = 0) -> Any:
    return types.ChatBannedRights(until_date=until, **dict.fromkeys(sorted(rights & BANNED_RIGHTS), True))


class View:
    """Renders for one viewer and collects the peers that were named."""

    def __init__(self, world: World, viewer_id: int) -> None:
        self.world = world
        self.viewer_id = viewer_id
        self._users: dict[int, None] = {}
        self._chats: dict[Chat, None] = {}

    # --- peers

    def see_user(self, account_id: int) -> Any:
        self._users[account_id] = None
        return types.PeerUser(account_id)

    def peer(self, chat: Chat) -> Any:
        """The `Peer` of a chat; noted for the answer's lists."""
        if chat.kind == "private":
            return self.see_user(chat.partner_of(self.viewer_id))
        self._chats[chat] = None
        return types.PeerChannel(chat.id) if chat.shared else types.PeerChat(chat.id)

    def see_peer(self, peer: Any) -> Any:
        """Note a `Peer` that stands in a stored header."""
        if isinstance(peer, types.PeerUser):
            self._users[peer.user_id] = None
        elif isinstance(peer, types.PeerChannel):
            chat = self.world.chats.channel(peer.channel_id)
            if chat is not None:
                self._chats[chat] = None
        elif isinstance(peer, types.PeerChat):
            chat = self.world.chats.group(peer.chat_id)
            if chat is not None:
                self._chats[chat] = None
        return peer

    def people(self) -> list[Any]:
        known = (self.world.peers.get(user_id) for user_id in self._users)
        return [self.world.peers.user(a, self.viewer_id) for a in known if a is not None]

    def groups(self) -> list[Any]:
        return [self.chat(chat) for chat in self._chats]

    def chat(self, chat: Chat) -> Any:
        """`Channel`, `ChannelForbidden`, `Chat` or `ChatForbidden`."""
        member = chat.members.get(self.viewer_id)
        if not chat.shared:
            return self._group(chat)
        access_hash = self.world.peers.access_hash(self.viewer_id, "channel", chat.id)
        broadcast = chat.kind == "channel"
        if not chat.readable_by(self.viewer_id):
            until = member.banned_until if member and "view_messages" in member.banned else None
            return types.ChannelForbidden(
                chat.id,
                access_hash,
                chat.title,
                broadcast=broadcast or None,
                megagroup=(not broadcast) or None,
                until_date=until or None,
            )
        rights = chat.admin_rights_of(self.viewer_id)
        banned = member.banned if member else frozenset()
        return types.Channel(
            id=chat.id,
            access_hash=access_hash,
            title=chat.title,
            photo=types.ChatPhotoEmpty(),
            date=member.joined if member and member.active else chat.date,
            creator=chat.creator_id == self.viewer_id or None,
            left=not (member and member.active) or None,
            broadcast=broadcast or None,
            megagroup=not broadcast or None,
            signatures=chat.signatures or None,
            has_link=chat.linked is not None or None,
            slowmode_enabled=chat.slow_mode > 0 or None,
            noforwards=chat.noforwards or None,
            forum=chat.forum or None,
            restricted=chat.restricted or None,
            restriction_reason=[types.RestrictionReason("all", "terms", "Restricted")]
            if chat.restricted
            else None,
            username=chat.username,
            admin_rights=admin_rights(rights) if rights else None,
            banned_rights=banned_rights(banned, member.banned_until) if member and banned else None,
            default_banned_rights=None if broadcast else banned_rights(chat.default_banned),
            participants_count=len(chat.audience()),
            send_paid_messages_stars=chat.price or None,
        )

    def _group(self, chat: Chat) -> Any:
        member = chat.members.get(self.viewer_id)
        if member is None or "view_messages" in member.banned:
            return types.ChatForbidden(chat.id, chat.title)
        rights = chat.admin_rights_of(self.viewer_id)
        migrated = None
        if chat.migrated_to is not None:
            to = chat.migrated_to.id
            migrated = types.InputChannel(to, self.world.peers.access_hash(self.viewer_id, "channel", to))
        return types.Chat(
            id=chat.id,
            title=chat.title,
            photo=types.ChatPhotoEmpty(),
            participants_count=len(chat.audience()),
            date=chat.date,
            version=chat.version,
            creator=chat.creator_id == self.viewer_id or None,
            left=not member.active or None,
            deactivated=chat.migrated_to is not None or None,
            noforwards=chat.noforwards or None,
            migrated_to=migrated,
            admin_rights=admin_rights(rights) if rights else None,
            default_banned_rights=banned_rights(chat.default_banned),
        )

    # --- messages

    def message(self, message: Message, *, whole: bool = False) -> Any:
        """`Message` or `MessageService` as this viewer has it. `whole`: all of a long page."""
        message_id = message.id_for(self.viewer_id)
        assert message_id is not None, "a message that this viewer does not have"
        chat = message.chat
        peer = self.peer(chat)
        sender = None
        if message.sender_channel is not None:
            self._chats[message.sender_channel] = None
            sender = types.PeerChannel(message.sender_channel.id)
        elif message.sender_id is not None and chat.kind != "private":
            sender = self.see_user(message.sender_id)  # a private chat's two people need no from_id
        out = message.author_id == self.viewer_id
        post = chat.kind == "channel"
        if message.action is not None:
            self._see_action(message.action)
            return types.MessageService(
                id=message_id,
                peer_id=peer,
                date=message.date,
                action=message.action,
                out=out or None,
                post=post or None,
                silent=message.silent or None,
                from_id=sender,
                reply_to=self._reply(message),
                ttl_period=message.ttl_period,
            )
        for entity in message.entities:
            if isinstance(entity, types.MessageEntityMentionName):
                self.see_user(entity.user_id)
        if message.media is not None and isinstance(message.media.plain, types.MessageMediaStory):
            self.see_peer(message.media.plain.peer)
        if message.forward is not None:
            self.see_peer(message.forward.from_id)
            self.see_peer(message.forward.saved_from_peer)
        if message.via_bot_id is not None:
            self.see_user(message.via_bot_id)
        return types.Message(
            id=message_id,
            peer_id=peer,
            date=message.date,
            message=message.text,
            out=out or None,
            silent=message.silent or None,
            post=post or None,
            from_scheduled=message.from_scheduled or None,
            edit_hide=message.edit_hide or None,
            pinned=message.pinned or None,
            noforwards=message.noforwards or None,
            invert_media=message.invert_media or None,
            video_processing_pending=message.processing or None,
            from_id=sender,
            fwd_from=message.forward,
            via_bot_id=message.via_bot_id,
            reply_to=self._reply(message),
            media=message.media.render(self.world, self.viewer_id) if message.media else None,
            reply_markup=message.reply_markup,
            entities=message.entities or None,
            views=message.views if post else None,
            forwards=0 if post else None,
            edit_date=message.edit_date,
            post_author=message.post_author,
            grouped_id=message.grouped_id,
            ttl_period=message.ttl_period,
            rich_message=message.page.render(self.world, self.viewer_id, part=message.in_part and not whole)
            if message.page
            else None,
        )

    def _see_action(self, action: Any) -> None:
        for user_id in getattr(action, "users", None) or ():
            self.see_user(user_id)
        for name in ("user_id", "inviter_id"):
            if getattr(action, name, None):
                self.see_user(getattr(action, name))
        if getattr(action, "channel_id", None):
            self.see_peer(types.PeerChannel(action.channel_id))
        if getattr(action, "chat_id", None):
            self.see_peer(types.PeerChat(action.chat_id))

    def _reply(self, message: Message) -> Any:
        reply = message.reply
        if reply is None:
            return None
        other_chat = reply.to is not None and reply.to.chat is not message.chat
        to = None
        if reply.to is not None:
            to = reply.to.id_for(self.viewer_id)
            if to is None and not other_chat:
                return None
        in_topic = message.chat.forum and reply.topic not in (None, 1)
        if reply.to is None:
            if not in_topic:
                return None
            return types.MessageReplyHeader(reply_to_msg_id=reply.topic, forum_topic=True)
        return types.MessageReplyHeader(
            reply_to_msg_id=to,
            reply_to_peer_id=self.peer(reply.to.chat) if other_chat or reply.external else None,
            forum_topic=in_topic or None,
            reply_to_top_id=reply.topic if in_topic else reply.top_id,
            quote=reply.quote is not None or None,
            quote_text=reply.quote,
            quote_entities=reply.quote_entities or None,
            quote_offset=reply.quote_offset,
        )

    def topic(self, chat: Chat, topic: Topic) -> Any:
        top = chat.last_in_topic(topic.id)
        return types.ForumTopic(
            id=topic.id,
            date=topic.date,
            peer=self.peer(chat),
            title=topic.title,
            icon_color=topic.icon_color,
            icon_emoji_id=topic.icon_emoji_id,
            top_message=top.ids[SHARED] if top else topic.id,
            read_inbox_max_id=0,
            read_outbox_max_id=0,
            unread_count=0,
            unread_mentions_count=0,
            unread_reactions_count=0,
            unread_poll_votes_count=0,
            from_id=self.see_user(topic.creator_id),
            notify_settings=types.PeerNotifySettings(),
            my=topic.creator_id == self.viewer_id or None,
            closed=topic.closed or None,
            pinned=topic.id in chat.pinned_topics or None,
            hidden=topic.hidden or None,
        )

    def dialog(self, chat: Chat) -> Any:
        top = chat.top_message(self.viewer_id)
        return types.Dialog(
            peer=self.peer(chat),
            top_message=(top.id_for(self.viewer_id) or 0) if top else 0,
            read_inbox_max_id=0,
            read_outbox_max_id=0,
            unread_count=0,
            unread_mentions_count=0,
            unread_reactions_count=0,
            unread_poll_votes_count=0,
            notify_settings=types.PeerNotifySettings(),
            pts=chat.box.pts if chat.shared else None,
            ttl_period=chat.ttl_period or None,
        )

    # --- updates

    def change(self, change: Change) -> Any:
        """The update of a change, None if it does not concern this viewer."""
        event = change.event_for(self.viewer_id)
        return None if event is None else self.event(event, change.chat)

    def event(self, event: Event, chat: Chat | None) -> Any:
        """The update of one event. `chat` may be None for an event of the account's own box."""
        shared = chat is not None and chat.shared
        box = chat.box if chat is not None and shared else self.world.chats.box_of(self.viewer_id)
        pts, count = event.pts, event.count
        if event.kind == "delete":
            if shared and chat is not None:
                self.peer(chat)
                return types.UpdateDeleteChannelMessages(chat.id, event.ids, pts, count)
            return types.UpdateDeleteMessages(event.ids, pts, count)
        message = box.messages.get(event.ids[0])
        if message is None:
            return None
        if event.kind in ("pin", "unpin"):
            pinned = event.kind == "pin" or None
            peer = self.peer(message.chat)
            if shared:
                return types.UpdatePinnedChannelMessages(
                    message.chat.id, event.ids, pts, count, pinned=pinned
                )
            return types.UpdatePinnedMessages(peer, event.ids, pts, count, pinned=pinned)
        rendered = self.message(message)
        if event.kind == "webpage":
            page = rendered.media.webpage if rendered.media else types.WebPageEmpty(0)
            if shared:
                return types.UpdateChannelWebPage(message.chat.id, page, pts, count)
            return types.UpdateWebPage(page, pts, count)
        if event.kind == "edit":
            kind = types.UpdateEditChannelMessage if shared else types.UpdateEditMessage
        else:
            kind = types.UpdateNewChannelMessage if shared else types.UpdateNewMessage
        return kind(rendered, pts, count)

    def updates(self, updates: list[Any]) -> Any:
        """The envelope with everyone who was named. `seq` 0: Telegram does not order these."""
        return types.Updates(
            updates=updates, users=self.people(), chats=self.groups(), date=int(self.world.now()), seq=0
        )
