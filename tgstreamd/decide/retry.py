"""Answers what follows an error: again when, hold what, send it differently, park, pause or stop.

Pure. Promises that an unknown outcome is never taken for a refusal, that a hold never counts as a job's
own trouble, and that nothing is tried without end. It judges by type and by Telegram's own name for the
error, never by message text.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from ..errors import (
    AccountFrozen,
    AccountLimited,
    Duplicate,
    FloodWait,
    MediaExpired,
    NotAuthorised,
    PartsMissing,
    Rejected,
    SourceGone,
    SourceLost,
    StoreError,
    TargetLost,
    TelegramError,
    TgstreamdError,
    Transient,
    Undecodable,
    Unnamed,
)
from .pace import LONG_FLOOD
from .verdicts import Again as Again
from .verdicts import Cure as Cure
from .verdicts import Decision as Decision
from .verdicts import Degrade as Degrade
from .verdicts import Hold as Hold
from .verdicts import HoldAccount as HoldAccount
from .verdicts import Park as Park
from .verdicts import PauseMirror as PauseMirror
from .verdicts import Refresh as Refresh
from .verdicts import Resend as Resend
from .verdicts import Skip as Skip
from .verdicts import Stop as Stop
from .verdicts import Unknown as Unknown

#: Connected seconds of trouble of its own after which a job is parked.
PATIENCE = 30 * 60.0
#: Seconds of the holds for PEER_FLOOD, one longer than the other.
LIMITED = (3600.0, 6 * 3600.0, 24 * 3600.0)
#: Seconds to wait for a call that is still under way (https://core.telegram.org/api/updates#updatemessageid-updates).
SETTLING = 10.0
#: Connected seconds of answers without a message after which one that is not found was deleted in the target.
GONE = 5 * 60.0
VANISHED = "it was sent, and is no longer in the target"
#: So many refreshes (or resends) in a row go at once; later ones back off, as any trouble does.
AT_ONCE = 3
#: Tries of one part under a working connection before its transfer fails.
PART_TRIES = 10
#: Longest wait of a part while there is no connection at all.
OFFLINE = 10.0

#: Telegram's names for refusals with a cure (https://core.telegram.org/method/messages.sendMedia and
#: its neighbours); a name ending in `*` is a prefix.
CURES: dict[str, Cure] = {
    "REPLY_*": "reply",
    "QUOTE_*": "quote",
    "ENTITY_MENTION_USER_INVALID": "mentions",
    "ENTITY_*": "entities",
    "ENTITIES_*": "entities",
    "WEBPAGE_*": "preview",
    "WC_CONVERT_URL_INVALID": "preview",
    "IMAGE_PROCESS_FAILED": "as-file",
    "PHOTO_*": "as-file",
    "VIDEO_CONTENT_TYPE_INVALID": "as-file",
    "VIDEO_FILE_INVALID": "as-file",
    "MEDIA_FILE_INVALID": "as-file",
    "INPUT_FILE_INVALID": "as-file",
    "MEDIA_EMPTY": "stream",
    "MEDIA_INVALID": "stream",
    "DOCUMENT_INVALID": "stream",
    "GROUPED_MEDIA_INVALID": "singles",
    "MEDIA_GROUPED_INVALID": "singles",
    "MULTI_MEDIA_TOO_LONG": "singles",
    "SLOWMODE_MULTI_MSGS_DISABLED": "singles",
    "MESSAGE_TOO_LONG": "limits",
    "MEDIA_CAPTION_TOO_LONG": "limits",
    "CHAT_SEND_*": "note",
    "VOICE_MESSAGES_FORBIDDEN": "note",
    "PREMIUM_ACCOUNT_REQUIRED": "note",
    "TTL_MEDIA_INVALID": "note",
    "STORY_*": "note",
    "STORIES_*": "note",
    "RICH_*": "note",
    "POLL_*": "note",
    "QUIZ_*": "note",
    "BROADCAST_PUBLIC_VOTERS_FORBIDDEN": "note",
    "TODO_*": "note",
    "GEO_POINT_INVALID": "note",
    "CONTACT_*": "note",
    "PHONE_NUMBER_INVALID": "note",
    "PAYMENT_UNSUPPORTED": "note",
}
#: What is tried next where a cure was not one.
NEXT: dict[Cure, Cure] = {
    "mentions": "entities",
    "quote": "reply",
    "stream": "singles",
    "singles": "note",
    "as-file": "note",
}
#: Refusals that every message of the mirror would meet.
PAUSES: dict[str, str] = {
    "CHAT_FORWARDS_RESTRICTED": "the source protects its content",
    "CHAT_SEND_PLAIN_FORBIDDEN": "text may not be sent to the target",
    "CHAT_WRITE_FORBIDDEN": "this account may not write to the target",
    "CHAT_RESTRICTED": "the target is restricted",
    "CHAT_ADMIN_REQUIRED": "the target wants an administrator",
    "USER_BANNED_IN_CHANNEL": "this account may not write to the target",
    "TOPIC_CLOSED": "the topic of the target is closed",
    "TOPIC_DELETED": "the topic of the target was deleted",
}


def decide(
    error: Exception,
    *,
    attempts: int,
    now: float,
    troubled_for: float,
    attempted: bool,
    unsure: bool = False,
    repeats: int = 0,
    strikes: int = 0,
    tried: Collection[Cure] = (),
    jitter: float = 0.0,
) -> Decision:
    """What becomes of a job after `error`.

    `attempts` were made, this one included; `now` is unix time; `troubled_for` are connected seconds of
    trouble of its own. `attempted`: a send was started whose fate `error` may leave open. `unsure`: so was
    one before it with the same `random_id`, and no search has ruled it out: refusing the second call says
    nothing about the first. `repeats`: refreshes or resends since the last progress. `strikes`: PEER_FLOODs
    of the account since its last successful send. `tried`: cures that this job has already had. `jitter`
    is added to every back-off.
    """
    at = now + backoff(attempts) + jitter
    spent = troubled_for >= PATIENCE
    match error:
        case FloodWait():
            return _hold(error, now, unsure)
        case AccountFrozen():
            return HoldAccount(until=math.inf, reason=error.line(), unsure=unsure)
        case AccountLimited():
            until = now + LIMITED[min(strikes, len(LIMITED) - 1)]
            return HoldAccount(until=until, reason=error.line(), unsure=unsure)
        case NotAuthorised() | StoreError():
            return Stop(error=error)
        case SourceLost() | TargetLost():
            return PauseMirror(reason=error.line(), unsure=unsure)
        case Rejected() | SourceGone() | MediaExpired() | PartsMissing() if unsure:
            return Unknown(at=now, search=True, last=spent, reason=error.line())
        case Rejected() if error.error != "MD5_CHECKSUM_INVALID":
            return _rejected(error, tried)
        case SourceGone():
            return _cured("note", error, tried)
        case Duplicate():
            # The first call is still under way: it cannot be told from the target yet.
            wait = max(SETTLING, backoff(attempts))
            return Unknown(at=now + wait + jitter, last=spent, reason=error.line())
        case Unnamed() if attempted:
            gone = troubled_for >= GONE
            return Unknown(at=at, search=True, last=gone, was=True, reason=VANISHED)
        case Transient() | Undecodable() if attempted:
            # An answer that cannot be read is an answer: look, rather than ask for it once more.
            search = spent or isinstance(error, Undecodable)
            return Unknown(at=at, search=search, last=spent, reason=error.line())
        case TelegramError() if spent:
            return Park(reason=f"{error.line()}, for {troubled_for / 60:.0f} minutes")
        case MediaExpired():
            return Refresh(at=now if repeats < AT_ONCE else at)
        case PartsMissing():
            # A missing part 0 means a lost upload (TDLib starts it anew as well).
            parts = () if 0 in error.parts or repeats >= AT_ONCE else error.parts
            return Resend(parts=parts, at=now if repeats < AT_ONCE else at)
        case Rejected():
            return Resend(parts=(), at=at)
        case Transient() | Undecodable():
            return Again(at=at)
        case TgstreamdError():
            return Park(reason=error.line())
    reason = f"{type(error).__name__}: {error}"
    if attempted:
        return Unknown(at=now, search=True, last=True, reason=reason)
    return Park(reason=reason)


def backoff(attempts: int) -> float:
    """Seconds before the next try: 1, 2, 4, … 60."""
    return min(60.0, 2.0 ** min(max(0, attempts - 1), 6))


def part_delay(error: Exception, attempt: int, *, connected: bool = True) -> float | None:
    """Seconds until a part is tried again, None where it never will succeed.

    `attempt` counts its failures under a working connection, this one included.
    """
    match error:
        case FloodWait():
            return float(max(1, error.seconds))
        case MediaExpired() if attempt <= PART_TRIES:
            return 0.0 if attempt <= AT_ONCE else backoff(attempt)
        case Transient() if not connected:
            return min(OFFLINE, backoff(attempt + 1))
        case Transient() if attempt < PART_TRIES:
            return backoff(attempt)
    return None


def _hold(error: FloodWait, now: float, unsure: bool) -> Hold:
    # Test servers say FLOOD_WAIT_0; slow mode is the chat's own rule and says nothing about our pace.
    return Hold(
        scope=error.scope,
        method=error.method,
        until=now + max(1, error.seconds),
        reason=error.error or error.what,
        widen=error.scope != "chat" and error.seconds >= LONG_FLOOD,
        unsure=unsure,
    )


def _rejected(error: Rejected, tried: Collection[Cure]) -> Decision:
    if error.error in PAUSES:
        return PauseMirror(reason=f"{PAUSES[error.error]} ({error.error})")
    if error.error == "MESSAGE_EMPTY":
        return Skip(reason="nothing is left of the text")
    for name, cure in CURES.items():
        if error.error == name or (name.endswith("*") and error.error.startswith(name[:-1])):
            return _cured(cure, error, tried)
    return Park(reason=error.line())


def _cured(cure: Cure, error: TelegramError, tried: Collection[Cure]) -> Decision:
    while cure in tried:
        if cure not in NEXT:
            return Park(reason=error.line())
        cure = NEXT[cure]
    return Degrade(what=cure, reason=error.error or error.what)
