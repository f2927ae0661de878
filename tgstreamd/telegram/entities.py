"""Converts formatted ranges between Telegram's objects and the domain's.

Both count UTF-16 code units. Only kinds that a user may set are sent: the server finds links, mentions by
name, hashtags and the like itself (https://core.telegram.org/api/entities).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from telethon.tl import types

from ..domain.messages import Entity

#: Kinds that may be sent, with their constructor.
_SENT: Final[dict[str, Any]] = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strike": types.MessageEntityStrike,
    "spoiler": types.MessageEntitySpoiler,
    "blockquote": types.MessageEntityBlockquote,
    "code": types.MessageEntityCode,
    "pre": types.MessageEntityPre,
    "text_url": types.MessageEntityTextUrl,
    "custom_emoji": types.MessageEntityCustomEmoji,
    "formatted_date": types.MessageEntityFormattedDate,
}
#: Kinds that Telegram allows in a quote (TDLib's list).
_QUOTED: Final = {"bold", "italic", "underline", "strike", "spoiler", "custom_emoji", "formatted_date"}


def units(text: str) -> int:
    """Return the length of a text as Telegram counts it."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def kind_of(entity: Any) -> str:
    """Return the kind of an entity: `text_url` for `MessageEntityTextUrl`."""
    name = type(entity).__name__.removeprefix("Input").removeprefix("MessageEntity")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def from_tl(entities: Iterable[Any] | None) -> tuple[Entity, ...]:
    return tuple(
        Entity(kind=kind_of(entity), offset=entity.offset, length=entity.length, args=_args(entity))
        for entity in entities or ()
    )


def _args(entity: Any) -> dict[str, int | str | bool]:
    args: dict[str, int | str | bool] = {}
    for key, value in vars(entity).items():
        if key in ("offset", "length") or value is None or value is False:
            continue
        if isinstance(value, datetime):
            args[key] = int(value.timestamp())
        elif isinstance(value, int | str | bool):
            args[key] = value
        elif (user := getattr(value, "user_id", None)) is not None:
            args[key] = user
    return args


def to_tl(
    entities: Sequence[Entity],
    *,
    premium: bool,
    input_user: Callable[[int], Any | None],
    username: Callable[[int], str] = lambda _: "",
    quote: bool = False,
) -> list[Any]:
    """Return those of `entities` that may be sent; the text of the others stays as plain text.

    A mention of a user whose access hash is unknown becomes a link to the username, or is dropped if there is
    none. Custom emoji are dropped without Premium: the message would be refused, or lose them anyway.
    """
    sent = []
    for entity in entities:
        if quote and entity.kind not in _QUOTED:
            continue
        if entity.kind == "mention_name":
            who = int(entity.args.get("user_id", 0))
            if (user := input_user(who)) is not None:
                sent.append(types.InputMessageEntityMentionName(entity.offset, entity.length, user))
            elif name := username(who):
                url = f"https://t.me/{name}"
                sent.append(types.MessageEntityTextUrl(entity.offset, entity.length, url))
            continue
        cls = _SENT.get(entity.kind)
        if cls is None or (entity.kind == "custom_emoji" and not premium):
            continue
        args: dict[str, Any] = dict(entity.args)
        if entity.kind == "formatted_date":
            args["date"] = datetime.fromtimestamp(int(args.get("date", 0)), UTC)
        sent.append(cls(entity.offset, entity.length, **args))
    return sent
