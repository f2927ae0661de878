"""Converts messages from Telegram's objects to the domain's, and drafts back.

Pure: looks chats and users up in the directory, never over the network.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from telethon.tl import types

from ..domain.messages import GENERAL_TOPIC, Account, Draft, Message, Preview, Reply
from . import entities, media, rich
from .peer_cache import Directory, marked


def seconds(moment: Any) -> int:
    """Return the Unix time of Telethon's datetimes (and of the rare plain numbers)."""
    if isinstance(moment, datetime):
        return int(moment.timestamp())
    return int(moment or 0)


def message(tl: Any, directory: Directory) -> Message | None:
    """Convert a message; None for an empty one."""
    if isinstance(tl, types.MessageEmpty) or tl.peer_id is None:
        return None
    chat = marked(tl.peer_id)
    header = tl.reply_to if isinstance(tl.reply_to, types.MessageReplyHeader) else None
    topic = _topic(tl, header, directory.forum(chat))
    sender_id = marked(tl.from_id) if tl.from_id else chat
    common: dict[str, Any] = {
        "chat": chat,
        "id": tl.id,
        "date": seconds(tl.date),
        "topic": topic,
        "out": bool(tl.out),
        "silent": bool(tl.silent),
        "sender": getattr(tl, "post_author", None) or directory.name(sender_id),
        "sender_id": sender_id,
        "username": directory.username(sender_id),
    }
    if isinstance(tl, types.MessageService):
        service = type(tl.action).__name__.removeprefix("MessageAction")
        return Message(**common, service=service, action=_action(tl.action))
    page = tl.rich_message
    return Message(
        **common,
        # The text beside a page is the fallback for older clients.
        text="" if page else tl.message or "",
        entities=() if page else entities.from_tl(tl.entities),
        media=rich.read(page, tl.message or "") if page else media.from_tl(tl.media, directory),
        group=tl.grouped_id,
        reply=_reply(tl.reply_to, topic, directory),
        edited=0 if tl.edit_hide else seconds(tl.edit_date),
        protected=bool(tl.noforwards),
        preview=preview(tl),
        invert=bool(tl.invert_media),
        pending=bool(tl.video_processing_pending),
        forwarded=_forwarded(tl.fwd_from, common["sender"], directory),
    )


def _forwarded(header: Any, sender: str, directory: Directory) -> str:
    """Return from whom it was forwarded; empty if unknown, or if its author forwarded a message of their
    own."""
    if not isinstance(header, types.MessageFwdHeader):
        return ""
    name = header.from_name or (directory.name(marked(header.from_id)) if header.from_id else "")
    return "" if name == sender else str(name)


def messages(many: Any, directory: Directory) -> tuple[Message, ...]:
    """Convert those of `many` that exist, in order."""
    return tuple(m for tl in many if (m := message(tl, directory)) is not None)


def _action(tl: Any) -> dict[str, int | str | bool]:
    """Return what was done to a topic; only changed properties are named
    (https://core.telegram.org/api/forum)."""
    if isinstance(tl, types.MessageActionTopicCreate):
        return {"title": tl.title, "color": tl.icon_color, "icon": tl.icon_emoji_id or 0}
    if isinstance(tl, types.MessageActionTopicEdit):
        said = {"title": tl.title, "icon": tl.icon_emoji_id, "closed": tl.closed, "hidden": tl.hidden}
        return {name: value for name, value in said.items() if value is not None}
    return {}


def _topic(tl: Any, header: Any, forum: bool | None) -> int | None:
    """Return the topic of a message (https://core.telegram.org/api/forum)."""
    if isinstance(tl, types.MessageService) and isinstance(tl.action, types.MessageActionTopicCreate):
        return int(tl.id)
    if header is not None and header.forum_topic:
        return int(header.reply_to_top_id or header.reply_to_msg_id or GENERAL_TOPIC)
    return GENERAL_TOPIC if forum else None


