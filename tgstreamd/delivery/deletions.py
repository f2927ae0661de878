"""Deletes copies, up to a hundred per call, and determines which of them Telegram did not delete.

A refusal does not name the message it concerns, and Telegram may confirm a deletion without deleting, so the
result is the set of messages still present. A replacement waits for that (`ledger/replacing`). Handles no
other errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from ..domain.clock import Clock
from ..domain.errors import Rejected, TargetLost
from ..domain.messages import Mirror
from ..domain.ports import Target
from ..ledger import KEPT_COPY, NO_NEW_COPY, Change, Store
from ..policy.retry import backoff

log = structlog.get_logger()

#: https://core.telegram.org/method/channels.deleteMessages
AT_ONCE = 100
#: Attempts at a deletion that Telegram confirms while the message remains.
LOOKS = 3
STANDS = "Telegram says that it is deleted, and it stands"

Charge = Callable[[Mirror, int], Awaitable[None]]


class Deletions:
    """Carries out deletions."""

    def __init__(
        self, target: Target, store: Store, clock: Clock, *, charge: Charge, freed: Callable[[], None]
    ) -> None:
        """`charge` accounts for each call; `freed` is called when a replacement that waited can be sent."""
        self._target = target
        self._store = store
        self._clock = clock
        self._charge = charge
        self._freed = freed
        #: Largest number of deletions in one call: lowered after a refusal.
        self._at_once = AT_ONCE
        #: Deletions refused individually, with the reason: the messages still present are to be looked up.
        self._refused: dict[tuple[int, int, int], str] = {}
        #: Deletions from calls that deleted nothing: each is repeated alone to find those that Telegram
        #: keeps.
        self._alone: set[tuple[int, int, int]] = set()

    def batch(self, ready: Sequence[Change]) -> list[Change]:
        """Choose the deletions for the next call: several, or one that must be made alone."""
        single = self._refused.keys() | self._alone
        # Whether a copy's replacement can be sent is checked one by one.
        if ready[0].replaces or _key(ready[0]) in single:
            return [ready[0]]
        return [change for change in ready if not (change.replaces or _key(change) in single)][
            : self._at_once
        ]

    def halve(self, batch: Sequence[Change]) -> None:
        """Halve the batch size: perhaps only one of the batch is refused."""
        self._at_once = max(1, len(batch) // 2)

    def refuse(self, change: Change, why: str) -> bool:
        """Record that the deletion is not repeated and its messages are to be looked up. Return false if
        already recorded."""
        first = _key(change) not in self._refused
        self._refused.setdefault(_key(change), why)
        return first

    async def carry_out(self, mirror: Mirror, batch: Sequence[Change]) -> None:
        """Delete the copies of these changes. Raises the target's errors, in which case nothing is
        settled."""
        if (why := self._refused.get(_key(batch[0]))) is not None:
            await self._finish_refused(mirror, batch[0], why)
            return
        done: dict[int, tuple[Change, list[int]]] = {}
        ids: list[int] = []
        chat = 0
        for change in batch:
            place, copies = await self._store.copies_of_change(change)
            if ids and copies and (place != chat or len(ids) + len(copies) > AT_ONCE):
                break
            chat = place or chat
            ids += copies
            done[change.id] = change, copies
        standing: set[int] = set()
        if ids:
            n = await self._target.delete(chat, ids)
            await self._charge(mirror, 1)
            if n < len(ids):
                standing = await self._find_remaining(chat, ids)
            if len(ids) > len(standing):
                deleted = len(ids) - len(standing)
                log.info("copies deleted", mirror=mirror.name, n=deleted, source_id=abs(batch[0].source_id))
        self._at_once = min(AT_ONCE, 2 * self._at_once)
        await self._settle([change for change, copies in done.values() if not standing & set(copies)])
        several = len(done) > 1 and standing == set(ids)
        for change, copies in done.values():
            left = standing & set(copies)
            if left and change.attempts < LOOKS:
                await self._store.postpone_change(change.id, self._clock.now() + backoff(change.attempts + 4))
            elif left and several:
                self._alone.add(_key(change))
            else:
                self._alone.discard(_key(change))
                if left:
                    await self._keep(mirror, change, sorted(left), STANDS)

    async def _finish_refused(self, mirror: Mirror, change: Change, why: str) -> None:
        """Finish a refused deletion: try each message alone and record those that remain."""
        chat, ids = await self._store.copies_of_change(change)
        left = list(ids)
        for one in ids if len(ids) > 1 else ():
            try:
                if await self._target.delete(chat, [one]):
                    left.remove(one)
            except (Rejected, TargetLost):
                continue
            finally:
                await self._charge(mirror, 1)
        standing = sorted(await self._find_remaining(chat, left)) if left else []
        if standing:
            await self._keep(mirror, change, standing, why)
        else:
            await self._settle([change])
        self._refused.pop(_key(change), None)

    async def _find_remaining(self, chat: int, ids: Sequence[int]) -> set[int]:
        return set(await self._target.messages(chat, ids))

    async def _settle(self, gone: Sequence[Change]) -> None:
        if await self._store.deleted(gone, self._clock.now()):
            self._freed()

    async def keep(self, mirror: Mirror, change: Change, why: str) -> None:
        """Keep the copies because their replacement cannot be sent.

        If none of them is left there is nothing to keep, and the replacement takes its turn in the queue.
        """
        chat, ids = await self._store.copies_of_change(change)
        if standing := sorted(await self._find_remaining(chat, ids)) if ids else []:
            await self._keep(mirror, change, standing, why, because=NO_NEW_COPY)
        else:
            await self._settle([change])
        self._refused.pop(_key(change), None)

    async def _keep(
        self, mirror: Mirror, change: Change, standing: Sequence[int], why: str, because: str = KEPT_COPY
    ) -> None:
        """Record that the copy stays; log it once and set the mirror's last error."""
        names = {"mirror": mirror.name, "source_id": abs(change.source_id), "why": why}
        now = self._clock.now()
        kept = await self._store.deletion_refused(change, standing, why, now, because=because)
        if change.replaces:
            if because == KEPT_COPY:
                log.warning("message not sent again, its copy cannot be deleted", **names, n=len(kept))
            else:
                log.warning("message not sent again, its new copy cannot be made", **names, n=len(kept))
            about = f"message {abs(change.source_id)} not sent again, {because}: {why}"
            self._freed()
        else:
            log.warning("change given up", **names, kind=change.kind)
            about = f"delete of {abs(change.source_id)} given up: {why}"
        await self._store.set_last_error(mirror.id, about)


def _key(change: Change) -> tuple[int, int, int]:
    """Identify the deletion by its message, since the ledger may reuse row ids."""
    return change.mirror, change.chat, change.source_id
