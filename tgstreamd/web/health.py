"""Whether all is well with the daemon itself: what `/healthz` says, and why not. Pure.

A mirror that waits or is paused is no illness of the daemon, nor is a network that is away: `/metrics` tells
those. Meant for eyes and alarms, not for restarts: those are systemd's, by its watchdog.
"""

from __future__ import annotations

from ..domain.holds import Scope, is_permanent
from .reading import Reading


def illness(reading: Reading) -> str:
    """The reason why not; empty where all is well."""
    if reading.trouble:
        return reading.trouble
    if reading.unauthorised:
        return reading.unauthorised
    if reading.overdue:
        return f"services are overdue: {', '.join(reading.overdue)}"
    if (state := reading.status.get("state")) != "running":
        return f"{state}: {reading.status.get('note') or 'not ready yet'}"
    for hold in reading.several("holds"):
        if Scope.parse(hold["scope"]).is_account and is_permanent(hold["until"]):
            return f"the account is frozen, a person must appeal in the app: {hold['reason']}"
    return ""
