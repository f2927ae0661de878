"""The domain's values: chats, messages, drafts to send, and the result of a send.

Frozen, importable by every package, independent of Telethon. Data that only Telegram understands is kept as
`raw` bytes, which the domain stores and hands back but never reads. Chat ids are the marked ids of the
configuration (`-100…` for channels and supergroups).
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from .media import FILE_KINDS as FILE_KINDS
from .media import TOLD_KINDS as TOLD_KINDS
from .media import Entity as Entity
from .media import Media as Media
from .media import MediaKind as MediaKind
from .media import Value as Value
from .mirrors import Filter as Filter
from .mirrors import Mirror as Mirror

#: Bytes of one part, as https://core.telegram.org/api/files#uploading-files recommends.
PART_SIZE = 512 * 1024
#: Files up to this size are uploaded by `saveFilePart`, larger ones by `saveBigFilePart`.
SMALL_FILE_MAX = 10 * 1024 * 1024
#: The topic that every forum has; its messages name no topic.
GENERAL_TOPIC = 1


class Preview(Value, frozen=True, kw_only=True):
    """The link preview of a text: none, chosen by Telegram (`auto`), or a forced form."""

    mode: Literal["none", "auto", "forced"] = "auto"
    url: str = ""
    large: bool = False
    small: bool = False


class Reply(Value, frozen=True, kw_only=True):
    """A reference to the answered message, by its id in the same chat, or in `chat` where that is set."""

    id: int
    chat: int | None = None
    quote: str = ""
    quote_entities: tuple[Entity, ...] = ()
    #: UTF-16 code units into the answered text.
    quote_offset: int | None = None
    #: Description of an answered message in another chat, for people: `a message of Ann`.
    what: str = ""
    #: The item of a checklist that is answered.
    todo_item: int | None = None


class Message(Value, frozen=True, kw_only=True):
    """One message as read from Telegram. For a service message, `service` is the name of its action."""

    chat: int
    id: int
    #: Seconds since 1970.
    date: int
    text: str = ""
    entities: tuple[Entity, ...] = ()
    media: Media | None = None
    #: `grouped_id` of an album.
    group: int | None = None
    reply: Reply | None = None
    #: The topic it is in (1 is General); None outside of forums.
    topic: int | None = None
    silent: bool = False
    #: Sent by the account that reads.
    out: bool = False
    edited: int = 0
    sender: str = ""
    sender_id: int = 0
    #: The sender's, without the @.
    username: str = ""
    #: The original author of a forwarded message, where Telegram says.
    forwarded: str = ""
    #: `noforwards` on the message itself; the chat's own flag is in `Chat`.
    protected: bool = False
    preview: Preview = Preview(mode="auto")
    #: Caption or preview above the media or text.
    invert: bool = False
    service: str = ""
    #: Fields of a service message about a topic: `title`, `color`, `icon`, `closed`, `hidden`.
    action: dict[str, int | str | bool] = {}
    #: A video still being converted: the message is not final yet.
    pending: bool = False

    @property
    def media_id(self) -> int:
        """The id of its media; 0 for none."""
        return self.media.id if self.media is not None else 0

    def content(self) -> str:
        """Return a digest of what a member sees of it, without views, reactions, keyboards and references."""
        media = self.media
        shown = (
            (media.kind, media.id, media.spoiler, media.note, media.refusal, media.words, media.closed)
            if media
            else None
        )
        seen = (self.text, self.entities, shown, self.preview, self.invert)
        return hashlib.sha256(msgspec.msgpack.encode(seen)).hexdigest()[:24]


class Chat(Value, frozen=True, kw_only=True):
    """The known properties of a chat and of this account's membership in it."""

    id: int
    title: str
    kind: Literal["supergroup", "channel", "group", "user"]
    username: str = ""
    forum: bool = False
    #: Content protection of the whole chat.
    protected: bool = False
    #: The account is its creator or an administrator who could lift the protection.
    may_unprotect: bool = False
    member: bool = True
    #: Number of members, where Telegram said so.
    members: int | None = None
    #: The reason why this account cannot post here; empty where it can.
    write_refusal: str = ""
    #: Content that this account may not send here: kinds of media, `text`.
    denied: frozenset[str] = frozenset()
    #: May pin, and so edit without the 48 hour limit.
    may_pin: bool = False
    may_manage_topics: bool = False
    may_change_info: bool = False
    #: The discussion group of a channel, or the channel of a discussion group.
    linked: int | None = None
    #: The supergroup that a basic group became; the basic group before, and its last message id.
    migrated_to: int | None = None
    migrated_from: int | None = None
    migrated_from_max: int = 0
    #: Rest of the visible profile, where the full chat was fetched.
    about: str = ""
    photo: Media | None = None
    #: Seconds of slow mode that apply to this account; 0 for none.
    slow_mode: int = 0
    #: Seconds after which messages delete themselves; 0 for never.
    auto_delete: int = 0


