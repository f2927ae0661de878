"""Decides what follows an error: retry, hold, send differently, park, pause or stop.

Pure. Promises that an unknown outcome is never taken for a refusal, that a hold never counts as a job's own
failure, and that nothing is retried without end. Judges by type and by Telegram's name for the error, never
by message text.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ..domain.errors import (
    AccountFrozen,
    AccountLimited,
    CdnUnusable,
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
from ..domain.refusals import purpose, row
from .decisions import Again as Again
from .decisions import AskChat as AskChat
from .decisions import Confirmation as Confirmation
from .decisions import Cure as Cure
from .decisions import Decision as Decision
from .decisions import Degrade as Degrade
from .decisions import Hold as Hold
from .decisions import HoldAccount as HoldAccount
from .decisions import Park as Park
from .decisions import PauseMirror as PauseMirror
from .decisions import Refresh as Refresh
from .decisions import Resend as Resend
from .decisions import Skip as Skip
from .decisions import Stop as Stop
from .decisions import Unknown as Unknown
from .decisions import WaitForChat as WaitForChat
from .pacing import LONG_FLOOD

#: Connected seconds of its own failures after which a job is parked.
PATIENCE = 30 * 60.0
#: Seconds of successive holds for PEER_FLOOD.
LIMITED = (3600.0, 6 * 3600.0, 24 * 3600.0)
#: Seconds to wait for a call that is still in progress (https://core.telegram.org/api/updates#updatemessageid-updates).
SETTLING = 10.0
#: Connected seconds of answers that name no message, after which a message not found counts as deleted.
GONE = 5 * 60.0
VANISHED = "it was sent, and is no longer in the target"
#: Number of consecutive refreshes (or resends) made at once; later ones back off.
AT_ONCE = 3
#: Number of refreshes, in about three minutes, after which an expired reference is blamed on its message.
REFRESHES = 8
#: Tries of one part under a working connection before its transfer fails.
PART_TRIES = 10
#: The same for a part that only a CDN has and does not deliver; it takes half a minute.
CDN_TRIES = 4
#: Longest wait of a part while there is no connection at all.
OFFLINE = 10.0
#: The method assumed for an error that names none.
SEND = "messages.sendMessage"


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
    possible: Collection[Cure] = (),
    met: int = 1,
    said: Confirmation | None = None,
    jitter: float = 0.0,
) -> Decision:
    """Return the decision for a job after `error`.

    `attempts` were made, this one included; `now` is unix time; `troubled_for` are connected seconds of the
    job's own failures. `attempted`: a send was started whose outcome `error` may leave open. `unsure`: an
    earlier send with the same `random_id` has an unknown outcome, and no search has ruled it out, or `error`
    answers another call: a refusal then says nothing about the first. `repeats`: refreshes or resends since
    the last progress. `strikes`: PEER_FLOODs of the account since its last successful send. `possible`: cures
    that would change something. `met`: how often this job has met this error. `said`: the answer of the chat
    that the error calls lost; None before it was asked. `jitter` is added to every back-off.
    """
    at = now + backoff(attempts) + jitter
    spent = troubled_for >= PATIENCE
    # A refused question says nothing about the message, which waits until the question works again.
    method = error.method if isinstance(error, TelegramError) else ""
    asking = bool(method) and purpose(method) in ("read", "connect")
    match error:
        case FloodWait() if spent and unsure and _is_unheard_of(error):
            return Unknown(at=now, search=True, last=True, reason=error.line())
        case FloodWait() if spent and _is_unheard_of(error):
            return _park_spent(error, troubled_for)
        case FloodWait():
            return _hold(error, now, unsure)
        case AccountFrozen():
            return HoldAccount(until=math.inf, reason=error.line(), unsure=unsure)
        case AccountLimited():
            until = now + LIMITED[min(strikes, len(LIMITED) - 1)]
            return HoldAccount(until=until, reason=error.line(), unsure=unsure)
        case NotAuthorised() | StoreError():
            return Stop(error=error)
        case SourceLost() | TargetLost() if said is None or said.unanswered or said.lost:
            return _decide_lost(error, said, unsure)
        case Rejected() | SourceGone() | MediaExpired() | PartsMissing() | SourceLost() | TargetLost() if (
            unsure
        ):
            return Unknown(at=at if asking else now, search=True, last=spent, reason=error.line())
        case Rejected() | SourceLost() | TargetLost() if asking:
            return _park_spent(error, troubled_for) if spent else Again(at=at)
        case Rejected() | SourceLost() | TargetLost():
            return _decide_refused(error, possible, met=met, at=at)
        case SourceGone():
            return _choose_cure(("note",), error, possible)
        case CdnUnusable() if "reference" in possible:
            # Telegram has the file, but delivers its bytes nowhere else.
            return Degrade(what="reference", reason=error.what)
        case Duplicate():
            # The first call is still in progress: the target does not show its outcome yet.
            wait = max(SETTLING, backoff(attempts))
            return Unknown(at=now + wait + jitter, last=spent, reason=error.line())
        case Unnamed() if attempted:
            gone = troubled_for >= GONE
            return Unknown(at=at, search=True, last=gone, was=True, reason=VANISHED)
        case Transient() | Undecodable() if attempted:
            # An unreadable answer is an answer: search instead of repeating the call.
            search = spent or isinstance(error, Undecodable)
            return Unknown(at=at, search=search, last=spent, reason=error.line())
        case MediaExpired() if met > REFRESHES:
            return _choose_cure(row(error.error, error.method or SEND).cures, error, possible)
        case TelegramError() if spent:
            return _park_spent(error, troubled_for)
        case MediaExpired():
            return Refresh(at=now if repeats < AT_ONCE else at)
        case PartsMissing():
            # A missing part 0 means a lost upload (TDLib starts it anew as well).
            parts = () if 0 in error.parts or repeats >= AT_ONCE else error.parts
            return Resend(parts=parts, at=now if repeats < AT_ONCE else at)
        case Transient() | Undecodable():
            return Again(at=at)
        case TgstreamdError():
            return Park(reason=error.line())
    reason = f"{type(error).__name__}: {error}"
    if attempted:
        return Unknown(at=now, search=True, last=True, reason=reason)
    return Park(reason=reason)


def backoff(attempts: int, first: float = 1.0, most: float = 60.0) -> float:
    """Return the seconds before the next try: 1, 2, 4, … 60, or from `first` to `most`."""
    return min(most, first * 2.0 ** min(max(0, attempts - 1), 10))


def part_delay(error: Exception, attempt: int, *, connected: bool = True) -> float | None:
    """Return the seconds until a part is retried, None where it never will succeed.

    `attempt` counts its failures under a working connection, this one included.
    """
    match error:
        case FloodWait():
            return float(max(1, error.seconds))
        case MediaExpired() if attempt <= PART_TRIES:
            return 0.0 if attempt <= AT_ONCE else backoff(attempt)
        case Transient() if not connected:
            return min(OFFLINE, backoff(attempt + 1))
        case CdnUnusable():
            return backoff(attempt + 2) if attempt < CDN_TRIES else None
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
        counts=_is_unheard_of(error),
    )


def _decide_lost(error: SourceLost | TargetLost, said: Confirmation | None, unsure: bool) -> Decision:
    if said is None:
        return AskChat(side="source" if isinstance(error, SourceLost) else "target")
    if said.lost:
        return PauseMirror(reason=said.lost, unsure=unsure)
    return WaitForChat(until=said.until, reason=f"{error.line()}; {said.unanswered}", unsure=unsure)


def _is_unheard_of(error: TelegramError) -> bool:
    return row(error.error, error.method).unknown


def _park_spent(error: TelegramError, troubled_for: float) -> Park:
    return Park(reason=f"{error.line()}, for {troubled_for / 60:.0f} minutes")


def _decide_refused(error: TelegramError, possible: Collection[Cure], *, met: int, at: float) -> Decision:
    found = row(error.error, error.method or SEND)
    if found.then == "skip":
        return Skip(reason="nothing is left of the text")
    if found.then == "pay":
        return Park(reason=error.line(), blamed=True, unpaid=True)
    if met <= found.again:
        return Again(at=at)
    return _choose_cure(found.cures, error, possible)


def _choose_cure(cures: Sequence[Cure], error: TelegramError, possible: Collection[Cure]) -> Decision:
    for cure in cures:
        if cure in possible:
            return Degrade(what=cure, reason=error.error or error.what)
    return Park(reason=error.line(), blamed=isinstance(error, SourceLost | TargetLost))
