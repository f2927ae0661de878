"""Applies the operator's filters to a post.

Pure. A filter examines the source message before any transform; an album is judged as a whole, with the
kinds, sizes and texts of all its items. Does not know what happens to a dropped post.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.errors import FilterTimeout
from ..domain.messages import GENERAL_TOPIC, Message
from ..domain.mirrors import Filter
from ..domain.reasons import too_slow
from .regex import TEXT_MAX, occurs
from .text import squeeze


def dropped(messages: Sequence[Message], filters: Sequence[Filter]) -> str:
    """Return the name of the first filter that drops the post; empty where it is to be copied.

    Raises FilterTimeout where a pattern takes too long on this post: that decides nothing, since a filter
    that gives up would publish what it should hold back.
    """
    for each in filters:
        try:
            if matches(messages, each) == (each.action == "drop"):
                return each.name
        except TimeoutError:
            raise FilterTimeout(too_slow(each.name)) from None
    return ""


def matches(messages: Sequence[Message], wanted: Filter) -> bool:
    """Return whether the post meets every condition that the filter sets. Raises TimeoutError."""
    first = messages[0]
    return (
        (not wanted.kinds or any(_kind(message) in wanted.kinds for message in messages))
        and _size_fits(messages, wanted)
        and (not wanted.text or _has_phrase(messages, wanted.text))
        and (not wanted.regex or occurs(wanted.regex, _words(messages)))
        and (not wanted.author or any(_is_by(first, author) for author in wanted.author))
        and (not wanted.topic or (first.topic or GENERAL_TOPIC) in wanted.topic)
    )


def _kind(message: Message) -> str:
    return message.media.kind if message.media is not None else "text"


def _size_fits(messages: Sequence[Message], wanted: Filter) -> bool:
    if wanted.larger_than is None and wanted.smaller_than is None:
        return True
    largest = max((message.media.size for message in messages if message.media is not None), default=0)
    # Without a file there is no size.
    return (
        largest > 0
        and (wanted.larger_than is None or largest > wanted.larger_than)
        and (wanted.smaller_than is None or largest < wanted.smaller_than)
    )


def _has_phrase(messages: Sequence[Message], phrases: Sequence[str]) -> bool:
    said = squeeze(_words(messages)).casefold()
    return any(squeeze(phrase).casefold() in said for phrase in phrases)


def _words(messages: Sequence[Message]) -> str:
    """Return the text of a post, with that of media which have one: a poll's question, a page."""
    parts = (part for message in messages for part in (message.text, message.media and message.media.words))
    return "\n".join(part for part in parts if part)[:TEXT_MAX]


def _is_by(message: Message, author: int | str) -> bool:
    if isinstance(author, int):
        return message.sender_id == author
    if author.startswith("@"):
        return message.username.casefold() == author[1:].casefold()
    return squeeze(message.sender).casefold() == squeeze(author).casefold()
