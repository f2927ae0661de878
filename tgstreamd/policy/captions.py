"""Writes the lines that tgstreamd adds to a copy: its author, the message it answers, what is missing.

Pure. Promises short text that a reader can tell from the author's. Does not decide where a line goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from ..domain.messages import Chat, Entity, LastAuthor, Media, Message, Mirror, Reply
from .text import Text, cut, join, squeeze, units

#: Shown characters of a lost parent.
GLIMPSE = 120
#: Text of the link to the original, where the line has no other text.
ORIGINAL = "original"
#: Seconds between two posts of one author within which one line covers both.
TOGETHER = 300

#: Prefixes of the line that names a topic, and of the one in place of a reply.
PLACE, ANSWER = "▸ ", "↪ "

#: Names of kinds, used where the adapter gave no sentence.
NAMES: dict[str, str] = {
    "photo": "a photo",
    "live_photo": "a live photo",
    "video": "a video",
    "round": "a video message",
    "gif": "a GIF",
    "audio": "a piece of music",
    "voice": "a voice message",
    "sticker": "a sticker",
    "file": "a file",
    "geo": "a location",
    "geo_live": "a live location",
    "venue": "a venue",
    "contact": "a contact",
    "poll": "a poll",
    "dice": "a dice",
    "todo": "a checklist",
    "game": "a game",
    "invoice": "an invoice",
    "story": "a story",
    "giveaway": "a giveaway",
    "giveaway_results": "the results of a giveaway",
    "paid": "paid media",
    "video_stream": "a live stream",
    "rich": "a rich message",
    "expired": "media that has expired",
    "unsupported": "something that this version does not know",
}


#: Meaning of an error, by the beginning of Telegram's name for it.
REASONS: dict[str, str] = {
    "STORY_": "it can be seen no more",
    "CHAT_SEND_": "not allowed here",
    "VOICE_MESSAGES_FORBIDDEN": "not allowed here",
    "PREMIUM_ACCOUNT_REQUIRED": "only Premium accounts may send it",
}
_NAME = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_REMARK = re.compile(r"\[.+ — .+\]")


def byline(message: Message, *, mirror: Mirror, source: Chat, backlog: bool) -> Text:
    """Return `Ada · 2019-03-04 12:30` (UTC) as far as the mirror asks for it; empty where it does not."""
    dated = mirror.dates == "always" or (mirror.dates == "backlog" and backlog)
    words = []
    if mirror.attribution != "none" and (name := speaker(message)):
        words.append(name)
    if dated:
        words.append(f"{datetime.fromtimestamp(message.date, UTC):%Y-%m-%d %H:%M}")
    url = link(source, message.id) if mirror.attribution == "author-link" else ""
    if url and not words:
        words.append(ORIGINAL)
    return _line(" · ".join(words), bold=True, url=url)


def speaker(message: Message) -> str:
    """Return `Ada · forwarded from Bo`, as far as that is known."""
    origin = squeeze(message.forwarded)
    parts = (squeeze(message.sender), f"forwarded from {origin}" if origin else "")
    return " · ".join(part for part in parts if part)


def goes_on(name: str, date: int, before: LastAuthor | None, *, mute: bool) -> bool:
    """Return whether the line above an earlier post also covers this one.

    `mute`: the post takes no caption, so that its line would be a separate message.
    """
    if before is None or not name or before.author != name:
        return False
    return mute or abs(date - before.at) <= TOGETHER


def seen_above(original: Message, copy: str) -> tuple[bool, bool]:
    """Return whether a copy, given by its text alone, names the author and the topic of `original`."""
    head = copy.partition(original.text)[0] if original.text else copy
    name = speaker(original)
    lines = head.splitlines()
    return any(name and line.startswith(name) for line in lines), any(
        line.startswith(PLACE) for line in lines
    )


def is_ours(line: str, original: Message) -> bool:
    """Return whether a line of a copy, its white space squeezed, is one that this module writes."""
    name = speaker(original)
    return (
        line.startswith((PLACE, ANSWER))
        or bool(name and line.startswith(name))
        or line == ORIGINAL
        or bool(_DATE.fullmatch(line) or _REMARK.fullmatch(line))
    )


def topic_line(name: str) -> Text:
    """Return the line that names a post's topic, where the target has none; empty for no name."""
    return _line(f"{PLACE}{squeeze(name)}" if name else "", bold=True)


