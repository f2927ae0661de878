"""Carries out edits, deletions and pins of copies, independently of sends and without delaying them.

Has its own pace per target, with the same interval as sends; a hold on one method stops only that method.
When Telegram no longer allows an edit, the copy is sent anew. Sends no new message itself.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import structlog

from ..domain.clock import Clock
from ..domain.errors import CdnUnusable, Rejected, TargetLost, ends_process
from ..domain.messages import Draft, Mirror, Piece
from ..domain.ports import Beat, Ids, Target
from ..domain.refusals import row
from ..ledger import Change, Job, Store
from ..limits.pacer import Pacer
from ..mirrors.registry import MirrorRegistry
from ..policy.decisions import Confirm
from ..policy.matching import fingerprint
from ..transfer.prefetch import Prefetcher
from .change_errors import ChangeErrors
from .deletions import Deletions
from .prepare import Outgoing
from .replacement import Later, Never, Replacement
from .scheduling import Turns

log = structlog.get_logger()

IDLE = 60.0
OFFLINE = 2.0
#: The method under which holds are kept, by kind of change.
METHODS = {
    "edit": "messages.editMessage",
    "delete": "channels.deleteMessages",
    "pin": "messages.updatePinnedMessage",
    "topic": "messages.editForumTopic",
    "order": "messages.reorderPinnedForumTopics",
    "chat": "channels.editTitle",
}

Apply = Callable[[Mirror, Change], Awaitable[bool]]


class ChangeSender:
    """Carries out changes, one call per target at a time."""

    def __init__(
        self,
        target: Target,
        store: Store,
        roster: MirrorRegistry,
        staging: Prefetcher,
        outgoing: Outgoing,
        pacer: Pacer,
        clock: Clock,
        ids: Ids,
        *,
        confirm: Confirm,
        others: dict[str, Apply] | None = None,
        on_anew: Callable[[], None] = lambda: None,
    ) -> None:
        """`confirm` asks a chat reported as lost. `others` carry out further kinds of change (topics, the
        chat itself) and return true when done. `on_anew` is called when a copy is gone and can be sent
        anew."""
        self._target = target
        self._store = store
        self._roster = roster
        self._staging = staging
        self._outgoing = outgoing
        self._pacer = pacer
        self._clock = clock
        self._ids = ids
        self._others = others or {}
        self._deletions = Deletions(target, store, clock, charge=self._charge, freed=on_anew)
        turns = Turns(store, roster, staging, outgoing, pacer, clock)
        self._replacement = Replacement(target, store, roster, staging, outgoing, turns, pacer, clock)
        self._errors = ChangeErrors(
            store, outgoing, pacer, clock, confirm=confirm, refuse=self._deletions.refuse
        )
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Check for due changes at once: a change was recorded, or media was transferred."""
        self._wake.set()

    async def run(self, beat: Beat) -> None:
        """Run the service until cancelled."""
        while True:
            beat(IDLE)
            self._wake.clear()
            due = await self.step()
            wait = min(max(0.0, due - self._clock.now()), IDLE / 2)
            if wait:
                await self._clock.wait(self._wake, self._clock.monotonic() + wait)

    async def step(self) -> float:
        """Carry out due changes, one call per target; return the unix time at which more may be due."""
        now = self._clock.now()
        if self._roster.frozen:
            return math.inf
        if not self._target.connected:
            return now + OFFLINE
        ready, soonest = await self._store.due_changes(now)
        due = math.inf if soonest is None else soonest
        for target in dict.fromkeys(change.target for change in ready):
            await self._pacer.load()
            mine = [change for change in ready if change.target == target]
            # Without a limit this returns the current time, so it must be called before the clock is read: a
            # later "now" would never be reached.
            times = [self._pacer.second_not_before(target, METHODS[change.kind]) for change in mine]
            now = self._clock.now()
            free = [change for change, at in zip(mine, times, strict=True) if at <= now]
            if not free:
                due = min(due, *times)
                continue
            batch = [free[0]]
            if free[0].kind == "delete":
                batch = self._deletions.batch([change for change in free if change.kind == "delete"])
            await self._serve(batch)
            due = min(due, self._clock.now() if len(mine) > len(batch) else due)
        if ready:
            # Changes that this step postponed may be due already.
            _, soonest = await self._store.due_changes(self._clock.now())
            due = min(due, math.inf if soonest is None else soonest)
        return due

    async def _serve(self, batch: list[Change]) -> None:
        change = batch[0]
        mirror = self._roster.mirrors.get(change.mirror)
        if mirror is None:
            return
        # An error of one change must not stop the others, so it is returned as a value.
        [outcome] = await asyncio.gather(self._carry_out(mirror, batch), return_exceptions=True)
        if isinstance(outcome, BaseException):
            if ends_process(outcome):
                raise outcome
            await self._handle_error(mirror, batch, outcome)

    async def _handle_error(self, mirror: Mirror, batch: list[Change], error: BaseException) -> None:
        change = batch[0]
        if isinstance(error, Rejected | TargetLost) and len(batch) > 1:
            self._deletions.halve(batch)
            return
        if isinstance(error, Rejected) and row(error.error, error.method).then == "send anew":
            await self._send_anew(mirror, change, error.line())
            return
        await self._errors.settle(mirror, change, error, methods=METHODS[change.kind])

    async def _carry_out(self, mirror: Mirror, batch: list[Change]) -> None:
        change = batch[0]
        if change.kind == "delete":
            await self._delete(mirror, batch)
        elif change.kind == "pin":
            await self._pin(mirror, change)
        elif change.kind == "edit":
            await self._edit(mirror, change)
        elif await self._others[change.kind](mirror, change):
            await self._charge(mirror, 1)
            await self._store.change_done(change)

    # -- kinds ----------------------------------------------------------------------------------------

    async def _delete(self, mirror: Mirror, batch: list[Change]) -> None:
        """Delete copies. One that is to be replaced is deleted only once its replacement can be sent."""
        change = batch[0]
        if change.replaces:
            if not await self._errors.may_send(mirror, change):
                return
            match await self._replacement.obstacle(mirror, change):
                case Later(at=at):
                    await self._store.postpone_change(change.id, at, tries=0)
                    return
                case Never(why=why):
                    await self._deletions.keep(mirror, change, why)
                    return
        await self._deletions.carry_out(mirror, batch)

    async def _pin(self, mirror: Mirror, change: Change) -> None:
        copies = await self._store.copies_of(change.mirror, change.chat, change.source_id)
        target = self._roster.targets.get(mirror.target)
        # If the account may not pin here, skip the call: `check` and the start have reported it.
        may = target is None or target.may_pin
        if copies and mirror.pins and may:
            await self._target.pin(mirror.target, copies[0], pinned=change.flag())
            await self._charge(mirror, 1)
            said = "copy pinned" if change.flag() else "copy unpinned"
            log.info(said, mirror=mirror.name, source_id=change.source_id, target_id=copies[0])
        await self._store.change_done(change)

    async def _edit(self, mirror: Mirror, change: Change) -> None:
        origin = await self._store.origin(change.mirror, change.chat, change.source_id)
        job = await self._store.job(origin.job) if origin else None
        chat, copies = await self._store.where_copied(change.mirror, change.chat, change.source_id)
        message = change.message()
        # A poll already closed when it was copied is part of the copy, not a later edit.
        wanted = mirror.edits or (message.media is not None and message.media.closed)
        if job is None or not copies or not wanted:
            await self._store.change_done(change)
            return
        planned = await self._outgoing.plan_again(mirror, job, [message])
        if planned.filtered:
            # The copy stays unchanged: content that a filter excludes is not copied into it.
            why = planned.skip
            log.info("edit not copied", mirror=mirror.name, source_id=change.source_id, why=why)
            await self._store.change_done(change)
            return
        pieces = [(draft, piece) for draft in planned.drafts for piece in draft.pieces]
        shown = await self._store.shown_media(change.mirror, change.chat, change.source_id)
        media = message.media_id
        if len(pieces) != len(copies) or bool(shown) != bool(media):
            await self._send_anew(mirror, change, "it has another shape now")
            return
        committed: bytes | None = None
        if media != shown and self._staging.streams(job.id, message.media, mirror=mirror.id):
            known, committed = (await self._store.committed(job.id)).get(message.id, (0, b""))
            if known != media:
                await self._request_transfer(mirror, change, job)
                return
        await self._edit_copies(mirror, change, chat, copies, pieces, media != shown, committed)

    async def _edit_copies(
        self,
        mirror: Mirror,
        change: Change,
        chat: int,
        copies: list[int],
        pieces: list[tuple[Draft, Piece]],
        replace: bool,
        committed: bytes | None,
    ) -> None:
        await self._store.edit_attempted(change, replace=replace)
        for copy, (draft, piece) in zip(copies, pieces, strict=True):
            await self._target.edit(
                chat,
                copy,
                piece,
                preview=draft.preview,
                invert=draft.invert,
                replace=replace and piece.media is not None,
                committed=committed,
            )
        await self._charge(mirror, len(copies))
        await self._store.edit_done(change, [fingerprint(piece) for _, piece in pieces], self._clock.now())
        log.info("copy edited", mirror=mirror.name, source_id=change.source_id, target_id=copies[0])

    async def _request_transfer(self, mirror: Mirror, change: Change, job: Job) -> None:
        """Request the transfer of the new media; the prefetcher wakes this service when it is done."""
        failure = self._staging.failure(job.id)
        if failure is None:
            self._staging.want(job, change.message())
            await self._store.postpone_change(change.id, self._clock.now() + 5.0)
            return
        media = change.message().media
        referable = media is not None and self._staging.could_refer(media, mirror.id)
        if isinstance(failure.error, CdnUnusable) and referable:
            # As for posts: Telegram has the file but serves its bytes only from that CDN.
            self._staging.referred.add(job.id)
        else:
            await self._errors.give_up(mirror, change, str(failure.error))

    async def _send_anew(self, mirror: Mirror, change: Change, why: str) -> None:
        await self._store.send_anew(change, self._ids.random_id, self._clock.now())
        log.info("copy is sent anew", mirror=mirror.name, source_id=change.source_id, why=why)
        self._wake.set()

    async def _charge(self, mirror: Mirror, cost: int) -> None:
        await self._pacer.charge_change(mirror.target, cost)
