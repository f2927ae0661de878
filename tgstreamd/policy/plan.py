"""Turns the source message(s) of one job into the drafts that copy it.

Pure. Promises whole albums where Telegram allows them, no text over the account's limits, and a note or a
reason for whatever is not copied. Does not know how anything is sent, nor its outcome.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..domain.messages import (
    GENERAL_TOPIC,
    Account,
    Chat,
    Draft,
    LastAuthor,
    Message,
    Mirror,
    Piece,
    Preview,
    ReplyTo,
    Value,
)
from ..domain.reasons import by_filter, tells
from .captions import answered, byline, first_link, goes_on, speaker, topic_line
from .filters import dropped
from .media_plan import Item, Links, item
from .media_plan import Refusal as Refusal
from .media_plan import own_entities as own_entities
from .media_plan import way as way
from .text import Text, join, split, trim
from .transforms import around, reworded, transformed

#: Kinds of the same class may be in one album
#: (https://core.telegram.org/api/files#albums-grouped-media).
ALBUM_CLASS: dict[str, str] = {
    "photo": "visual",
    "live_photo": "visual",
    "video": "visual",
    "audio": "audio",
    "file": "file",
}
ALBUM_MAX = 10
#: Kinds that take no caption.
MUTE: frozenset[str] = frozenset(
    {"sticker", "round", "geo", "geo_live", "venue", "contact", "story", "rich", "poll", "todo"}
)
#: Entities allowed in a quote (https://core.telegram.org/constructor/inputReplyToMessage).
QUOTABLE: frozenset[str] = frozenset(
    {"bold", "italic", "underline", "strike", "spoiler", "custom_emoji", "formatted_date"}
)

#: Text that Telegram may take for a link: better no preview than that of an added line.
BARE_LINK = re.compile(r"\w\.\w\w|://")


class Parent(Value, frozen=True, kw_only=True):
    """The message that the job answers: its copy in the target, or why there is none, and its link."""

    copy: int | None = None
    quote_ok: bool = True
    lost: str = ""
    link: str = ""
    #: Its topic in the source, where the mirror keeps topics apart; 0: not known.
    topic: int = 0
    #: Its copy is in another topic of the target.
    across: bool = False


class Plan(Value, frozen=True, kw_only=True):
    """The drafts to send, in this order; or, without drafts, the reason."""

    drafts: tuple[Draft, ...] = ()
    skip: str = ""
    #: It is skipped because a filter of the operator's drops it.
    filtered: bool = False


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
    links: Links | None = None,
    before: LastAuthor | None = None,
    line: bool | None = None,
    placed: bool | None = None,
    bare: bool = False,
) -> Plan:
    """Return the drafts for one message, or for the items of one album in the order of their ids.

    `account` writes. `parent` is None where the job answers nothing. `same_account`: it also reads. `topic`:
    the target topic in a mirror of a whole forum; the mirror's own target topic takes precedence.
    `topic_name`: written above the copy, where the target has no topics. `links`: the copies of the messages
    that these link to. `before`: the author of the last post in that place. `line`, `placed`: whether author
    and topic are named, if already decided. `bare`: without added lines, which another item of the album has.
    """
    first = messages[0]
    if first.service:
        return Plan(skip=tells(first.service))
    if any(message.protected for message in messages) and not source.may_unprotect:
        return Plan(skip="protected")
    if name := dropped(messages, mirror.filter):
        return Plan(skip=by_filter(name), filtered=True)
    messages = [transformed(message, mirror) for message in messages]
    first = messages[0]
    items: list[Item] = []
    reasons: list[str] = []
    for message in messages:
        made = item(message, mirror, account, source, same_account, links)
        if isinstance(made, Item):
            items.append(made)
        else:
            reasons.append(made)
    if not items:
        return Plan(skip=reasons[0])
    mute = all(_takes_no_caption(each) for each in items)
    voice = _last_author(first, mirror, before, line, placed, mute=mute, topic_name=topic_name)
    head = _head(first, messages, mirror, source, parent, backlog, named=voice is None or voice.line)
    where = topic_line(topic_name) if voice is not None and voice.placed else Text()
    top = foot = Text()
    if any(item.media is None or item.media.kind not in MUTE for item in items):
        top, foot = around(first, mirror, source)
    head = join((top, where, head))
    if bare:
        head = foot = Text()
    items, tail, host = _with_lines(items, head, foot)
    drafts = [draft for run in _runs(items) for draft in _drafts(run, head, foot, account)]
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
                voice=voice,
                host=host if len(messages) > 1 and (head.text or foot.text) else 0,
            )
            for index, draft in enumerate(drafts)
        )
    )


def _head(
    first: Message,
    messages: Sequence[Message],
    mirror: Mirror,
    source: Chat,
    parent: Parent | None,
    backlog: bool,
    *,
    named: bool,
) -> Text:
    """Return the lines above the copy: its author, and the answered message where no reply is possible."""
    lines = [byline(first, mirror=mirror, source=source, backlog=backlog)] if named else []
    if parent is not None and parent.copy is None:
        reply = next((message.reply for message in messages if message.reply), None)
        lines.append(answered(reply, parent.lost, parent.link))
    return join(lines)


def _last_author(
    first: Message,
    mirror: Mirror,
    before: LastAuthor | None,
    line: bool | None,
    placed: bool | None,
    *,
    mute: bool,
    topic_name: str,
) -> LastAuthor | None:
    """Return author and topic and whether each is named; None where the mirror names neither."""
    if mirror.attribution == "none" and not topic_name:
        return None
    name = speaker(first) if mirror.attribution != "none" else ""
    place = (first.topic or GENERAL_TOPIC) if topic_name else 0
    if line is None:
        line = not goes_on(name, first.date, before, mute=mute)
    if placed is None:
        # Without a caption the name would be a separate message.
        placed = not mute or before is None or before.place != place
    return LastAuthor(author=name, at=first.date, place=place, line=line, placed=placed)


def _with_lines(items: list[Item], head: Text, foot: Text) -> tuple[list[Item], Text, int]:
    """Put added lines around the first text, else on the first item that takes one; else they follow as a
    tail.

    Clients show an album's caption only where exactly one item has one. The text of a kind that takes no
    caption follows, too. Also returns the id of the item with the added lines; 0 where they follow.
    """
    tail = join(each.body for each in items if _takes_no_caption(each))
    able = [index for index, each in enumerate(items) if not _takes_no_caption(each)]
    items = [
        Item(message=each.message, body=Text(), media=each.media) if _takes_no_caption(each) else each
        for each in items
    ]
    if not able:
        return items, join((head, tail, foot)), 0
    host = next((index for index in able if items[index].body.text), able[0])
    chosen = items[host]
    items[host] = Item(message=chosen.message, body=join((head, chosen.body, foot)), media=chosen.media)
    return items, tail, chosen.message.id


def _takes_no_caption(one: Item) -> bool:
    """Return whether the item takes no caption. A poll or checklist with its own text does."""
    if one.media is None or one.media.kind not in MUTE:
        return False
    return one.media.kind not in ("poll", "todo") or not one.message.text


def _runs(items: Sequence[Item]) -> list[list[Item]]:
    """Group neighbours that Telegram accepts as one album; all others are single.

    A note in place of an item does not split the album: it follows.
    """
    runs: list[list[Item]] = []
    open_run: list[Item] | None = None
    for each in items:
        kind = ALBUM_CLASS.get(each.media.kind) if each.media is not None else None
        before = open_run[-1].media if open_run else None
        fits = before is not None and ALBUM_CLASS.get(before.kind) == kind
        if kind is not None and open_run is not None and fits and len(open_run) < ALBUM_MAX:
            open_run.append(each)
            continue
        runs.append([each])
        if each.media is not None:
            open_run = runs[-1] if kind is not None else None
    return runs


def _drafts(run: Sequence[Item], head: Text, foot: Text, account: Account) -> list[Draft]:
    """Return the call for one run, and the texts that did not fit into it."""
    if run[0].media is None:
        message, body = run[0].message, run[0].body
        pieces = split(body, account.text_max, account.text_max)
        previews = [_preview(message, head, foot), *[Preview(mode="none")] * (len(pieces) - 1)]
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


def _preview(message: Message, head: Text, foot: Text) -> Preview:
    if message.media is not None:
        return Preview(mode="none")
    if message.preview.mode == "auto":
        url = first_link(message.text, message.entities)
        # Telegram would preview the link of an added line, where it comes first.
        if _has_link(head):
            return Preview(mode="forced", url=url) if url else Preview(mode="none")
        if not url and _has_link(foot):
            return Preview(mode="none")
    return message.preview


def _has_link(line: Text) -> bool:
    """Return whether an added line has a link, or what Telegram may take for one."""
    return bool(first_link(line.text, line.entities)) or BARE_LINK.search(line.text) is not None


def _reply(
    messages: Sequence[Message], parent: Parent | None, mirror: Mirror, account: Account
) -> ReplyTo | None:
    if parent is None or parent.copy is None:
        return None
    said = next((message.reply for message in messages if message.reply), None)
    if said is None or not parent.quote_ok or not said.quote:
        item = said.todo_item if said is not None else None
        return ReplyTo(id=parent.copy, across=parent.across, todo_item=item)
    kinds = QUOTABLE if account.premium else QUOTABLE - {"custom_emoji"}
    # An added line above the parent shifts its text; Telegram finds the quote without an offset.
    moved = mirror.attribution != "none" or mirror.dates != "never" or mirror.header or reworded(mirror)
    return ReplyTo(
        id=parent.copy,
        across=parent.across,
        quote=said.quote,
        quote_entities=tuple(entity for entity in said.quote_entities if entity.kind in kinds),
        quote_offset=None if moved else said.quote_offset,
        todo_item=said.todo_item,
    )
