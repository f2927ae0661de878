"""The kinds of worlds that the campaign lives in: each uses what others leave alone.

A kind says what the two chats are, what the mirror wishes, which rare things happen, and what the operator is
given to type. What all share is in `weather`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Kind:
    name: str
    #: What source and target are: a supergroup, a forum (both), a basic group of either side, a channel.
    chats: Literal["supergroup", "forum", "group", "into a group", "into a channel"] = "supergroup"
    options: dict[str, Any] = field(default_factory=dict)
    #: Seconds between two messages; with the design's own, few live posts would overtake so short a history.
    interval: float = 3.5
    #: Rare deeds, with how often, beside each other.
    rare: dict[str, int] = field(default_factory=dict)
    #: The same of the verbs.
    verbs: dict[str, int] = field(default_factory=dict)
    #: What has happened before the first life.
    first: tuple[str, ...] = ()
    #: How often a world is of this kind.
    weight: int = 1


KINDS = {
    kind.name: kind
    for kind in (
        Kind("plain", rare={"part lost": 1}, verbs={"look": 1}, weight=4),
        Kind(
            "forum",
            "forum",
            rare={"topic pinned": 2, "topic unpinned": 1, "topics ordered": 1},
            weight=5,
        ),
        Kind("topics", "forum", rare={"topic deleted in the target": 1, "deleted unseen": 1}),
        Kind("group", "group", rare={"source migrated": 1}, weight=2),
        Kind("into a group", "into a group", rare={"target migrated": 1}, weight=2),
        Kind("facts", options={"chat": True}, rare={"title": 2, "about": 2, "chat photo": 2}),
        Kind("gaps", rare={"events lost": 3, "nothing told": 2}, verbs={"repair": 2}),
        Kind("gaps without pins", options={"pins": False}, rare={"events lost": 3}),
        Kind(
            "live first",
            options={"order": "live-first"},
            interval=60.0,
            rare={"answer to an old one": 1},
            first=("burst",),
        ),
        Kind(
            "mass deletion",
            rare={"many deleted": 3, "timer": 1},
            verbs={"resume": 2},
            first=("burst",),
        ),
        Kind("lost ledger", verbs={"rebuild": 8}, weight=2),
        Kind("older ledger", verbs={"rebuild": 8}, weight=2),
        Kind("videos", "into a channel", rare={"video": 2, "video published": 6}),
        Kind(
            "parked",
            rare={
                "post refused": 4,
                "media refused": 3,
                "edit refused": 2,
                "copy kept": 2,
                "account limited": 2,
                "hours pass": 2,
            },
            verbs={"retry": 3, "skip": 2, "look": 1},
            weight=2,
        ),
        Kind(
            "hands",
            rare={
                "copy deleted": 2,
                "copy kept": 1,
                "deleted unseen": 1,
                "copy scrawled on": 2,
                "copy made by hand": 2,
                "copy's file replaced": 2,
            },
            verbs={"repair": 6, "resend": 2},
            weight=2,
        ),
        Kind(
            "coming and going",
            rare={"source lost": 2, "source back": 3, "poll": 2, "poll closed": 2},
            verbs={"left out": 3, "pause": 3},
            first=("source lost",),
        ),
        Kind(
            "all at once",
            "forum",
            rare={
                "account limited": 1,
                "copy deleted": 2,
                "copy kept": 1,
                "copy scrawled on": 1,
                "copy's file replaced": 1,
                "deleted unseen": 2,
                "edit refused": 1,
                "events lost": 2,
                "hours pass": 1,
                "many deleted": 3,
                "nothing told": 1,
                "part lost": 1,
                "post refused": 2,
                "timer": 1,
                "topic deleted in the target": 1,
                "topic pinned": 2,
                "topic unpinned": 1,
                "topics ordered": 1,
            },
            verbs={"look": 1, "pause": 2, "repair": 3, "resume": 2, "retry": 2, "resend": 1},
            first=("burst",),
            weight=3,
        ),
        Kind("login unknown", rare={"login unknown": 1}),
        Kind(
            "voices",
            options={"attribution": "author"},
            rare={"clock set": 2, "others speak": 3},
        ),
    )
}
