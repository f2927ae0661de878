"""The nouns: chats, messages, media, what is sent, and what became of it.

Frozen values that every room may hold. They import nothing of ours and know nothing of Telethon: what
only Telegram understands travels as `raw` bytes that the domain stores and hands back, never reads.
Chat ids are the marked ids of the configuration (`-100…` for channels and supergroups).
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
#: Files up to here go up by `saveFilePart`, larger ones by `saveBigFilePart`.
SMALL_FILE_MAX = 10 * 1024 * 1024
#: The topic that every forum has; messages in it carry no topic of their own.
GENERAL_TOPIC = 1


class Preview(Value, frozen=True, kw_only=True):
    """How the link preview under a text stood: none, as Telegram likes, or one of its forms."""

    mode: Literal["none", "auto", "forced"] = "auto"
    url: str = ""
    large: bool = False
    small: bool = False


class Reply(Value, frozen=True, kw_only=True):
    """What a message answers, in the ids of its own chat, or of `chat` where that is set."""

    id: int
    chat: int | None = None
    quote: str = ""
    quote_entities: tuple[Entity, ...] = ()
    #: UTF-16 code units into the answered text.
    quote_offset: int | None = None
    #: What is known of an answered message elsewhere, for people: `a message of Ann`.
    what: str = ""
    #: The item of a checklist that is meant.
    todo_item: int | None = None


class Message(Value, frozen=True, kw_only=True):
    """One message as read. A service message has `service` set to the name of its action."""

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
    #: The topic it stands in (1 is General); None outside of forums.
    topic: int | None = None
    silent: bool = False
    #: Sent by the account that reads.
    out: bool = False
    edited: int = 0
    sender: str = ""
    sender_id: int = 0
    #: Of the sender, without the @.
    username: str = ""
    #: Whose words these are, where it was forwarded and Telegram says.
    forwarded: str = ""
    #: `noforwards` on the message itself; the chat's own flag is in `Chat`.
    protected: bool = False
    preview: Preview = Preview(mode="auto")
    #: Caption or preview above the media or text.
    invert: bool = False
    service: str = ""
    #: What a service message about a topic says: `title`, `color`, `icon`, `closed`, `hidden`.
    action: dict[str, int | str | bool] = {}
    #: A video whose conversion is not finished: the message is not final yet.
    pending: bool = False

    @property
    def media_id(self) -> int:
        """The id of its media; 0 for none."""
        return self.media.id if self.media is not None else 0

    def content(self) -> str:
        """A digest of what a member sees of it; not of views, reactions, keyboards, references."""
        media = self.media
        shown = (
            (media.kind, media.id, media.spoiler, media.note, media.refusal, media.words, media.closed)
            if media
            else None
        )
        seen = (self.text, self.entities, shown, self.preview, self.invert)
        return hashlib.sha256(msgspec.msgpack.encode(seen)).hexdigest()[:24]


class Chat(Value, frozen=True, kw_only=True):
    """What is known of a chat and of this account's place in it."""

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
    #: How many people are in it, where Telegram said so.
    members: int | None = None
    #: Why this account cannot post here; empty where it can.
    write_refusal: str = ""
    #: What it does not take from this account: kinds of media, `text`.
    denied: frozenset[str] = frozenset()
    #: May pin, and so edit without the 48 hour limit.
    may_pin: bool = False
    may_manage_topics: bool = False
    may_change_info: bool = False
    #: The discussion group of a channel, or the channel of a discussion group.
    linked: int | None = None
    #: What a basic group became; what a supergroup was before, and the last id of that.
    migrated_to: int | None = None
    migrated_from: int | None = None
    migrated_from_max: int = 0
    #: What people see of it besides the title, where Telegram was asked for everything.
    about: str = ""
    photo: Media | None = None
    #: Seconds of slow mode that bind this account; 0 for none.
    slow_mode: int = 0
    #: Seconds after which messages delete themselves; 0 for never.
    auto_delete: int = 0


class ChatProfile(Value, frozen=True, kw_only=True):
    """What people see of a chat besides its messages."""

    title: str
    about: str = ""
    photo: Media | None = None

    def looks(self) -> tuple[str, str, int]:
        """To compare: the same photo has another reference each time."""
        return self.title, self.about, self.photo.id if self.photo is not None else 0


class Topic(Value, frozen=True, kw_only=True):
    """One topic of a forum."""

    id: int
    title: str
    closed: bool = False
    hidden: bool = False
    icon_color: int = 0
    icon_emoji: int = 0
    #: Its place among the pinned ones, 1 on top; 0: not pinned.
    pinned: int = 0
    #: Made by the account that asks.
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
    """The message of the target that a draft answers, with the quoted words."""

    id: int
    #: It stands in another topic than the draft goes into.
    across: bool = False
    quote: str = ""
    quote_entities: tuple[Entity, ...] = ()
    quote_offset: int | None = None
    todo_item: int | None = None


class LastAuthor(Value, frozen=True, kw_only=True):
    """Whose post it is, as the lines above it say, and when; in which topic, where that is named."""

    author: str
    at: int
    place: int = 0
    #: The line stands above the copy; False: the post before it carries it.
    line: bool = True
    #: The topic's name stands there; False: the post before it has the same.
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
    #: A tail of the same post answers the part before it (a split text).
    reply_to_previous: bool = False
    #: This call makes a topic instead of a message; its one piece carries the title.
    opens: Topic | None = None
    #: Where the mirror names authors, or topics that the target has not.
    voice: LastAuthor | None = None
    #: Of an album: the source id of the item that carries our lines.
    host: int = 0

    @property
    def cost(self) -> int:
        """Messages that this call puts into the target, which is what the pace charges."""
        return len(self.pieces)

    @property
    def method(self) -> str:
        """The method that carries it out (https://core.telegram.org/methods#working-with-messages)."""
        if self.opens is not None:
            return "messages.createForumTopic"
        if len(self.pieces) > 1:
            return "messages.sendMultiMedia"
        media = self.pieces[0].media
        if (media is not None and media.kind != "rich") or self.preview.mode == "forced":
            return "messages.sendMedia"
        return "messages.sendMessage"


class Upload(Value, frozen=True, kw_only=True):
    """A file on its way up: its random `file_id`, and its size in bytes and parts."""

    file_id: int
    size: int
    name: str = ""
    #: Photos and thumbnails always go up as small files, whatever their size.
    small: bool = False

    @property
    def parts(self) -> int:
        return max(1, -(-self.size // PART_SIZE))


class Sent(Value, frozen=True, kw_only=True):
    """What a send came to: message id (or, for a video still converted, scheduled id) by `random_id`."""

    ids: dict[int, int] = {}
    scheduled: dict[int, int] = {}
    #: Named without their messages: they were sent, and may have been deleted since.
    unseen: dict[int, int] = {}
    #: The live position that the answer tells; None where it tells none.
    position: Box | None = None


class Mark(Value, frozen=True, kw_only=True):
    """The newest send of a target, an account or its backlogs: when (unix time), and for how many."""

    at: float
    cost: int = 1
