"""Messages come, change and go: post, album, edit, delete, pin, schedule.

`deliver`, `change_message`, `remove` and `pin_messages` are the one way in which anything happens to a
message; requests use them after their checks, the other people of a test use `post` and its like.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from . import text as texts
from .media import Media, end_poll, preview_of
from .messages import SHARED, Message, Reply
from .random_ids import RandomIds
from .telling import Change, Telling

if TYPE_CHECKING:
    from . import World
    from .chats import Chat
    from .peers import Account
    from .views import View

_KEEP: Any = object()


class Posting(Telling):
    """What happens to messages."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.random_ids = RandomIds(world.now)
        #: Script: previews come as `WebPagePending`; `webpage_ready` brings each of them later.
        self.pending_previews = False
        #: A reply to what is gone: "error" (REPLY_MESSAGE_ID_INVALID) or "drop" (sent without the reply).
        self.missing_reply = "error"
        #: Where each stored file was posted: a file seen only in protected chats cannot be sent on.
        self._posted: dict[object, list[Message]] = {}

    def forget_random_ids(self) -> None:
        """Script: what was sent so far is sent once more by a repeat."""
        self.random_ids.forget()

    def is_protected(self, media: Media, account: Account) -> bool:
        """Whether all that this account could have this file from is content-protected (facts, 14)."""
        posts = self._posted.get(media.photo or media.document, [])
        readable = [m for m in posts if m.chat.readable_by(account.id)]
        if not readable or any(m.author_id == account.id for m in readable):
            return False
        return all(m.chat.noforwards or m.noforwards for m in readable)

    # --- posting

    def draft(
        self,
        chat: Chat,
        sender: Account,
        *,
        action: Any = None,
        topic: int | None = None,
        reply_to: Message | None = None,
        **fields: Any,
    ) -> Message:
        """A message that nobody has yet: who it is from, as this kind of chat shows it."""
        message = Message(chat, sender.id, self.now(), action=action, **fields)
        if chat.kind == "channel":
            message.post_author = sender.name if chat.signatures else None
        elif chat.shared and "anonymous" in chat.admin_rights_of(sender.id):
            message.sender_channel = chat
        else:
            message.sender_id = sender.id
        if chat.ttl_period and action is None:
            message.ttl_period = chat.ttl_period
        if message.reply is None:
            message.reply = make_reply(chat, reply_to, topic)
        return message

    def deliver(self, messages: Sequence[Message], *, together: bool = False) -> list[Change]:
        """Give the messages their ids and tell everyone; one push each, unless `together`."""
        changes = []
        for message in messages:
            chat = message.chat
            owners = [SHARED] if chat.shared else chat.audience()
            for owner in owners:
                box = chat.box if owner == SHARED else self.box_of(owner)
                message.ids[owner] = box.number(message)
            change = self.record("new", [message])
            message.born = {owner: event.pts for owner, event in change.events.items()}
            changes.append(change)
            if message.topic is not None:
                chat.topic_ids.setdefault(message.topic, []).append(message.ids[SHARED])
            stored = message.media and (message.media.photo or message.media.document)
            if stored:
                self._posted.setdefault(stored, []).append(message)
            if message.author_id in chat.members:
                chat.members[message.author_id].last_sent = self._world.now()
            if not together:
                self.push_changes([change])
        if together:
            self.push_changes(changes)
        self._copy_to_discussion(messages)
        return changes

    def post(
        self,
        chat: Chat,
        sender: Account,
        text: str = "",
        *,
        entities: Sequence[Any] = (),
        media: Media | None = None,
        reply_to: Message | None = None,
        quote: str | None = None,
        topic: int | None = None,
        date: int | None = None,
        preview: bool = True,
        **fields: Any,
    ) -> Message:
        """Say something. `fields`: grouped_id, silent, noforwards, invert_media, forward, reply_markup, …"""
        text, kept = texts.prepare(text, entities, premium=True)
        if media is None and preview:
            media = preview_of(self._world, text, kept, pending=self.pending_previews)
        message = self.draft(
            chat, sender, topic=topic, reply_to=reply_to, text=text, entities=kept, media=media, **fields
        )
        if date is not None:
            message.date = date
        if quote is not None and message.reply is not None and reply_to is not None:
            message.reply.quote = quote
            message.reply.quote_offset = texts.units(reply_to.text[: reply_to.text.index(quote)])
        self.deliver([message])
        return message

    def post_album(
        self, chat: Chat, sender: Account, items: Iterable[Media | tuple[Media, str]], **fields: Any
    ) -> list[Message]:
        """An album: media, each alone or with its caption."""
        grouped_id = self.new_group_id()
        messages = []
        for item in items:
            media, caption = item if isinstance(item, tuple) else (item, "")
            messages.append(self.post(chat, sender, caption, media=media, grouped_id=grouped_id, **fields))
        return messages

    def service(self, chat: Chat, sender: Account, action: Any, **fields: Any) -> Message:
        message = self.draft(chat, sender, action=action, **fields)
        self.deliver([message])
        return message

    def new_group_id(self) -> int:
        return self._world.random.getrandbits(62) + 1

    def _copy_to_discussion(self, messages: Sequence[Message]) -> None:
        """A post of a channel appears in its discussion group, forwarded and pinned."""
        for message in messages:
            chat = message.chat
            if chat.kind != "channel" or chat.linked is None or message.action is not None:
                continue
            copy = Message(
                chat.linked,
                message.author_id,
                self.now(),
                sender_channel=chat,
                text=message.text,
                entities=message.entities,
                media=message.media,
                grouped_id=message.grouped_id,
                forward=types.MessageFwdHeader(
                    date=message.date,
                    from_id=types.PeerChannel(chat.id),
                    channel_post=message.ids[SHARED],
                    saved_from_peer=types.PeerChannel(chat.id),
                    saved_from_msg_id=message.ids[SHARED],
                ),
                pinned=True,
            )
            self.deliver([copy])

    # --- editing

    def edit(
        self,
        message: Message,
        text: str | None = None,
        *,
        entities: Sequence[Any] = (),
        media: Media | None = _KEEP,
        hide: bool = False,
    ) -> Message:
        """Change a message's text or media. `hide`: an edit that shows no mark (buttons, previews)."""
        kept = message.entities
        if text is not None:
            text, kept = texts.prepare(text, entities, premium=True)
        if media is _KEEP:
            media = message.media
            if text is not None and (media is None or media.kind == "webpage"):
                media = preview_of(self._world, text, kept)
        self.change_message(message, message.text if text is None else text, kept, media, hide=hide)
        return message

    def change_message(
        self, message: Message, text: str, entities: list[Any], media: Media | None, *, hide: bool = False
    ) -> Change:
        message.text, message.entities, message.media = text, entities, media
        message.edit_date = self.now()
        message.edit_hide = hide
        change = self.record("edit", [message])
        self.push_changes([change])
        return change

    def close_poll(self, message: Message, *, named: bool = True) -> None:
        """Its author ends a poll, of which an update of its own tells and nothing in any sequence.

        `named`: that says which message it is.
        """
        assert message.media is not None
        end_poll(message.media)
        media, chat = message.media.plain, message.chat

        def make(view: View) -> list[Any]:
            where = {"peer": view.peer(chat), "msg_id": message.id_for(view.viewer_id)} if named else {}
            return [types.UpdateMessagePoll(media.poll.id, media.results, poll=media.poll, **where)]

        for account_id in chat.audience():
            self.push(account_id, make, chat)

    def webpage_ready(self, message: Message, media: Media | None = None) -> None:
        """A preview arrives after its message: an update of its own kind, not an edit."""
        message.media = media or preview_of(self._world, message.text, message.entities)
        self.push_changes([self.record("webpage", [message])])

    # --- deleting

    def delete(self, *messages: Message) -> None:
        self.remove(list(messages))

    def remove(self, messages: Sequence[Message], *, only_for: int | None = None) -> Change | None:
        """Delete messages of one chat; None if nothing was there. `only_for`: one account's own copies."""
        present = [m for m in messages if not m.deleted]
        if only_for is not None and present and not present[0].chat.shared:
            return self._remove_own(present, only_for)
        if not present:
            return None
        change = self.record("delete", present)
        for message in present:
            message.deleted = True
            if message.topic is not None:
                message.chat.topic_ids[message.topic].remove(message.ids[SHARED])
            for owner, message_id in message.ids.items():
                box = message.chat.box if owner == SHARED else self.box_of(owner)
                if message_id in box.messages:
                    box.remove(message_id)
        self.push_changes([change])
        return change

    def _remove_own(self, messages: Sequence[Message], account_id: int) -> Change | None:
        box = self.box_of(account_id)
        ids = [m.ids[account_id] for m in messages if m.ids.get(account_id) in box.messages]
        if not ids:
            return None
        change = Change(messages[0].chat, {account_id: box.record("delete", ids, self.now())}, messages[0])
        for message_id in ids:
            box.remove(message_id)
        self.push_changes([change])
        return change

    def expire(self, chat: Chat) -> None:
        """Carry out the auto-delete timer: what is past its time goes."""
        box, now = chat.box, self.now()
        past = [m for m in box.messages.values() if m.ttl_period and m.date + m.ttl_period <= now]
        self.remove(past)

    # --- pinning

    def pin(self, message: Message, by: Account | None = None, *, pinned: bool = True) -> None:
        sender = by or self._world.peers.by_id(message.chat.creator_id)
        self.pin_message(message, sender, pinned=pinned)

    def pin_message(
        self, message: Message, sender: Account, *, pinned: bool, silent: bool = False
    ) -> list[Change]:
        """Pin (with its service message) or unpin (without one); nothing happens if it is so already."""
        if message.pinned == pinned:
            return []
        message.pinned = pinned
        changes = [self.record("pin" if pinned else "unpin", [message])]
        self.push_changes(changes)
        if pinned:
            note = self.draft(
                message.chat,
                sender,
                action=types.MessageActionPinMessage(),
                reply_to=message,
                silent=silent,
            )
            changes += self.deliver([note])
        return changes

    # --- scheduled messages

    def process_videos(self, chat: Chat, count: int = 1) -> None:
        """Script: the next videos sent here come back as scheduled messages, still being processed."""
        chat.process_videos += count

    def schedule(self, message: Message, date: int) -> int:
        """Put a message into the chat's schedule, which has ids of its own; its scheduled id."""
        chat = message.chat
        scheduled_id = chat.next_scheduled_id
        chat.next_scheduled_id += 1
        message.date = date
        message.ids = {SHARED: scheduled_id}
        chat.scheduled[scheduled_id] = message
        return scheduled_id

    def publish_scheduled(self, chat: Chat, scheduled_id: int) -> Message:
        """The scheduled message becomes a real one, under a real id."""
        message = chat.scheduled.pop(scheduled_id)
        message.ids.clear()
        message.from_scheduled, message.processing = True, False
        message.date = self.now()
        self.deliver([message])
        real = message.id

        def make(view: Any) -> list[Any]:
            return [types.UpdateDeleteScheduledMessages(view.peer(chat), [scheduled_id], [real])]

        self.push(message.author_id, make, chat)
        return message


def make_reply(
    chat: Chat, to: Message | None, topic: int | None = None, *, external: bool = False
) -> Reply | None:
    """The reply header for answering `to`, or for lying in a topic; None for neither.

    `external`: the answered message's chat was named, and does not say where the answer lies.
    """
    if chat.forum:
        topic = topic or (to.topic if to is not None and to.chat is chat and not external else None)
        if topic == 1:
            topic = None
        if to is not None and to.ids.get(SHARED) == topic:
            to = None
    if to is None:
        return Reply(topic=topic) if topic is not None else None
    top_id = None
    if to.chat is chat and chat.shared and not chat.forum and to.thread is not None:
        top_id = to.thread
    return Reply(to, top_id=top_id, topic=topic, external=external)