def _reply(header: Any, topic: int | None, directory: Directory) -> Reply | None:
    if isinstance(header, types.MessageReplyStoryHeader):
        of = directory.name(marked(header.peer))
        return Reply(id=0, chat=marked(header.peer), what=f"a story of {of}" if of else "a story")
    if header is None or header.reply_to_scheduled or header.reply_to_ephemeral:
        return None
    elsewhere = header.reply_to_peer_id is not None or header.reply_from is not None
    if not header.reply_to_msg_id and not elsewhere:
        return None
    if not elsewhere and header.forum_topic and not header.reply_to_top_id and not header.quote:
        return None  # it only names the message's topic
    if not elsewhere and header.forum_topic and header.reply_to_msg_id == topic:
        return None
    return Reply(
        # A message id without its chat identifies nothing.
        id=(header.reply_to_msg_id or 0) if header.reply_to_peer_id or not elsewhere else 0,
        chat=(marked(header.reply_to_peer_id) if header.reply_to_peer_id else 0) if elsewhere else None,
        quote=header.quote_text or "" if header.quote else "",
        quote_entities=entities.from_tl(header.quote_entities) if header.quote else (),
        quote_offset=header.quote_offset if header.quote else None,
        what=_answered_elsewhere(header, directory) if elsewhere else "",
        todo_item=header.todo_item_id,
    )


def _answered_elsewhere(header: Any, directory: Directory) -> str:
    """Describe the answered message of another chat: its author and its media."""
    origin = header.reply_from
    name = ""
    if origin is not None:
        name = origin.from_name or (directory.name(marked(origin.from_id)) if origin.from_id else "")
    if not name and header.reply_to_peer_id is not None:
        name = directory.name(marked(header.reply_to_peer_id))
    hanging = media.from_tl(header.reply_media, directory) if header.reply_media is not None else None
    what = (hanging.note or hanging.kind) if hanging is not None else "a message"
    return f"{what} of {name}" if name else f"{what} of another chat"


def preview(tl: Any) -> Preview:
    """Return how the link preview was shown. A link without one means that its author removed it."""
    hanging = tl.media
    if isinstance(hanging, types.MessageMediaWebPage):
        page = hanging.webpage
        large, small = bool(hanging.force_large_media), bool(hanging.force_small_media)
        url = getattr(page, "url", None) or ""
        if url and (hanging.manual or large or small):
            return Preview(mode="forced", url=url, large=large, small=small)
        return Preview(mode="auto")
    linked = any(
        isinstance(e, types.MessageEntityUrl | types.MessageEntityTextUrl) for e in tl.entities or ()
    )
    return Preview(mode="none") if linked and hanging is None else Preview(mode="auto")


def reply_to(draft: Draft, account: Account, directory: Directory, peer: Any) -> Any:
    """Return the reply target and topic of a draft. General is never named: it is the default.

    `peer` is the chat that the draft goes to.
    """
    topic = None if draft.topic in (None, GENERAL_TOPIC) else draft.topic
    answered = draft.reply
    if answered is None:
        return types.InputReplyToMessage(reply_to_msg_id=topic) if topic else None
    quote: dict[str, Any] = {}
    if answered.quote:
        quote = {
            "quote_text": answered.quote,
            "quote_entities": entities.to_tl(
                answered.quote_entities,
                premium=account.premium,
                input_user=directory.input_user,
                quote=True,
            )
            or None,
            "quote_offset": answered.quote_offset,
        }
    if answered.todo_item is not None:
        quote["todo_item_id"] = answered.todo_item
    # The topic is named beside the message: if the message were gone, the copy would land in General. A
    # message of another topic is named with its chat, as TDLib does: otherwise the copy would land in that
    # topic.
    return types.InputReplyToMessage(
        reply_to_msg_id=answered.id,
        top_msg_id=topic,
        reply_to_peer_id=peer if answered.across else None,
        **quote,
    )


def linked(preview: Preview) -> Any:
    """Return the `InputMedia` of a preview whose link is not in the text; None if there is none."""
    if preview.mode != "forced" or not preview.url:
        return None
    # `optional`: if the page cannot be loaded, the text is sent without a preview.
    return types.InputMediaWebPage(
        preview.url, force_large_media=preview.large or None, force_small_media=preview.small or None,
        optional=True,
    )  # fmt: skip
