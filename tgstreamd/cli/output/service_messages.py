"""What a service message tells, in words: `ChannelCreate` is "chat created".

Pure. Names are Telegram's own; one that is not known here is taken apart at its capitals.
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
    """In words, whatever Telegram calls it."""
    return _WORDS.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def worded(reason: str) -> str:
    """A reason for skipping, where it names a service message with the words for that."""
    return tells(happened(name)) if (name := told_by(reason)) else reason
