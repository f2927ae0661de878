"""Limits how many messages are parked because a chat's answer contradicts the refusal of a send.

The chat may be wrong: some limits of an account do not show in its rights. Asks nothing and parks nothing.
"""

from __future__ import annotations

from ..domain.messages import Mirror
from ..ledger import Job
from ..policy.decisions import Confirmation
from ..policy.retry import Decision, Park, WaitForChat

#: Consecutive messages parked on the strength of one answer before the chat is asked again.
LIMIT = 3
#: Seconds between two consecutive messages parked as unpaid, since a chat that charges for one message
#: charges for all. UNPAID_WAIT caps the growing waits between attempts in the meantime, added to the answer's
#: own expiry.
UNPAID_EVERY, UNPAID_WAIT = 12 * 3600.0, 3000.0


class Blame:
    """Remembers, for the life of the process, which messages were parked on which answer of a chat."""

    def __init__(self) -> None:
        #: By mirror: when the answer expires, and the jobs parked on it.
        self._jobs: dict[int, tuple[float, list[int]]] = {}
        #: By mirror: expiry of the answer on which a job was last parked as unpaid, and that job.
        self._unpaid: dict[int, tuple[float, int]] = {}

    def weigh(self, mirror: Mirror, job: Job, decision: Decision, said: Confirmation) -> Decision:
        """Return the decision, or a wait for the chat's next answer once the limit is reached."""
        if not isinstance(decision, Park) or not decision.blamed:
            return decision
        if decision.unpaid:
            return self._weigh_unpaid(mirror, job, decision, said)
        until, jobs = self._jobs.get(mirror.id, (0.0, []))
        if until != said.until:
            jobs = []
        if job.id not in jobs and len(jobs) >= LIMIT:
            return WaitForChat(until=said.until, reason=f"{decision.reason}, {LIMIT} messages in a row")
        self._jobs[mirror.id] = (said.until, [*jobs, job.id])
        return decision

    def _weigh_unpaid(self, mirror: Mirror, job: Job, decision: Park, said: Confirmation) -> Decision:
        until, last = self._unpaid.get(mirror.id, (0.0, job.id))
        waited = said.until - until
        if last != job.id and waited < UNPAID_EVERY:
            return WaitForChat(until=said.until + min(waited, UNPAID_WAIT), reason=decision.reason)
        self._unpaid[mirror.id] = (said.until, job.id)
        return decision

    def forget(self, mirror: Mirror) -> None:
        """Reset the mirror's counts: one of its messages was accepted."""
        self._jobs.pop(mirror.id, None)
        self._unpaid.pop(mirror.id, None)
