"""How many messages are parked on one word of a chat that denies what it is refused for.

The chat may be wrong: some limits of an account do not show in it. Asks nothing and parks nothing.
"""

from __future__ import annotations

from ..domain.messages import Mirror
from ..ledger import Job
from ..policy.decisions import Confirmation
from ..policy.retry import Decision, Park, WaitForChat

#: Messages in a row that are parked on one word, before the chat is asked once more.
LIMIT = 3
#: Seconds between two in a row that are parked unpaid: what costs one message costs them all. And the longest
#: of the growing waits between the tries meanwhile, beyond the chat's word.
UNPAID_EVERY, UNPAID_WAIT = 12 * 3600.0, 3000.0


class Blame:
    """Remembers, while the process lives, whose messages were parked on which word."""

    def __init__(self) -> None:
        #: By mirror: until when the word counts, and the jobs.
        self._jobs: dict[int, tuple[float, list[int]]] = {}
        #: By mirror: the last that was parked unpaid, and on a word that counted until when.
        self._unpaid: dict[int, tuple[float, int]] = {}

    def weigh(self, mirror: Mirror, job: Job, decision: Decision, said: Confirmation) -> Decision:
        """The decision; a wait for the chat's next word instead of one message too many."""
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
        """A message of it went through."""
        self._jobs.pop(mirror.id, None)
        self._unpaid.pop(mirror.id, None)
