"""Describes service messages in words: `ChannelCreate` is "chat created".

Pure. Names are Telegram's own; an unknown one is split at its capitals.
"""

from __future__ import annotations

import re

from ...domain.reasons import tells, told_by

_WORDS = {
    "BoostApply": "boosts given",
    "ChannelCreate": "chat created",
    "ChannelMigrateFrom": "made of a basic group",
    "ChatAddUser": "member added",
    "ChatCreate": "chat created",
    "ChatDeletePhoto": "photo removed",
    "ChatDeleteUser": "member left",
    "ChatEditPhoto": "photo changed",
    "ChatEditTitle": "title changed",
    "ChatJoinedByLink": "member joined by link",
    "ChatJoinedByRequest": "member joined by request",
    "ChatMigrateTo": "became a supergroup",
    "GroupCall": "video chat",
    "GroupCallScheduled": "video chat scheduled",
    "HistoryClear": "history cleared",
    "InviteToGroupCall": "invitation to a video chat",
    "NoForwardsToggle": "protection switched",
    "PinMessage": "message pinned",
    "SetChatTheme": "theme set",
    "SetChatWallPaper": "wallpaper set",
    "SetMessagesTTL": "auto-delete timer set",
    "TopicCreate": "topic created",
    "TopicEdit": "topic changed",
}


def happened(name: str) -> str:
    """Return the description of a service message by Telegram's name."""
    return _WORDS.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def worded(reason: str) -> str:
    """Return a skip reason with the name of a service message replaced by its description."""
    return tells(happened(name)) if (name := told_by(reason)) else reason
