"""Documents Telegram's refusals and what follows from each, from the program's own table."""

from __future__ import annotations

from tgstreamd.domain import errors
from tgstreamd.domain.refusals import CHANGES, METHODS, TABLE, Cure, Purpose, Row, Then, row
from tgstreamd.telegram.error_messages import HINTS, SAYINGS
from tgstreamd.telegram.translate import by_name

ACCESS = "give the account its access or right again; the mirror goes on by itself within ten minutes"
#: Remedy by the program's error class, for names without a hint of their own.
TO_DO: dict[type[errors.TgstreamdError], str] = {
    errors.NotAuthorised: "`sudo tgstreamd login`, then start the service",
    errors.SourceLost: ACCESS,
    errors.TargetLost: ACCESS,
    errors.PartsMissing: "nothing: the parts are sent again",
    errors.Transient: "nothing: it is tried again, or looked for in the target",
    errors.Rejected: "nothing, where there is another way to send it; else `tgstreamd parked`",
}
#: Exceptions to these.
INSTEAD = {
    "CHANNEL_FORUM_MISSING": "switch topics on in the chat, or take the topic out of the configuration",
    "TOPIC_DELETED": "nothing: the topic is made again",
    "USER_DEACTIVATED": "use another account",
    "USER_DEACTIVATED_BAN": "use another account; its owner may appeal in the app",
}
#: One method of each kind, by which a name is looked up.
EXAMPLES = (
    "messages.sendMessage", "messages.editMessage", "auth.signIn", "messages.getHistory", "help.getConfig",
)  # fmt: skip

SECTIONS: dict[str, frozenset[Purpose]] = {
    "On any call": frozenset(),
    "A message that is sent": frozenset({"send"}),
    "A topic that is made": frozenset({"make topic"}),
    "A file that is moved": frozenset({"commit", "upload", "download"}),
    "An edit, a deletion, a pin, a change of a topic or of the chat": CHANGES,
    "A question": frozenset({"read"}),
    "A login": frozenset({"log in"}),
    "A connection": frozenset({"connect"}),
}
CURED: dict[Cure, str] = {
    "mentions": "without mentions",
    "reply": "without its reply",
    "quote": "without the quote",
    "cover": "without a cover or moving part",
    "sticker": "with the bytes of its sticker moved",
    "attachment": "with the bytes of its files moved, a poll without its files",
    "told": "as the words of its story, poll or page",
    "entities": "without formatting",
    "dates": "without formatted dates",
    "emoji": "without custom emoji",
    "preview": "without a link preview",
    "as-file": "as a plain file",
    "stream": "with the bytes of its files moved",
    "reference": "by reference, no byte moved",
    "singles": "one item at a time",
    "limits": "cut into shorter messages",
    "note": "as a note in its place",
}
HAPPENS: dict[Then, str] = {
    "log in": "the daemon ends with 77; `tgstreamd login`",
    "login unknown": "tried for 15 minutes, with an alert; then the daemon ends with 77",
    "configuration": "the daemon ends with 78",
    "wait": "nothing of it goes until the time is over",
    "limited": "the account sends nothing for 1, then 6, then 24 hours",
    "frozen": "the account asks and sends nothing until its owner has appealed in the app",
    "again": "tried again with growing waits; a message is looked for first",
    "sent before": "looked for in the target",
    "refresh": "a fresh reference is fetched, then the same again",
    "parts": "the parts are sent again, or the whole file",
    "pay": "nothing is paid: the chat is asked; if it names no price: parked, one message in twelve hours",
    "topic": "the topic is opened or made again; where that is not possible, the chat is asked",
    "skip": "skipped",
    "so already": "taken as done",
    "send anew": "the copy is deleted and sent anew",
    "give up": "the change is given up, with one warning",
    "position": "a fresh position, and the history closes the gap",
    "rest": "asked again ten minutes later",
    "say": "said to who logs in",
}
#: The same for errors of a connection, on which nothing was sent yet.
CONNECTING = "tried again with growing waits, half a minute at most, for as long as it takes"
#: Consequences if the chat, when asked, is in order.
FINE: dict[str, str] = {
    "make topic": "parked; its posts go without it",
    "read": "asked again ten minutes later",
    **dict.fromkeys(CHANGES, "the change is given up, with one warning"),
}

