"""Derives from a picture of the program's state the facts that a person should know.

Pure and without memory: `alert_state` remembers what was reported. Also decides whether every mirror makes
progress.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from ..domain.log_in import UNKNOWN
from ..domain.messages import Value

#: Seconds without Telegram after which that is reported.
OFFLINE = 900.0
#: Seconds in which a mirror may begin before it counts as unable to.
BEGINNING = 120.0
Kind = Literal[
    "parked",
    "paused",
    "access lost",
    "deletions held",
    "lagging",
    "falling behind",
    "account limited",
    "account frozen",
    "login unknown",
    "unreachable",
    "disk",
    "test",
]


class Limits(Value, frozen=True, kw_only=True):
    """The thresholds for an alert: seconds of lag, bytes that must be free."""

    lag: float = 3600.0
    free: int = 200_000_000


class View(Value, frozen=True, kw_only=True):
    """The state of one mirror, as far as alerts need it."""

    name: str
    #: Reasons for a pause: by the operator, awaiting confirmation, a chat that Telegram says is lost.
    hold: str = ""
    waiting: str = ""
    lost: str = ""
    #: The reason why deletions wait for the operator.
    held: str = ""
    parked: int = 0
    last_error: str = ""
    #: Seconds by which its oldest live post is late, without its `delay`; 0 where none is due.
    late: float = 0.0
    #: Number of waiting posts of the history.
    history: int = 0
    #: Its source currently cannot be read to the end.
    unread: bool = False
    #: It has a row in the ledger; False: it could not begin yet.
    begun: bool = True
    #: `24/min in, 17/min out`, or nothing.
    behind: str = ""
    #: Counters that grow while it makes progress: messages settled, history read, bytes transferred.
    marks: tuple[int, ...] = ()

    @property
    def stands(self) -> bool:
        return bool(self.hold or self.waiting or self.lost)

    @property
    def busy(self) -> bool:
        """Whether the mirror has work to do."""
        return bool(self.late > 0 or self.history or self.unread)


class Picture(Value, frozen=True, kw_only=True):
    """The state of the program at one moment (unix time)."""

    at: float
    mirrors: tuple[View, ...] = ()
    frozen: bool = False
    #: Statement that Telegram does not know the login; empty while it does.
    unknown: str = ""
    #: The remedy for an unknown login.
    log_in: str = UNKNOWN
    #: Unix time until which Telegram limits the account for bulk sending; 0 where it does not.
    limited_until: float = 0.0
    connected: bool = True
    #: Free bytes in the ledger's file system; None where that is not known.
    free: int | None = None
    directory: str = ""


class Fact(Value, frozen=True, kw_only=True):
    """Something that a person should know. `after`: seconds for which it must last before it is reported."""

    kind: Kind
    mirror: str = ""
    text: str
    hint: str = ""
    after: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.mirror}"


def facts(picture: Picture, limits: Limits) -> list[Fact]:
    """Return everything in the picture that a person should know, the account's facts first."""
    found: list[Fact] = []
    if picture.frozen:
        text = "Telegram has frozen the account: nothing is read or sent"
        hint = "appeal in the Telegram app of this account, then restart tgstreamd"
        found.append(Fact(kind="account frozen", text=text, hint=hint))
    elif picture.limited_until > picture.at:
        until = f"{datetime.fromtimestamp(picture.limited_until, UTC):%Y-%m-%d %H:%M} UTC"
        text = f"Telegram limits the account for bulk: nothing is sent until {until}"
        hint = "wait; ask @SpamBot in the app what it says about the account"
        found.append(Fact(kind="account limited", text=text, hint=hint))
    if picture.unknown:
        found.append(Fact(kind="login unknown", text=picture.unknown, hint=picture.log_in))
    if not picture.connected:
        text = f"Telegram has not been reachable for {OFFLINE / 60:.0f} minutes"
        found.append(
            Fact(kind="unreachable", text=text, hint="look at this machine's network", after=OFFLINE)
        )
    if picture.free is not None and picture.free < limits.free:
        text = f"the disk is almost full: {picture.free / 1e6:.0f} MB left for {picture.directory}"
        found.append(Fact(kind="disk", text=text, hint="make room before the ledger cannot grow"))
    for mirror in picture.mirrors:
        found += _mirror_facts(mirror, limits)
    return found


def _mirror_facts(mirror: View, limits: Limits) -> list[Fact]:
    found: list[Fact] = []
    name, argument = f'mirror "{mirror.name}"', shlex.quote(mirror.name)
    resume = f"tgstreamd resume {argument}"

    def add(kind: Kind, text: str, hint: str, after: float = 0.0) -> None:
        found.append(Fact(kind=kind, mirror=mirror.name, text=f"{name} {text}", hint=hint, after=after))

    if mirror.lost:
        # A reload judges the mirrors one after the other: those that have not begun get some time.
        add("access lost", f"stands: {mirror.lost}", "tgstreamd check", 0.0 if mirror.begun else BEGINNING)
    if mirror.waiting:
        add("paused", f"waits for you: {mirror.waiting}", resume)
    elif mirror.hold:
        # Whoever paused it knows; only a forgotten pause is reported.
        add("paused", f"stands: {mirror.hold}", resume, limits.lag)
    if mirror.held:
        add("deletions held", f"keeps what its source deleted: {mirror.held}", resume)
    if mirror.parked:
        why = f"; the last trouble: {mirror.last_error}" if mirror.last_error else ""
        add(
            "parked",
            f"has parked {mirror.parked} message{'s' * (mirror.parked > 1)}{why}",
            "tgstreamd parked",
        )
    if not mirror.stands:
        if mirror.late > limits.lag:
            add("lagging", f"is {duration(mirror.late)} behind its source", "tgstreamd status")
        elif mirror.unread:
            add("lagging", "cannot read its source to the end", "tgstreamd status", limits.lag)
        if mirror.behind:
            add("falling behind", f"is {mirror.behind}", "tgstreamd status")
    return found


def duration(seconds: float) -> str:
    """Return the duration in the unit that people would use."""
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86_400 else f"{seconds / 86_400:.0f} days"


class Motion(Value, frozen=True, kw_only=True):
    """The time (monotonic) at which a mirror last made progress."""

    marks: tuple[int, ...]
    at: float


def moved(before: Mapping[str, Motion], mirrors: Sequence[View], now: float) -> dict[str, Motion]:
    """Return the updated motions; a mirror that is new, or has nothing to do, counts as moving now."""
    after: dict[str, Motion] = {}
    for mirror in mirrors:
        old = before.get(mirror.name)
        after[mirror.name] = (
            old
            if mirror.busy and old is not None and old.marks == mirror.marks
            else Motion(marks=mirror.marks, at=now)
        )
    return after


def stalled(picture: Picture, motions: Mapping[str, Motion], now: float, stall: float) -> str:
    """Return why not every mirror is caught up or making progress; empty where all are."""
    if picture.frozen:
        return "the account is frozen"
    if picture.unknown:
        return "Telegram does not know the login"
    if not picture.connected:
        return "Telegram is not reachable"

    def still(name: str) -> bool:
        return name not in motions or now - motions[name].at > stall

    # All histories of an account share one interval: while one makes progress, the others wait their turn.
    anyone = any(not still(mirror.name) for mirror in picture.mirrors if mirror.history)
    for mirror in picture.mirrors:
        if mirror.stands:
            return f'mirror "{mirror.name}" stands'
        if not still(mirror.name):
            continue
        if mirror.late > 0 or mirror.unread or (mirror.history and not anyone):
            return f'mirror "{mirror.name}" has not moved for {duration(now - motions[mirror.name].at)}'
    return ""
