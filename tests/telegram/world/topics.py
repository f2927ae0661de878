"""Forum topics: made, changed, closed and deleted.

A topic's id is the id of the service message that created it; General is 1 and has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from .messages import SHARED
from .posting import Posting
from .telling import Change

if TYPE_CHECKING:
    from .chats import Chat
    from .peers import Account
    from .views import View

GENERAL = 1
ICON_COLORS = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)


@dataclass(eq=False)
class Topic:
    """One topic. A deleted one stays, so that writing into it can be told apart from a bad id."""

    id: int
    title: str
    icon_color: int
    creator_id: int
    date: int
    icon_emoji_id: int | None = None
    closed: bool = False
    hidden: bool = False
    deleted: bool = False


class Topics(Posting):
    """What people do to topics."""

    def add_topic(
        self,
        chat: Chat,
        sender: Account,
        title: str,
        *,
        icon_color: int = ICON_COLORS[0],
        icon_emoji_id: int | None = None,
    ) -> int:
        """Create a topic; its id."""
        return self.create_topic(chat, sender, title, icon_color, icon_emoji_id).message.ids[SHARED]

    def create_topic(
        self, chat: Chat, sender: Account, title: str, icon_color: int, icon_emoji_id: int | None
    ) -> Change:
        action = types.MessageActionTopicCreate(title, icon_color, icon_emoji_id=icon_emoji_id)
        message = self.draft(chat, sender, action=action)
        # The topic is there before anyone hears of the message that made it.
        topic_id = chat.box.next_id
        chat.topics[topic_id] = Topic(
            topic_id, title, icon_color, sender.id, self.now(), icon_emoji_id=icon_emoji_id
        )
        return self.deliver([message])[0]

    def edit_topic(
        self,
        chat: Chat,
        sender: Account,
        topic_id: int,
        *,
        title: str | None = None,
        icon_emoji_id: int | None = None,
        closed: bool | None = None,
        hidden: bool | None = None,
    ) -> Change:
        topic = chat.topics[topic_id]
        topic.title = topic.title if title is None else title
        topic.icon_emoji_id = topic.icon_emoji_id if icon_emoji_id is None else icon_emoji_id
        topic.closed = topic.closed if closed is None else closed
        topic.hidden = topic.hidden if hidden is None else hidden
        action = types.MessageActionTopicEdit(
            title=title, icon_emoji_id=icon_emoji_id, closed=closed, hidden=hidden
        )
        return self.deliver([self.draft(chat, sender, action=action, topic=topic_id)])[0]

    def close_topic(
        self, chat: Chat, topic_id: int, *, closed: bool = True, by: Account | None = None
    ) -> None:
        sender = by or self._world.peers.by_id(chat.creator_id)
        self.edit_topic(chat, sender, topic_id, closed=closed)

    def pin_topic(self, chat: Chat, topic_id: int, *, pinned: bool = True) -> Callable[[View], Any]:
        """On top of the others that are pinned, or no more among them; the update, which no sequence has."""
        others = [topic for topic in chat.pinned_topics if topic != topic_id]
        chat.pinned_topics = [topic_id, *others] if pinned else others
        return self._pins_changed(
            chat, lambda view: types.UpdatePinnedForumTopic(view.peer(chat), topic_id, pinned=pinned or None)
        )

    def order_topics(self, chat: Chat, order: list[int]) -> Callable[[View], Any]:
        """All pinned topics, from the top."""
        chat.pinned_topics = list(order)
        return self._pins_changed(
            chat, lambda view: types.UpdatePinnedForumTopics(view.peer(chat), order=list(order))
        )

    def _pins_changed(self, chat: Chat, make: Callable[[View], Any]) -> Callable[[View], Any]:
        for account_id in chat.audience():
            self.push(account_id, lambda view: [make(view)], chat)
        return make

    def delete_topic(self, chat: Chat, topic_id: int) -> Change | None:
        """The topic and everything in it."""
        topic = chat.topics[topic_id]
        topic.deleted = True
        chat.pinned_topics = [one for one in chat.pinned_topics if one != topic_id]
        return self.remove([chat.box.messages[i] for i in chat.in_topic(topic_id)])
