"""What a message is, apart from who looks at it.

Records only. Ids depend on the box: in a channel or supergroup a message has one id (`ids[0]`), in a basic
group or private chat each participant has a copy under an id of their own (`ids[account id]`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chats import Chat
    from .media import Media, Page

#: The key of `Message.ids` under which a channel's single id lies.
SHARED = 0


@dataclass(eq=False)
class Reply:
    """What a message answers. `topic` is the forum topic (1 = General is stored as None).

    `external`: from another chat, or another topic of the same.
    """

    to: Message | None = None
    top_id: int | None = None
    topic: int | None = None
    quote: str | None = None
    quote_entities: list[Any] = field(default_factory=list)
    quote_offset: int | None = None
    external: bool = False


@dataclass(eq=False)
class Message:
    """`sender_id` is None for a channel's own post; `author_id` is who wrote it and sees it as outgoing."""

    chat: Chat
    author_id: int
    date: int
    sender_id: int | None = None
    sender_channel: Chat | None = None
    text: str = ""
    entities: list[Any] = field(default_factory=list)
    media: Media | None = None
    #: A rich message, which is no media.
    page: Page | None = None
    #: Its page comes in part, and is asked for whole.
    in_part: bool = False
    reply: Reply | None = None
    action: Any = None
    forward: Any = None
    grouped_id: int | None = None
    silent: bool = False
    pinned: bool = False
    noforwards: bool = False
    invert_media: bool = False
    edit_date: int | None = None
    edit_hide: bool = False
    post_author: str | None = None
    via_bot_id: int | None = None
    ttl_period: int | None = None
    from_scheduled: bool = False
    processing: bool = False
    reply_markup: Any = None
    views: int = 1
    ids: dict[int, int] = field(default_factory=dict)
    #: pts of its creation, by the same keys as `ids`.
    born: dict[int, int] = field(default_factory=dict)
    deleted: bool = False

    @property
    def id(self) -> int:
        """The id in a channel or supergroup; in other chats the author's."""
        return self.ids.get(SHARED) or self.ids[self.author_id]

    def id_for(self, viewer_id: int) -> int | None:
        return self.ids.get(SHARED) or self.ids.get(viewer_id)

    @property
    def topic(self) -> int | None:
        """The forum topic it lies in (None outside of forums; 1 = General)."""
        if not self.chat.forum:
            return None
        if self.action is not None and self.ids.get(SHARED) in self.chat.topics:
            return self.ids[SHARED]
        return (self.reply.topic if self.reply else None) or 1

    @property
    def thread(self) -> int | None:
        """The id of the message that its thread hangs on, None if it answers nothing."""
        if self.reply is None or self.reply.to is None:
            return None
        return self.reply.top_id or self.reply.to.ids.get(SHARED)
