"""Decides when an operator is notified: of each fact once, once more a day, and once when it is resolved.

Pure. `tell` compares a picture with the state of earlier notifications and returns the alerts to deliver and
the state after that. Promises that no sequence of pictures makes a loop: a fact that comes and goes is
reported ever more rarely, and a failed delivery is retried ever more rarely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from ..domain.messages import Value
from .alert_conditions import Fact, Kind, Limits, Picture, duration, facts
from .retry import backoff

#: Seconds for which a fact must be gone before it counts as resolved.
CALM = 300.0
#: Seconds of silence about a fact that was resolved, doubled each time it comes back within a day.
QUIET = 1800.0
REMINDER = 86_400.0
#: Seconds after which an undelivered alert is retried, doubled up to an hour.
AGAIN, AGAIN_MAX = 60.0, 3600.0
#: Facts that merely follow from an account that Telegram limits, or from a broken line: not reported as well.
CONSEQUENCES = frozenset({"lagging", "falling behind", "unreachable", "access lost"})
CAUSES = frozenset({"account frozen", "account limited", "login unknown"})


class Known(Value, frozen=True, kw_only=True):
    """The state of one fact: seen since when, reported when. Times are unix times, 0 for never."""

    kind: Kind
    mirror: str
    text: str
    since: float
    #: When it was last reported; 0 while the operator does not know it, or once it is resolved.
    told_at: float = 0.0
    #: When it disappeared.
    gone_at: float = 0.0
    #: Nothing is reported before.
    quiet_until: float = 0.0
    #: Number of recent returns, and of failed deliveries.
    returns: int = 0
    tries: int = 0


class Alert(Value, frozen=True, kw_only=True):
    """One notification."""

    event: Literal["alert", "reminder", "recovered", "test"]
    kind: Kind
    mirror: str
    text: str
    hint: str
    since: float
    at: float

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.mirror}"


def tell(
    known: Mapping[str, Known], picture: Picture, limits: Limits
) -> tuple[list[Alert], dict[str, Known]]:
    """Return the alerts to deliver now, and the state once they are. `failed` reverts one of them."""
    now = picture.at
    standing = {fact.key: fact for fact in facts(picture, limits)}
    present = {mirror.name for mirror in picture.mirrors}
    cause = any(fact.kind in CAUSES for fact in standing.values())
    alerts: list[Alert] = []
    after: dict[str, Known] = {}
    for key, fact in standing.items():
        before = _clamp_times(known.get(key), now) or Known(
            kind=fact.kind, mirror=fact.mirror, text=fact.text, since=now
        )
        if not before.told_at and before.gone_at:
            before = msgspec.structs.replace(before, since=now)
        alert, after[key] = _update_present(before, fact, now, hushed=cause and fact.kind in CONSEQUENCES)
        if alert is not None:
            alerts.append(alert)
    for key, old in known.items():
        # A mirror that is no longer configured needs no more alerts.
        if key in standing or (old.mirror and old.mirror not in present):
            continue
        alert, kept = _update_gone(_clamp_times(old, now) or old, now)
        if alert is not None:
            alerts.append(alert)
        if kept is not None:
            after[key] = kept
    return alerts, after


def _update_present(before: Known, fact: Fact, now: float, *, hushed: bool) -> tuple[Alert | None, Known]:
    known = msgspec.structs.replace(before, gone_at=0.0)
    if now < known.quiet_until:
        return None, known
    if known.told_at:
        if now - known.told_at < REMINDER:
            return None, known
        event: Literal["alert", "reminder"] = "reminder"
    else:
        if hushed or now - known.since < fact.after:
            return None, known
        event = "alert"
    told = msgspec.structs.replace(known, text=fact.text, told_at=now, quiet_until=0.0, tries=0)
    return _alert(event, told, fact.text, fact.hint, now), told


def _update_gone(known: Known, now: float) -> tuple[Alert | None, Known | None]:
    gone = known if known.gone_at else msgspec.structs.replace(known, gone_at=now)
    if not gone.told_at:
        # Never reported, or resolved: kept for a day only, so that what keeps coming back is reported rarely.
        remembered = gone.returns and now - gone.gone_at < REMINDER
        return None, gone if remembered else None
    if now - gone.gone_at < CALM or now < gone.quiet_until:
        return None, gone
    quiet = min(REMINDER, QUIET * 2.0**gone.returns)
    closed = msgspec.structs.replace(
        gone, told_at=0.0, quiet_until=now + quiet, returns=min(gone.returns + 1, 30), tries=0
    )
    return _alert("recovered", gone, gone.text, "", now), closed


def failed(before: Known | None, after: Known, alert: Alert) -> Known:
    """Return the state of a fact whose alert was not delivered: not reported, and retried later."""
    tries = before.tries if before else 0
    wait = backoff(tries + 1, AGAIN, AGAIN_MAX)
    return msgspec.structs.replace(
        after,
        told_at=before.told_at if before else 0.0,
        returns=before.returns if before else 0,
        tries=tries + 1,
        quiet_until=alert.at + wait,
    )


def _clamp_times(known: Known | None, now: float) -> Known | None:
    """Return the state with no time in the future, and the silence at most as long as it can be.

    Such times occur where the wall clock was set back.
    """
    if known is None or max(known.since, known.told_at, known.gone_at, known.quiet_until - REMINDER) <= now:
        return known
    return msgspec.structs.replace(
        known,
        since=min(known.since, now),
        told_at=min(known.told_at, now),
        gone_at=min(known.gone_at, now),
        quiet_until=min(known.quiet_until, now + REMINDER),
    )


def _alert(
    event: Literal["alert", "reminder", "recovered"], known: Known, text: str, hint: str, now: float
) -> Alert:
    return Alert(
        event=event, kind=known.kind, mirror=known.mirror, text=text, hint=hint, since=known.since, at=now
    )


def line(alert: Alert) -> str:
    """Return an alert in one line for people."""
    if alert.event == "recovered":
        return f"well again after {duration(alert.at - alert.since)}: {alert.text}"
    still = f"still, for {duration(alert.at - alert.since)}: " if alert.event == "reminder" else ""
    return f"{still}{alert.text}" + (f" ({alert.hint})" if alert.hint else "")
