"""Decides whether the daemon itself is healthy, and why not, for `/healthz`. Pure.

A mirror that waits or is paused does not make the daemon unhealthy, nor does an unreachable network:
`/metrics` reports those. Meant for monitoring, not for restarts, which are left to systemd's watchdog.
"""

from __future__ import annotations

from ..domain.holds import Scope, is_permanent
from .reading import Reading


def illness(reading: Reading) -> str:
    """Return the reason why the daemon is unhealthy; empty if it is healthy."""
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
