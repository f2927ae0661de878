"""Converts Telegram's chats and topics to the domain's `Chat` and `Topic`, with the account's rights.

Pure: works on the objects of `getFullChannel`, `getFullChat` and dialogs.
"""

from __future__ import annotations

from typing import Any, Final

from telethon.tl import types

from ..domain.messages import FILE_KINDS, Chat, Topic
from . import media
from .peer_cache import CHANNEL_MARK, display_name, marked

#: The content kinds that each right covers (https://core.telegram.org/constructor/chatBannedRights).
_DENIES: Final[dict[str, tuple[str, ...]]] = {
    "send_plain": ("text",),
    "send_photos": ("photo", "live_photo"),
    "send_videos": ("video",),
    "send_roundvideos": ("round",),
    "send_audios": ("audio",),
    "send_voices": ("voice",),
    "send_docs": ("file",),
    "send_stickers": ("sticker",),
    "send_gifs": ("gif",),
    "send_polls": ("poll",),
    "send_media": (*sorted(FILE_KINDS), "poll"),
}


def channel(entity: Any, full: Any = None) -> Chat:
    """Convert a channel or supergroup; without `full`, what only `full` contains stays empty."""
    may_unprotect = bool(entity.creator or _may(entity, "change_info"))
    admin = bool(entity.creator or entity.admin_rights)
    return Chat(
        id=marked(entity),
        title=entity.title,
        kind="channel" if entity.broadcast else "supergroup",
        username=_username(entity),
        forum=bool(entity.forum),
        protected=bool(entity.noforwards),
        may_unprotect=may_unprotect,
        member=not entity.left,
        members=entity.participants_count,
        write_refusal=_channel_refusal(entity, full),
        denied=frozenset() if admin or entity.broadcast else _kinds_denied(entity),
        may_pin=_may(entity, "edit_messages" if entity.broadcast else "pin_messages"),
        may_manage_topics=_may(entity, "manage_topics"),
        may_change_info=_may(entity, "change_info"),
        linked=-CHANNEL_MARK - full.linked_chat_id if full and full.linked_chat_id else None,
        slow_mode=0 if admin or not full else full.slowmode_seconds or 0,
        auto_delete=(full.ttl_period or 0) if full else 0,
        migrated_from=-full.migrated_from_chat_id if full and full.migrated_from_chat_id else None,
        migrated_from_max=(full.migrated_from_max_id or 0) if full else 0,
        **_profile(full),
    )


def group(entity: Any, full: Any = None) -> Chat:
    """Convert a basic group."""
    return Chat(
        id=marked(entity),
        title=entity.title,
        kind="group",
        protected=bool(entity.noforwards),
        may_unprotect=bool(entity.creator or _may(entity, "change_info")),
        member=not entity.left and not entity.deactivated,
        members=entity.participants_count,
        write_refusal=_group_refusal(entity),
        denied=frozenset() if entity.creator or entity.admin_rights else _kinds_denied(entity),
        may_pin=_may(entity, "pin_messages"),
        migrated_to=-CHANNEL_MARK - entity.migrated_to.channel_id if entity.migrated_to else None,
        auto_delete=(full.ttl_period or 0) if full else 0,
        may_change_info=_may(entity, "change_info"),
        **_profile(full),
    )


def user(entity: Any) -> Chat:
    """Convert a user; listed, never mirrored."""
    return Chat(
        id=entity.id,
        title=display_name(entity) or "deleted account",
        kind="user",
        username=entity.username or "",
        write_refusal="only groups and channels are mirrored",
    )


def chat(entity: Any) -> Chat | None:
    """Convert any chat of a dialog; None for a chat that the account was removed from."""
    if isinstance(entity, types.Channel):
        return channel(entity)
    if isinstance(entity, types.Chat):
        return group(entity)
    return user(entity) if isinstance(entity, types.User) else None


def topic(tl: Any, *, place: int = 0) -> Topic:
    """Convert a topic of a forum; `place`: the number of pinned topics in the list so far, this one
    included."""
    return Topic(
        id=tl.id,
        title=tl.title,
        closed=bool(tl.closed),
        hidden=bool(tl.hidden),
        icon_color=tl.icon_color,
        icon_emoji=tl.icon_emoji_id or 0,
        pinned=place if tl.pinned else 0,
        own=bool(tl.my),
    )


def _profile(full: Any) -> dict[str, Any]:
    """Return a chat's public data besides its title."""
    photo = full.chat_photo if full else None
    shown = media.from_tl(types.MessageMediaPhoto(photo=photo)) if isinstance(photo, types.Photo) else None
    return {"about": (full.about or "") if full else "", "photo": shown}


def _username(entity: Any) -> str:
    if entity.username:
        return str(entity.username)
    return next((str(name.username) for name in entity.usernames or () if name.active), "")


def _may(entity: Any, right: str) -> bool:
    """Return whether the account has a right, as creator, as administrator, or by the chat's defaults."""
    if entity.creator or getattr(entity.admin_rights, right, False):
        return True
    if getattr(entity, "broadcast", False) or entity.left or right == "change_info":
        return False
    default, banned = entity.default_banned_rights, getattr(entity, "banned_rights", None)
    # A right missing from the banned rights belongs to everybody; one that exists for administrators only, to
    # nobody else.
    known = hasattr(types.ChatBannedRights(until_date=None), right)
    return known and not getattr(default, right, default is None) and not getattr(banned, right, False)


def _channel_refusal(entity: Any, full: Any = None) -> str:
    if entity.creator or getattr(
        entity.admin_rights, "post_messages" if entity.broadcast else "other", False
    ):
        return ""
    if entity.left:
        return "the account is not a member"
    if entity.broadcast:
        return "only administrators who may post can write in a channel"
    if entity.admin_rights:
        return ""
    return _denied(entity.default_banned_rights, entity.banned_rights) or _price(entity, full)


def _price(entity: Any, full: Any) -> str:
    """Return the price of a message in a supergroup, for all but administrators
    (https://core.telegram.org/api/paid-messages)."""
    stars = (full.send_paid_messages_stars if full else None) or entity.send_paid_messages_stars
    return f"each message costs Stars there ({stars}), and tgstreamd never pays" if stars else ""


def _group_refusal(entity: Any) -> str:
    if entity.deactivated:
        return "the group has become a supergroup" if entity.migrated_to else "the group is closed"
    if entity.left:
        return "the account is not a member"
    return "" if entity.creator or entity.admin_rights else _denied(entity.default_banned_rights, None)


def _kinds_denied(entity: Any) -> frozenset[str]:
    said = (entity.default_banned_rights, getattr(entity, "banned_rights", None))
    rights = [right for right in _DENIES if any(getattr(each, right, False) for each in said)]
    return frozenset(kind for right in rights for kind in _DENIES[right])


def _denied(default: Any, banned: Any) -> str:
    if banned is not None and (banned.send_messages or banned.view_messages):
        return "the account is restricted in this group"
    if default is not None and default.send_messages:
        return "the group lets only administrators write"
    return ""
