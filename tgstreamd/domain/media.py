"""What a message holds besides its place: formatted ranges, and media of every kind.

The nouns that `model` is built of, frozen values as all of them. What only Telegram understands travels as
`raw` bytes that the domain stores and hands back, never reads.
"""

from __future__ import annotations

from typing import Literal

import msgspec

MediaKind = Literal[
    "photo", "live_photo", "video", "round", "gif", "audio", "voice", "sticker", "file",
    "geo", "geo_live", "venue", "contact", "poll", "todo", "story", "rich",
    # A note stands in their place.
    "dice", "game", "invoice", "giveaway", "giveaway_results", "paid", "video_stream", "expired",
    "unsupported",
]  # fmt: skip
#: Kinds whose bytes can be moved.
FILE_KINDS: frozenset[str] = frozenset(
    {"photo", "live_photo", "video", "round", "gif", "audio", "voice", "sticker", "file"}
)
#: Kinds without bytes, which are sent again from what they say.
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
    #: What the kind carries besides: `url`, `language`, `user_id`, `document_id`, `collapsed`, `date`, …
    args: dict[str, int | str | bool] = {}


class Media(Value, frozen=True, kw_only=True):
    """What hangs on a message. The domain decides by the named fields; `raw` is the adapter's."""

    kind: MediaKind
    #: Photo or document id; the same file keeps it when sent by reference.
    id: int = 0
    #: Bytes of the file as it will be fetched (a photo's largest size); 0 where there are none.
    size: int = 0
    dc: int = 0
    mime: str = ""
    name: str = ""
    width: int = 0
    height: int = 0
    #: Seconds.
    duration: float = 0.0
    spoiler: bool = False
    #: Bytes of the thumbnail that goes along with a document; 0 where there is none.
    thumb_size: int = 0
    #: A sentence for people, for where it cannot be copied: `a poll: "Lunch?"`.
    note: str = ""
    #: A deeper reason why it must not be copied (`self-destructing`, `paid`); empty where it may.
    refusal: str = ""
    #: What a copy will lack, for people: `its right answer is not known, copied as a poll`.
    lacks: str = ""
    #: All that it says, as a text, for kinds that have one: it is sent where the media itself cannot be.
    words: str = ""
    word_entities: tuple[Entity, ...] = ()
    #: Only Premium accounts may send it.
    premium: bool = False
    #: A poll that takes no votes any more.
    closed: bool = False
    #: When a poll closes by itself (unix time); 0 for never.
    closes: int = 0
    #: It holds other files (a cover, the moving part of a live photo), which only go by reference.
    companions: bool = False
    #: Without those.
    alone: bool = False
    #: Telegram has told only a part of it, and tells the rest when it is asked for the message.
    partial: bool = False
    #: The TL object, as received, for the adapter.
    raw: bytes = b""

    def extent(self, *, thumb: bool) -> int:
        """Bytes of its file, or of its thumbnail."""
        return self.thumb_size if thumb else self.size