def answered(reply: Reply | None, lost: str, url: str) -> Text:
    """Return a quoted line in place of an impossible reply: the answered text, or why it is missing."""
    said = squeeze(reply.quote or reply.what) if reply is not None else ""
    if len(said) > GLIMPSE:
        said = said[: GLIMPSE - 1].rstrip() + "…"
    return _line(ANSWER + (said or squeeze(lost) or "an earlier message"), quoted=True, url=url)


def note(media: Media, reason: str = "") -> Text:
    """Return `[a poll: "Lunch?" — not copied]`."""
    what, reason = describe(media), plainly(reason)
    middle = f", {reason}" if reason and reason not in what else ""
    return Text(text=f"[{what}{middle} — not copied]")


def in_words(
    media: Media,
    reason: str = "",
    *,
    own: Callable[[tuple[Entity, ...]], tuple[Entity, ...]] = lambda marks: marks,
    quiet: bool = False,
) -> Text:
    """Return the replacement of a media: its whole content where that is known as text, else a note.

    `own` selects the entities that the sender may set. `quiet`: no note.
    """
    if not media.words.strip() or media.refusal:
        return Text() if quiet else note(media, reason)
    said = Text(text=media.words, entities=own(media.word_entities))
    middle = f", {plainly(reason)}" if reason else ""
    return said if quiet else join((Text(text=f"[{NAMES[media.kind]}{middle} — as text]"), said))


def plainly(reason: str) -> str:
    """Return the reason for readers: Telegram's error names belong in the journal."""
    if not _NAME.fullmatch(reason):
        return reason
    return next((words for name, words in REASONS.items() if reason.startswith(name)), "Telegram refuses it")


def remark(media: Media) -> Text:
    """Return `[a quiz: "Capital?" — the right answer is not shown, copied as an ordinary poll]`."""
    return Text(text=f"[{describe(media)} — {media.lacks}]")


def describe(media: Media) -> str:
    """Return a description: the adapter's sentence, or the kind with the name of the file."""
    if media.note:
        return squeeze(media.note)
    # A photo's only name is the one that uploads need.
    name = f' "{squeeze(media.name)}"' if media.name and media.kind not in ("photo", "live_photo") else ""
    return NAMES.get(media.kind, media.kind) + name


def link(chat: Chat, message: int) -> str:
    """Return the t.me link of a message; empty in a basic group, which has none."""
    if chat.username:
        return f"https://t.me/{chat.username}/{message}"
    marked = str(chat.id)
    if marked.startswith("-100"):
        return f"https://t.me/c/{marked.removeprefix('-100')}/{message}"
    return ""


def first_link(text: str, entities: tuple[Entity, ...]) -> str:
    """Return the first link in a text, which is the one that Telegram previews."""
    for entity in sorted(entities, key=lambda one: one.offset):
        if entity.kind == "text_url":
            return str(entity.args.get("url", ""))
        if entity.kind == "url":
            return cut(Text(text=text), entity.offset, entity.offset + entity.length).text
    return ""


def _line(text: str, *, bold: bool = False, quoted: bool = False, url: str = "") -> Text:
    if not text:
        return Text()
    long = units(text)
    entities = []
    if quoted:
        entities.append(Entity(kind="blockquote", offset=0, length=long))
    if bold:
        entities.append(Entity(kind="bold", offset=0, length=long))
    if url:
        entities.append(Entity(kind="text_url", offset=0, length=long, args={"url": url}))
    return Text(text=text, entities=tuple(entities))
