"""Stores the calls of a job with their `random_id`s and changes stored calls when a message's media changes.

Knows which jobs keep their stored calls and which are planned again at their turn. Sends and fetches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.messages import Draft
from ..domain.ports import Ids
from ..ledger import Job, Send, Store
from ..mirrors.registry import MirrorRegistry
from ..policy.fallback import in_order, without_media_of
from ..policy.matching import fingerprint
from ..policy.retry import Cure


class Calls:
    """Stores and changes the calls of jobs."""

    def __init__(self, store: Store, roster: MirrorRegistry, ids: Ids) -> None:
        self._store = store
        self._roster = roster
        self._ids = ids
        #: Jobs whose calls were changed after a refusal: these are not planned again.
        self.cured: set[int] = set()

    def are_planned_anew(self, job: Job, sends: Sequence[Send]) -> bool:
        """Return whether the job's calls are planned from its stored messages; otherwise the stored calls are
        used."""
        return all(send.state == "new" for send in sends) and (not sends or job.id not in self.cured)

    async def write_down(self, job: Job, drafts: Sequence[Draft], born: dict[int, int]) -> None:
        """Store the calls. Each piece gets the `random_id` stored with its message; later pieces of it get a
        new one."""
        used: set[int] = set()

        def random_id(source_id: int) -> int:
            own = born.get(source_id)
            if own is None or own in used:
                own = self._ids.random_id()
            used.add(own)
            return own

        await self._store.plan_sends(
            job.id,
            drafts,
            [[random_id(piece.source_id) for piece in draft.pieces] for draft in drafts],
            [[fingerprint(piece) for piece in draft.pieces] for draft in drafts],
        )

    async def change_media(
        self, job: Job, source_id: int, what: Cure, reason: str, born: dict[int, int]
    ) -> None:
        """Apply the change of a message's media to stored calls, which are not planned from the message
        again."""
        sends = await self._store.sends(job.id)
        if self.are_planned_anew(job, sends):
            return
        made = [each.draft for each in sends if each.state != "new"]
        left = [each.draft for each in sends if each.state == "new"]
        changed = [
            draft
            for each in left
            for draft in without_media_of(each, source_id, what, account=self._roster.writer, reason=reason)
        ]
        if changed != left:
            await self.write_down(job, [*made, *in_order(changed)], born)
