"""Plans the copy of one source message: its text and media, or text in place of what cannot be copied.

Pure. Decides the way of a media: streamed, by reference, sent again from its fields, or refused with a
reason. Promises that nothing disappears silently unless the mirror asks for it. Knows nothing of albums,
added lines or drafts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from ..domain.messages import (
    FILE_KINDS,
    PART_SIZE,
    TOLD_KINDS,
    Account,
    Chat,
    Entity,
    Media,
    Message,
    Mirror,
    Value,
)
from .captions import in_words, remark
from .links import led, rewritten
from .text import Text, join, sane, without

#: Entities that the server detects in a text by itself, or that only it may set.
DETECTED: frozenset[str] = frozenset(
    {
        "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone", "bank_card",
        "diff_insert", "diff_delete", "diff_replace", "unknown",
    }
)  # fmt: skip


class Refusal(str):
    """The reason why a media cannot be copied."""

    __slots__ = ()


class Item(Value, frozen=True, kw_only=True):
    """A source message with its planned text and media."""

    message: Message
    body: Text
    media: Media | None


class Links(Value, frozen=True, kw_only=True):
    """The targets of links to messages of the source: their ids with those of their copies."""

    source: Chat
    target: Chat
    copies: dict[int, int]


def way(
    media: Media, *, mirror: Mirror, account: Account, same_account: bool, no_reference: bool = False
) -> Literal["stream", "reference", "told"] | Refusal:
    """Return the way a media is copied (streamed, by reference, sent again), or why it cannot be.

    `no_reference`: the source is protected, or Telegram has refused the reference.
    """
    if media.refusal:
        return Refusal(media.refusal)
    refer = same_account and not no_reference
    if media.kind in TOLD_KINDS:
        if media.premium and not account.premium:
            return Refusal("only Premium accounts may send it")
        if media.companions and not refer:
            return Refusal("holds files that cannot be moved")
        return "told"
    if media.kind not in FILE_KINDS:
        return Refusal("")
    if mirror.transfer == "reference-only" and not refer:
        return Refusal("cannot be copied by reference")
    if refer and (mirror.transfer != "stream" or media.kind == "sticker"):
        return "reference"
    if media.size <= 0:
        return "reference" if refer else Refusal("empty")
    if media.size > account.parts_max * PART_SIZE:
        limit = account.parts_max * PART_SIZE / 1e9
        return "reference" if refer else Refusal(f"larger than the {limit:.1f} GB of this account")
    return "stream"


def own_entities(entities: Sequence[Entity], account: Account) -> tuple[Entity, ...]:
    """Return the entities that a sender sets: none that the server detects, custom emoji if Premium."""
    return without(entities, DETECTED if account.premium else DETECTED | {"custom_emoji"})


def item(
    message: Message,
    mirror: Mirror,
    account: Account,
    source: Chat,
    same_account: bool,
    links: Links | None = None,
) -> Item | str:
    """Return the planned copy of `message`; or, where there is none, the reason."""
    body = sane(Text(text=message.text, entities=message.entities))
    if links is not None:
        body = rewritten(body, links.source, links.target, links.copies.get)
        preview = message.preview
        url = led(preview.url, links.source, links.target, links.copies.get)
        message = msgspec.structs.replace(message, preview=msgspec.structs.replace(preview, url=url))
    body = Text(text=body.text, entities=own_entities(body.entities, account))
    media, quiet = message.media, mirror.unsupported == "skip"
    if media is not None:
        protected = message.protected or source.protected
        route = way(media, mirror=mirror, account=account, same_account=same_account, no_reference=protected)
        if isinstance(route, Refusal):
            words = in_words(media, route, own=lambda marks: own_entities(marks, account), quiet=quiet)
            if not words.text:
                return in_words(media, route).text.strip("[]")
            body, media = join((words, body)), None
        else:
            if media.kind == "live_photo" and route == "stream" and (protected or not same_account):
                media = msgspec.structs.replace(media, lacks="without its moving part")
            if media.lacks and not quiet:
                body = join((remark(media), body))
    if media is None and not body.text.strip():
        # A preview may be alone, where its author removed the link from the text.
        url = message.preview.url if message.preview.mode == "forced" and message.media is None else ""
        if not url:
            return "empty message"
        body = Text(text=url)
    return Item(message=message, body=body, media=media)
