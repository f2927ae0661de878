"""What Telegram itself says, in the program's words, and what to do: from its own table of errors."""

from __future__ import annotations

from tgstreamd import errors
from tgstreamd.telegram.sayings import HINTS, SAYINGS
from tgstreamd.telegram.translate import by_name

ACCESS = "give the account its access or right again; the mirror goes on by itself within ten minutes"
#: What is to be done about each kind of the program's own errors, where the name has no hint of its own.
TO_DO: dict[type[errors.TgstreamdError], str] = {
    errors.NotAuthorised: "`sudo tgstreamd login`, then start the service",
    errors.SourceLost: ACCESS,
    errors.TargetLost: ACCESS,
    errors.PartsMissing: "nothing: the parts are sent again",
    errors.Transient: "nothing: it is tried again, or looked for in the target",
    errors.Rejected: "nothing, where there is another way to send it; else `tgstreamd parked`",
}
#: Where that would be wrong.
INSTEAD = {
    "CHANNEL_FORUM_MISSING": "switch topics on in the chat, or take the topic out of the configuration",
    "TOPIC_DELETED": "nothing: the topic is made again",
    "USER_DEACTIVATED": "use another account",
    "USER_DEACTIVATED_BAN": "use another account; its owner may appeal in the app",
}


def table() -> str:
    """The section of docs/reference/errors.md."""
    rows = ["| Telegram says | which means | and what to do |", "|---|---|---|"]
    for name in sorted(SAYINGS):
        rows.append(f"| `{name}` | {SAYINGS[name]} | {_to_do(name)} |")
    return "\n".join(rows)


def _to_do(name: str) -> str:
    found = by_name(name, 400, "", "target")
    usual = (words for kind, words in TO_DO.items() if isinstance(found, kind))
    return INSTEAD.get(name) or HINTS.get(name) or next(usual)