HEAD = """\
# What Telegram refuses

Whose each of Telegram's errors is, and what the daemon does about it.
It is the program's own table, and a test walks it error by error through the delivery of messages.
An error belongs to the first row that names it; `*` stands for any rest of a name, and `#` for a number.

**The chat is asked** means that Telegram is asked about the chat, once in ten minutes.
Where the chat itself says that the mirror cannot run, the mirror pauses with that reason.
Where nobody answers, the mirror waits for ten minutes, and `tgstreamd status` says so.
Where the chat is fine, the error belongs to what was asked of it.
Three messages in a row are parked on one such word of a chat; the next one waits for another.

A message that may have arrived is never sent differently before that is known.
A wait by a name that nobody has heard of is obeyed for an hour at most.
After half an hour of such waits the message is parked.
What the names mean, and what a person can do, stands in [Errors](errors.md#what-telegram-says)."""


def page() -> str:
    """Return docs/reference/refusals.md."""
    parts = [HEAD]
    for heading, purposes in SECTIONS.items():
        rows = ["| Telegram says | whose it is | what happens |", "|---|---|---|"]
        rows += [_row(found, purposes) for found in TABLE if _belongs(found, purposes)]
        parts += [f"## {heading}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _belongs(found: Row, purposes: frozenset[Purpose]) -> bool:
    on = {METHODS.get(place, "read") if "." in place else place for place in found.on}
    return bool(on & purposes) if purposes else not on


def _row(found: Row, purposes: frozenset[Purpose]) -> str:
    known = " ".join(f"`{name}`" for name in found.names.split())
    names = "any other name" if found.unknown else known
    only = [place for place in found.on if "." in place]
    where = f" on `{'`, `'.join(only)}`" if only else ""
    return f"| {names}{where} | {found.whose} | {_happens(found, purposes)} |"


def _happens(found: Row, purposes: frozenset[Purpose]) -> str:
    words = []
    if found.again:
        words.append("tried again once" if found.again == 1 else "tried again twice")
    if found.then in ("ask chat", "ask source", "topic"):
        asked = "the source is asked" if found.then == "ask source" else "the chat is asked"
        words.append(HAPPENS["topic"] if found.then == "topic" else asked)
        after = _cures(found) or next((FINE[one] for one in sorted(purposes) if one in FINE), "parked")
        words.append(f"if it is fine: {after}")
    elif found.then == "cure":
        words.append(_cures(found) or "parked")
    elif found.then == "again" and found.on == ("connect",):
        words.append(CONNECTING)
    else:
        words.append(HAPPENS[found.then])
        if found.cures:
            words.append(f"if that does not help: {_cures(found)}")
    return "; ".join(words)


def _cures(found: Row) -> str:
    if not found.cures:
        return ""
    return f"sent {', then '.join(CURED[cure] for cure in found.cures)}; parked at last"


def table() -> str:
    """Return the section of docs/reference/errors.md."""
    rows = ["| Telegram says | which means | and what to do |", "|---|---|---|"]
    for name in sorted(SAYINGS):
        rows.append(f"| `{name}` | {SAYINGS[name]} | {_to_do(name)} |")
    return "\n".join(rows)


def _to_do(name: str) -> str:
    method = next((each for each in EXAMPLES if not row(name, each).unknown), EXAMPLES[0])
    found = by_name(name, 400, method, "target")
    usual = (words for kind, words in TO_DO.items() if isinstance(found, kind))
    return INSTEAD.get(name) or HINTS.get(name) or next(usual)
