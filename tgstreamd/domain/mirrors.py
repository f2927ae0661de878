"""What an operator may wish of a mirror: between which places, how, and which posts are copied.

The nouns of the configuration that the pure decisions read. Frozen values; they decide nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .media import MediaKind, Value

#: What a post may be: a kind of media, or words alone.
PostKind = MediaKind | Literal["text"]
Size = Annotated[int, Meta(ge=0)]
TopicId = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A post matches where it meets every condition that is set, of a list any one of its values."""

    name: str
    #: `drop`: what matches is not copied. `keep`: only what matches is copied.
    action: Literal["drop", "keep"] = "drop"
    kinds: tuple[PostKind, ...] = ()
    #: Bytes of its largest file.
    larger_than: Size | None = None
    smaller_than: Size | None = None
    #: Any of these words or phrases, upper and lower case alike.
    text: tuple[str, ...] = ()
    #: See `policy.regex`.
    regex: str = ""
    #: Ids, @usernames, or names as they are shown.
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
    #: Words and links, and what stands for them in the copies.
    replace: dict[str, str] = {}
    header: str = ""
    footer: str = ""
    drop_captions: bool = False
