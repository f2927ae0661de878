"""Who may do what in a chat: Telegram's refusals, by kind of message.

Pure judgement over records; raises the error that Telegram gives and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dispatch import RpcError

if TYPE_CHECKING:
    from .chats import Chat
    from .peers import Account

ADMIN_RIGHTS = frozenset(
    [
        "change_info",
        "post_messages",
        "edit_messages",
        "delete_messages",
        "ban_users",
        "invite_users",
        "pin_messages",
        "add_admins",
        "anonymous",
        "manage_call",
        "other",
        "manage_topics",
        "post_stories",
        "edit_stories",
        "delete_stories",
    ]
)
BANNED_RIGHTS = frozenset(
    [
        "view_messages",
        "send_messages",
        "send_media",
        "send_stickers",
        "send_gifs",
        "send_games",
        "send_inline",
        "embed_links",
        "send_polls",
        "change_info",
        "invite_users",
        "pin_messages",
        "manage_topics",
        "send_photos",
        "send_videos",
        "send_roundvideos",
        "send_audios",
        "send_voices",
        "send_docs",
        "send_plain",
    ]
)
#: What a promoted administrator gets unless said otherwise.
USUAL_ADMIN = frozenset(
    [
        "change_info",
        "post_messages",
        "edit_messages",
        "delete_messages",
        "ban_users",
        "invite_users",
        "pin_messages",
        "manage_call",
        "other",
        "manage_topics",
    ]
)

#: Kind of content → (right that forbids it, error).
_KINDS = {
    "text": ("send_plain", "CHAT_SEND_PLAIN_FORBIDDEN"),
    "photo": ("send_photos", "CHAT_SEND_PHOTOS_FORBIDDEN"),
    "video": ("send_videos", "CHAT_SEND_VIDEOS_FORBIDDEN"),
    "round": ("send_roundvideos", "CHAT_SEND_ROUNDVIDEOS_FORBIDDEN"),
    "audio": ("send_audios", "CHAT_SEND_AUDIOS_FORBIDDEN"),
    "voice": ("send_voices", "CHAT_SEND_VOICES_FORBIDDEN"),
    "document": ("send_docs", "CHAT_SEND_DOCS_FORBIDDEN"),
    "sticker": ("send_stickers", "CHAT_SEND_STICKERS_FORBIDDEN"),
    "gif": ("send_gifs", "CHAT_SEND_GIFS_FORBIDDEN"),
    "poll": ("send_polls", "CHAT_SEND_POLL_FORBIDDEN"),
    "dice": ("send_games", "CHAT_SEND_GAME_FORBIDDEN"),
    "webpage": ("embed_links", "CHAT_SEND_WEBPAGE_FORBIDDEN"),
}
_NOT_MEDIA = frozenset({"text", "webpage"})


def check_send(chat: Chat, account: Account, kind: str) -> None:
    """Refuse what the account may not send here. `kind` is "text" or the kind of its media."""
    if chat.kind == "private":
        return
    if chat.migrated_to is not None:
        raise RpcError(400, "CHAT_ID_INVALID")
    member = chat.members.get(account.id)
    if chat.restricted:
        raise RpcError(400, "CHAT_RESTRICTED")
    if chat.kind == "channel":
        if not chat.has_right(account.id, "post_messages"):
            raise RpcError(400, "CHAT_ADMIN_REQUIRED")
        return
    if member is None or not member.active:
        raise RpcError(403, "CHAT_WRITE_FORBIDDEN")
    if chat.is_admin(account.id):
        return
    if "send_messages" in member.banned:
        raise RpcError(400, "USER_BANNED_IN_CHANNEL")
    if "send_messages" in chat.default_banned:
        raise RpcError(403, "CHAT_WRITE_FORBIDDEN")
    banned = member.banned | chat.default_banned
    if kind not in _NOT_MEDIA and "send_media" in banned:
        raise RpcError(403, "CHAT_SEND_MEDIA_FORBIDDEN")
    right, error = _KINDS.get(kind, ("send_media", "CHAT_SEND_MEDIA_FORBIDDEN"))
    if right in banned:
        raise RpcError(403, error)


def check_slow_mode(chat: Chat, account: Account, count: int, now: float) -> None:
    """SLOWMODE_WAIT_X with the seconds that are left; administrators are exempt."""
    if not chat.slow_mode or chat.is_admin(account.id) or account.id not in chat.members:
        return
    if count > 1:
        raise RpcError(400, "SLOWMODE_MULTI_MSGS_DISABLED")
    left = chat.members[account.id].last_sent + chat.slow_mode - now
    if left > 0:
        raise RpcError(420, f"SLOWMODE_WAIT_{max(1, int(left + 0.999))}")


def check_price(chat: Chat, account: Account, count: int, allowed: int) -> None:
    """What messages cost in a supergroup; administrators write for nothing, and nobody here has any Stars
    (https://core.telegram.org/api/paid-messages)."""
    if not chat.price or chat.kind != "supergroup" or chat.is_admin(account.id):
        return
    if allowed != chat.price * count:
        raise RpcError(403, f"ALLOW_PAYMENT_REQUIRED_{chat.price}")
    raise RpcError(400, "BALANCE_TOO_LOW")


def may(chat: Chat, account: Account, right: str) -> bool:
    """A right that members have unless it is banned and that administrators need (pin, invite, topics …)."""
    if chat.is_admin(account.id):
        return chat.has_right(account.id, right)
    member = chat.members.get(account.id)
    if chat.kind == "channel" or member is None or not member.active:
        return chat.kind == "private"
    return right not in member.banned | chat.default_banned