class ChatProfile(Value, frozen=True, kw_only=True):
    """The visible profile of a chat: title, description and photo."""

    title: str
    about: str = ""
    photo: Media | None = None

    def looks(self) -> tuple[str, str, int]:
        """Return a key for comparison: the same photo has another reference each time."""
        return self.title, self.about, self.photo.id if self.photo is not None else 0


class Topic(Value, frozen=True, kw_only=True):
    """One topic of a forum."""

    id: int
    title: str
    closed: bool = False
    hidden: bool = False
    icon_color: int = 0
    icon_emoji: int = 0
    #: Rank among the pinned topics, 1 on top; 0: not pinned.
    pinned: int = 0
    #: Created by the requesting account.
    own: bool = False


class Account(Value, frozen=True, kw_only=True):
    """The account in use and its limits, in UTF-16 code units and parts of 512 KiB."""

    id: int
    name: str
    username: str = ""
    premium: bool = False
    bot: bool = False
    text_max: int = 4096
    caption_max: int = 1024
    parts_max: int = 4000


class Box(Value, frozen=True, kw_only=True):
    """A live position: a channel's `pts`, or the account's common `(pts, qts, date)`."""

    pts: int
    qts: int = 0
    date: int = 0


class Piece(Value, frozen=True, kw_only=True):
    """One message to be sent: alone in a `Draft`, or an item of its album."""

    source_id: int
    text: str = ""
    entities: tuple[Entity, ...] = ()
    media: Media | None = None


class ReplyTo(Value, frozen=True, kw_only=True):
    """The message of the target that a draft answers, with the quoted text."""

    id: int
    #: It is in another topic than the draft.
    across: bool = False
    quote: str = ""
    quote_entities: tuple[Entity, ...] = ()
    quote_offset: int | None = None
    todo_item: int | None = None


class LastAuthor(Value, frozen=True, kw_only=True):
    """The author, time and, where it is named, topic of a post, as the lines above its copy state them."""

    author: str
    at: int
    place: int = 0
    #: The line is above this copy; False: above an earlier post.
    line: bool = True
    #: The topic's name is there; False: the post before is in the same topic.
    placed: bool = True


class Draft(Value, frozen=True, kw_only=True):
    """One call to the target: a text, a media message, or an album (several pieces)."""

    pieces: tuple[Piece, ...]
    reply: ReplyTo | None = None
    #: Topic of the target; None for a chat without topics or for General.
    topic: int | None = None
    silent: bool = False
    invert: bool = False
    preview: Preview = Preview(mode="auto")
    #: The rest of a split post replies to the part before it.
    reply_to_previous: bool = False
    #: This call creates a topic instead of a message; the text of its one piece is the title.
    opens: Topic | None = None
    #: Set where the mirror names authors, or topics that the target does not have.
    voice: LastAuthor | None = None
    #: The source id of the album's item that has our lines.
    host: int = 0

    @property
    def cost(self) -> int:
        """The number of messages that this call adds to the target, which is what the pace charges."""
        return len(self.pieces)

    @property
    def method(self) -> str:
        """The method that sends it (https://core.telegram.org/methods#working-with-messages)."""
        if self.opens is not None:
            return "messages.createForumTopic"
        if len(self.pieces) > 1:
            return "messages.sendMultiMedia"
        media = self.pieces[0].media
        if (media is not None and media.kind != "rich") or self.preview.mode == "forced":
            return "messages.sendMedia"
        return "messages.sendMessage"


class Upload(Value, frozen=True, kw_only=True):
    """A file being uploaded: its random `file_id`, and its size in bytes and parts."""

    file_id: int
    size: int
    name: str = ""
    #: Photos and thumbnails are always uploaded as small files, whatever their size.
    small: bool = False

    @property
    def parts(self) -> int:
        return max(1, -(-self.size // PART_SIZE))


class Sent(Value, frozen=True, kw_only=True):
    """The result of a send: message ids (for a video still being converted, scheduled ids) by `random_id`."""

    ids: dict[int, int] = {}
    scheduled: dict[int, int] = {}
    #: Ids without their messages: sent, and perhaps deleted since.
    unseen: dict[int, int] = {}
    #: The live position in the answer; None where there is none.
    position: Box | None = None


class Mark(Value, frozen=True, kw_only=True):
    """The newest send of a target, of an account or of its backlogs: its unix time and number of messages."""

    at: float
    cost: int = 1
