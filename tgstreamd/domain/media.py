"""The values that describe a message's content: formatted ranges, and media of every kind.

Frozen. Data that only Telegram understands is kept as `raw` bytes, which the domain stores and hands back but
never reads.
"""

from __future__ import annotations

from typing import Literal

import msgspec

MediaKind = Literal[
    "photo", "live_photo", "video", "round", "gif", "audio", "voice", "sticker", "file",
    "geo", "geo_live", "venue", "contact", "poll", "todo", "story", "rich",
    # A note replaces these.
    "dice", "game", "invoice", "giveaway", "giveaway_results", "paid", "video_stream", "expired",
    "unsupported",
]  # fmt: skip
#: Kinds whose bytes can be moved.
FILE_KINDS: frozenset[str] = frozenset(
    {"photo", "live_photo", "video", "round", "gif", "audio", "voice", "sticker", "file"}
)
#: Kinds without a file, which are sent again from their fields.
TOLD_KINDS: frozenset[str] = frozenset(
    {"geo", "geo_live", "venue", "contact", "poll", "todo", "story", "rich"}
)


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frozen value that the ledger can store."""


class Entity(Value, frozen=True, kw_only=True):
    """A formatted range of a text. `offset` and `length` count UTF-16 code units, as Telegram does."""

    #: `bold`, `text_url`, `custom_emoji`, …: the constructor's name without `messageEntity`, in snake case.
    kind: str
    offset: int
    length: int
    #: Further fields of the kind: `url`, `language`, `user_id`, `document_id`, `collapsed`, `date`, …
    args: dict[str, int | str | bool] = {}


class Media(Value, frozen=True, kw_only=True):
    """The media of a message. The domain decides by the named fields; `raw` belongs to the adapter."""

    kind: MediaKind
    #: Photo or document id; the same file keeps it when sent by reference.
    id: int = 0
    #: Bytes of the file that will be fetched (a photo's largest size); 0 where there is none.
    size: int = 0
    dc: int = 0
    mime: str = ""
    name: str = ""
    width: int = 0
    height: int = 0
    #: Seconds.
    duration: float = 0.0
    spoiler: bool = False
    #: Bytes of a document's thumbnail; 0 where there is none.
    thumb_size: int = 0
    #: Description for people, used where it cannot be copied: `a poll: "Lunch?"`.
    note: str = ""
    #: The reason why it must not be copied (`self-destructing`, `paid`); empty where it may be.
    refusal: str = ""
    #: The part that a copy lacks, for people: `its right answer is not known, copied as a poll`.
    lacks: str = ""
    #: Its whole content as text, for kinds that have one: sent where the media itself cannot be.
    words: str = ""
    word_entities: tuple[Entity, ...] = ()
    #: Only Premium accounts may send it.
    premium: bool = False
    #: The poll takes no more votes.
    closed: bool = False
    #: The unix time at which a poll closes by itself; 0 for never.
    closes: int = 0
    #: It refers to other files (a cover, the moving part of a live photo), copied only by reference.
    companions: bool = False
    #: Sent without its companions.
    alone: bool = False
    #: Telegram sent only a part of it; fetching the message gives the rest.
    partial: bool = False
    #: The TL object, as received, for the adapter.
    raw: bytes = b""

    def extent(self, *, thumb: bool) -> int:
        """Return the size in bytes of its file, or of its thumbnail."""
        return self.thumb_size if thumb else self.size
