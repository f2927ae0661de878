"""Turns the source message(s) of one job into the drafts that copy it.

Pure. Promises albums whole where Telegram allows them, no text over the account's limits, and a note or
a reason for whatever is not copied. Does not know how anything is sent, nor what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..model import (
    FILE_KINDS,
    GENERAL_TOPIC,
    PART_SIZE,
    Account,
    Chat,
    Draft,
    Entity,
    Media,
    Message,
    Mirror,
    Piece,
    Preview,
    ReplyTo,
    Value,
)
from .lines import answered, byline, first_link, note, topic_line
from .text import Text, join, split, trim, without

#: Which kinds may stand in one album with each other
#: (https://core.telegram.org/api/files#albums-grouped-media).
ALBUM_CLASS: dict[str, str] = {"photo": "visual", "video": "visual", "audio": "audio", "file": "file"}
ALBUM_MAX = 10
#: Kinds that take no caption.
MUTE: frozenset[str] = frozenset({"sticker", "round"})
#: What the server finds in a text by itself, or alone may set.
DETECTED: frozenset[str] = frozenset(
    {
        "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone", "bank_card",
        "diff_insert", "diff_delete", "diff_replace", "unknown",
    }
)  # fmt: skip
#: What a quote may hold (https://core.telegram.org/constructor/inputReplyToMessage).
QUOTABLE: frozenset[str] = frozenset(
    {"bold", "italic", "underline", "strike", "spoiler", "custom_emoji", "formatted_date"}
)


class Parent(Value, frozen=True, kw_only=True):
    """The message that the job answers: its copy in the target, or why there is none, and its link."""

    copy: int | None = None
    quote_ok: bool = True
    lost: str = ""
    link: str = ""


class Plan(Value, frozen=True, kw_only=True):
    """What to send, in this order; or, with no drafts, why nothing is."""

    drafts: tuple[Draft, ...] = ()
    skip: str = ""


class Refusal(str):
    """Why a media cannot be copied."""

    __slots__ = ()


class _Item(Value, frozen=True, kw_only=True):
    """A source message with what will stand for it."""

    message: Message
    body: Text
    media: Media | None


def plan(
    messages: Sequence[Message],
    *,
    mirror: Mirror,
    account: Account,
    source: Chat,
    parent: Parent | None,
    backlog: bool,
    same_account: bool,
    topic: int | None = None,
    topic_name: str = "",
) -> Plan:
    """The drafts for one message, or for the items of one album in the order of their ids.

    `account` writes. `parent` is None where the job answers nothing. `same_account`: it also reads.
    `topic`: where a mirror of a whole forum puts it; the mirror's own target topic wins. `topic_name`:
    written above it, where there is no topic to put it into.
    """
    first = messages[0]
    if first.service:
        return Plan(skip=f"service message: {first.service}")
    if any(message.protected for message in messages) and not source.may_unprotect:
        return Plan(skip="protected")
    items: list[_Item] = []
    reasons: list[str] = []
    for message in messages:
        item = _item(message, mirror, account, source, same_account)
        if isinstance(item, _Item):
            items.append(item)
        else:
            reasons.append(item)
    if not items:
        return Plan(skip=reasons[0])
    head = _head(first, messages, mirror, source, parent, backlog)
    if any(item.media is None or item.media.kind not in MUTE for item in items):
        head = join((topic_line(topic_name), head))
    items, tail = _with_head(items, head)
    drafts = [draft for run in _runs(items) for draft in _drafts(run, head, account)]
    if trim(tail).text:
        pieces = split(tail, account.text_max, account.text_max)
        drafts += [_text_draft(first, piece, Preview(mode="none")) for piece in pieces]
    target_topic = mirror.target_topic or topic
    return Plan(
        drafts=tuple(
            Draft(
                pieces=draft.pieces,
                reply=_reply(messages, parent, mirror, account) if index == 0 else None,
                topic=None if target_topic == GENERAL_TOPIC else target_topic,
                silent=backlog or first.silent,
                invert=draft.invert,
                preview=draft.preview,
                reply_to_previous=index > 0,
            )
            for index, draft in enumerate(drafts)
        )
    )


def way(
    media: Media, *, mirror: Mirror, account: Account, same_account: bool, no_reference: bool = False
) -> Literal["stream", "reference"] | Refusal:
    """How the bytes get there: moved, or by reference; or why not at all.

    `no_reference`: the source is protected, or Telegram has refused the reference.
    """
    if media.refusal:
        return Refusal(media.refusal)
    if media.kind not in FILE_KINDS:
        return Refusal("")
    refer = same_account and not no_reference
    if mirror.transfer == "reference-only" and not refer:
        return Refusal("cannot be copied by reference")
    if refer and (mirror.transfer != "stream" or media.kind == "sticker"):
        return "reference"
    if media.size == 0:
        return "reference" if refer else Refusal("empty")
    if media.size > account.parts_max * PART_SIZE:
        limit = account.parts_max * PART_SIZE / 1e9
        return "reference" if refer else Refusal(f"larger than the {limit:.1f} GB of this account")
    return "stream"


def own_entities(entities: Sequence[Entity], account: Account) -> tuple[Entity, ...]:
    """Those that a sender sets: not what the server detects, nor custom emoji without premium."""
    return without(entities, DETECTED if account.premium else DETECTED | {"custom_emoji"})


def _item(
    message: Message, mirror: Mirror, account: Account, source: Chat, same_account: bool
) -> _Item | str:
    body = Text(text=message.text, entities=own_entities(message.entities, account))
    media = message.media
    if media is not None:
        protected = message.protected or source.protected
        route = way(media, mirror=mirror, account=account, same_account=same_account, no_reference=protected)
        if isinstance(route, Refusal):
            words = note(media, route)
            if mirror.unsupported == "skip":
                return words.text.strip("[]")
            body, media = join((words, body)), None
    if media is None and not body.text.strip():
        return "empty message"
    return _Item(message=message, body=body, media=media)


def _head(
    first: Message,
    messages: Sequence[Message],
    mirror: Mirror,
    source: Chat,
    parent: Parent | None,
    backlog: bool,
) -> Text:
    """The lines above the copy: who wrote it, and what it answered where that cannot be a reply."""
    lines = [byline(first, mirror=mirror, source=source, backlog=backlog)]
    if parent is not None and parent.copy is None:
        reply = next((message.reply for message in messages if message.reply), None)
        lines.append(answered(reply, parent.lost, parent.link))
    return join(lines)


def _with_head(items: list[_Item], head: Text) -> tuple[list[_Item], Text]:
    """The head before the first text, else on the first item that takes one; else it follows as a tail.

    (Clients show an album's caption only where exactly one item has one.) So does the text of a kind
    that takes no caption.
    """
    mute = [item for item in items if item.media is not None and item.media.kind in MUTE]
    tail = join(item.body for item in mute)
    items = [
        _Item(message=item.message, body=Text(), media=item.media) if item in mute else item for item in items
    ]
    able = [index for index, item in enumerate(items) if item.media is None or item.media.kind not in MUTE]
    if not able:
        return items, join((head, tail))
    host = next((index for index in able if items[index].body.text), able[0])
    chosen = items[host]
    items[host] = _Item(message=chosen.message, body=join((head, chosen.body)), media=chosen.media)
    return items, tail


def _runs(items: Sequence[_Item]) -> list[list[_Item]]:
    """Neighbours that Telegram takes as one album; everything else stands alone."""
    runs: list[list[_Item]] = []
    for item in items:
        kind = ALBUM_CLASS.get(item.media.kind) if item.media is not None else None
        if kind is not None and runs and len(runs[-1]) < ALBUM_MAX:
            before = runs[-1][-1].media
            if before is not None and ALBUM_CLASS.get(before.kind) == kind:
                runs[-1].append(item)
                continue
        runs.append([item])
    return runs


def _drafts(run: Sequence[_Item], head: Text, account: Account) -> list[Draft]:
    """The call for one run, and the texts that did not fit into it."""
    if run[0].media is None:
        message, body = run[0].message, run[0].body
        pieces = split(body, account.text_max, account.text_max)
        previews = [_preview(message, head), *[Preview(mode="none")] * (len(pieces) - 1)]
        return [_text_draft(message, *each) for each in zip(pieces, previews, strict=True)]
    pieces_of = [split(item.body, account.caption_max, account.text_max) for item in run]
    album = Draft(
        pieces=tuple(
            Piece(source_id=item.message.id, text=own[0].text, entities=own[0].entities, media=item.media)
            for item, own in zip(run, pieces_of, strict=True)
        ),
        # It must be equal for all items of an album.
        invert=run[0].message.invert,
    )
    none = Preview(mode="none")
    return [
        album,
        *(
            _text_draft(item.message, text, none)
            for item, own in zip(run, pieces_of, strict=True)
            for text in own[1:]
        ),
    ]


def _text_draft(message: Message, text: Text, preview: Preview) -> Draft:
    piece = Piece(source_id=message.id, text=text.text, entities=text.entities)
    return Draft(pieces=(piece,), preview=preview, invert=message.invert and preview.mode != "none")


def _preview(message: Message, head: Text) -> Preview:
    if message.media is not None:
        return Preview(mode="none")
    if message.preview.mode == "auto" and first_link(head.text, head.entities):
        # Telegram would preview the link of our own line, which comes first.
        url = first_link(message.text, message.entities)
        return Preview(mode="forced", url=url) if url else Preview(mode="none")
    return message.preview


def _reply(
    messages: Sequence[Message], parent: Parent | None, mirror: Mirror, account: Account
) -> ReplyTo | None:
    if parent is None or parent.copy is None:
        return None
    said = next((message.reply for message in messages if message.reply), None)
    if said is None or not parent.quote_ok or not said.quote:
        return ReplyTo(id=parent.copy)
    kinds = QUOTABLE if account.premium else QUOTABLE - {"custom_emoji"}
    # A line of ours above the parent moves its words along; Telegram finds them without an offset.
    moved = mirror.attribution != "none" or mirror.dates != "never"
    return ReplyTo(
        id=parent.copy,
        quote=said.quote,
        quote_entities=tuple(entity for entity in said.quote_entities if entity.kind in kinds),
        quote_offset=None if moved else said.quote_offset,
    )
