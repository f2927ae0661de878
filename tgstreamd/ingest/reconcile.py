"""Finds deletions and pins that no update reported, by asking for the ids after a difference was too long.

An id counts as deleted only if it is empty, lies above what this account may see at all, and a newer message
can be read: a hidden or cleared history deletes nothing. One call at a time, after everything that brings
posts; the whole window is judged at once, so that the limit on mass deletion sees all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from ..domain.clock import Clock
from ..domain.errors import Undecodable
from ..domain.ports import Source
from ..ledger import PendingCheck, Store
from ..mirrors.registry import MirrorRegistry
from .errors import RECONCILE

log = structlog.get_logger()

#: Ids in one call (https://core.telegram.org/method/channels.getMessages).
AT_ONCE = 100
#: The methods that ask for ids: a flood wait on one holds the account.
BY_ID = frozenset({"channels.getMessages", "messages.getMessages"})


@dataclass
class _Look:
    """One check in progress: the ids still to be asked for, and those found empty."""

    left: list[int]
    empty: list[int] = field(default_factory=list)


class Missed:
    """Asks for messages that may have been deleted or pinned."""

    def __init__(self, source: Source, store: Store, roster: MirrorRegistry, clock: Clock) -> None:
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        self._looks: dict[PendingCheck, _Look] = {}
        #: Empty ids with no newer readable message: asked for again from this time (monotonic).
        self._unproven: dict[PendingCheck, tuple[list[int], float]] = {}

    async def due(self) -> list[PendingCheck]:
        """Return the checks to make now."""
        now = self._clock.monotonic()
        return [
            doubt
            for doubt in await self._store.doubts()
            if doubt.mirror in self._roster.mirrors and self._unproven.get(doubt, ([], 0.0))[1] <= now
        ]

    async def ask(self, doubt: PendingCheck) -> bool:
        """Make one call for the check; return whether more calls are needed. Raises the errors of
        `Source`."""
        if doubt.what == "pinned":
            return await self._ask_for_pinned(doubt)
        mirror = self._roster.mirrors[doubt.mirror]
        mirrored = mirror.deletes == "mirror"
        look = self._looks.get(doubt)
        if look is None:
            again = self._unproven.pop(doubt, ([], 0.0))[0]
            ids = again or await self._store.doubtful(doubt, mirrored=mirrored)
            matters = mirrored or mirror.delay > 0
            look = self._looks[doubt] = _Look(left=ids if matters else [])
        if look.left:
            batch = look.left[:AT_ONCE]
            there = await self._find_existing(doubt.chat, batch)
            look.empty += [source_id for source_id in batch if source_id not in there]
            del look.left[:AT_ONCE]
        if look.left:
            return True
        gone: list[int] = []
        unproven: list[int] = []
        if look.empty:
            # Read after the answers, so that a history hidden from us in between deletes nothing.
            newest = await self._source.newest(doubt.chat)
            hidden = await self._source.hidden_to(doubt.chat)
            gone = [source_id for source_id in look.empty if hidden < source_id < newest]
            unproven = [source_id for source_id in look.empty if source_id > max(hidden, newest)]
        del self._looks[doubt]
        if unproven:
            self._unproven[doubt] = (unproven, self._clock.monotonic() + RECONCILE)
        await self._store.answer_doubt(
            doubt, gone, deletes=[(doubt.mirror, mirrored)], settled=not unproven, now=self._clock.now()
        )
        if gone:
            log.warning("deletions were found that no update told of", mirror=mirror.name, n=len(gone))
        return False

    async def _ask_for_pinned(self, doubt: PendingCheck) -> bool:
        mirror = self._roster.mirrors[doubt.mirror]
        # Pins of the basic group from before the migration are not mirrored.
        wanted = mirror.pins and doubt.chat == mirror.source
        pinned = await self._source.pinned(doubt.chat) if wanted else ()
        if wanted:
            await self._store.answer_pinned(doubt, pinned, self._clock.now())
        else:
            await self._store.forget_doubt(doubt)
        return False

    async def _find_existing(self, chat: int, ids: list[int]) -> set[int]:
        """Return which of these messages exist. One that cannot be decoded at this layer counts as
        existing."""
        try:
            return set(await self._source.messages(chat, ids))
        except Undecodable:
            if len(ids) == 1:
                return set(ids)
            half = len(ids) // 2
            return await self._find_existing(chat, ids[:half]) | await self._find_existing(chat, ids[half:])
