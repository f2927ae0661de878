"""What will stand for one source message: its text and media, or words in place of what cannot be copied.

Pure. Decides how a media gets there: moved, by reference, said again, or not at all and why. Promises that
nothing disappears silently unless the mirror wants it so. Knows nothing of albums, heads or drafts.
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

#: What the server finds in a text by itself, or alone may set.
DETECTED: frozenset[str] = frozenset(
    {
        "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone", "bank_card",
        "diff_insert", "diff_delete", "diff_replace", "unknown",
    }
)  # fmt: skip


class Refusal(str):
    """Why a media cannot be copied."""

    __slots__ = ()


class Item(Value, frozen=True, kw_only=True):
    """A source message with what will stand for it."""

    message: Message
    body: Text
    media: Media | None


class Links(Value, frozen=True, kw_only=True):
    """Where links to messages of the source lead: ids of the source with those of their copies."""

    source: Chat
    target: Chat
    copies: dict[int, int]


def way(
    media: Media, *, mirror: Mirror, account: Account, same_account: bool, no_reference: bool = False
) -> Literal["stream", "reference", "told"] | Refusal:
    """How it gets there: its bytes moved, by reference, or said again; or why not at all.

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
    """Those that a sender sets: not what the server detects, nor custom emoji without premium."""
    return without(entities, DETECTED if account.premium else DETECTED | {"custom_emoji"})


def item(
    message: Message,
    mirror: Mirror,
    account: Account,
    source: Chat,
    same_account: bool,
    links: Links | None = None,
) -> Item | str:
    """What stands for `message`; or, where nothing does, why."""
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
        # A preview may stand alone, where its author took the link out of the text.
        url = message.preview.url if message.preview.mode == "forced" and message.media is None else ""
        if not url:
            return "empty message"
        body = Text(text=url)
    return Item(message=message, body=body, media=media)
