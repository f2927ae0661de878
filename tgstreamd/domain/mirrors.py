"""The options of a mirror: its two places, how it copies, and which posts it copies.

Values of the configuration that the pure decisions read. Frozen; they decide nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .media import MediaKind, Value

#: Kind of a post: a kind of media, or text alone.
PostKind = MediaKind | Literal["text"]
Size = Annotated[int, Meta(ge=0)]
TopicId = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A post matches if it meets every condition that is set; a list is met by any of its values."""

    name: str
    #: `drop`: matching posts are not copied. `keep`: only matching posts are copied.
    action: Literal["drop", "keep"] = "drop"
    kinds: tuple[PostKind, ...] = ()
    #: Bytes of its largest file.
    larger_than: Size | None = None
    smaller_than: Size | None = None
    #: Any of these words or phrases, ignoring case.
    text: tuple[str, ...] = ()
    #: See `policy.regex`.
    regex: str = ""
    #: Ids, @usernames or display names.
    author: tuple[int | str, ...] = ()
    #: Topics of the source; 1 is General.
    topic: tuple[TopicId, ...] = ()


class Mirror(Value, frozen=True, kw_only=True):
    """One mirror with its ids resolved and its options. `id` is its row in the ledger."""

    id: int
    name: str
    source: int
    target: int
    source_topic: int | None = None
    target_topic: int | None = None
    history: str = "all"
    order: Literal["live-first", "source"] = "live-first"
    delay: float = 0.0
    attribution: Literal["none", "author", "author-link"] = "none"
    dates: Literal["never", "backlog", "always"] = "never"
    edits: bool = True
    deletes: Literal["keep", "mirror"] = "keep"
    pins: bool = True
    transfer: Literal["stream", "reference", "reference-only"] = "stream"
    unsupported: Literal["note", "skip"] = "note"
    topic_names: bool = True
    chat: bool = False
    filter: tuple[Filter, ...] = ()
    #: Words and links, with their replacements in the copies.
    replace: dict[str, str] = {}
    header: str = ""
    footer: str = ""
    drop_captions: bool = False
