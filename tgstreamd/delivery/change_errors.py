"""Handles errors of changes: retries, postpones or sends anew, or gives up with a single warning.

A refused change never pauses a mirror by itself: the chat is asked first, and only if it confirms that it is
lost does the change wait for it. A flood wait holds its own method only. Carries out no change.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import (
    AccountFrozen,
    AccountLimited,
    FilterTimeout,
    FloodWait,
    MediaExpired,
    PartsMissing,
    SourceLost,
    TargetLost,
    TelegramError,
    Transient,
)
from ..domain.messages import Mirror
from ..ledger import Change, Store
from ..limits.pacer import Pacer
from ..policy.decisions import Confirm
from ..policy.retry import Hold, HoldAccount, backoff, decide
from .prepare import Outgoing

log = structlog.get_logger()

#: Retries of one change after transient errors.
TRIES = 50


class ChangeErrors:
    """Handles the errors of changes."""

    def __init__(
        self,
        store: Store,
        outgoing: Outgoing,
        pacer: Pacer,
        clock: Clock,
        *,
        confirm: Confirm,
        refuse: Callable[[Change, str], bool],
    ) -> None:
        """`refuse` records that a deletion is given up and returns whether that is new; the messages still
        present are then looked up."""
        self._store = store
        self._outgoing = outgoing
        self._pacer = pacer
        self._clock = clock
        self._confirm = confirm
        self._refuse = refuse

    async def settle(self, mirror: Mirror, change: Change, error: BaseException, *, methods: str) -> None:
        """Handle the error of a change. `methods` is the method under which holds are kept for this kind of
        change."""
        names = {"mirror": mirror.name, "kind": change.kind, "source_id": change.source_id}
        now = self._clock.now()
        match error:
            case FloodWait() | AccountFrozen() | AccountLimited():
                await self._hold(mirror, change, error, methods)
            case Transient() | MediaExpired() | PartsMissing() | SourceLost() if change.attempts < TRIES:
                if isinstance(error, MediaExpired | PartsMissing) and change.kind == "edit":
                    await self._outgoing.refetch_change(change, now)
                log.warning("change failed, trying on", **names, why=error.line())
                await self._store.postpone_change(change.id, now + backoff(change.attempts + 1))
            case TargetLost() if await self._is_in_target(mirror, change):
                await self._ask_chat(mirror, change, error)
            case TelegramError() | FilterTimeout():
                await self.give_up(mirror, change, error.line())
            case _:
                log.error("change broke us, given up", **names, exc_info=error)
                why = f"{type(error).__name__}: {error}"
                if change.kind == "delete":
                    await self._schedule_lookup(change, why)
                else:
                    await self._store.change_done(change, given_up=why, now=now)

    async def give_up(self, mirror: Mirror, change: Change, why: str) -> None:
        """Drop the change; log it once and record it as the mirror's last error."""
        if change.kind == "delete":
            await self._schedule_lookup(change, why)
            return
        log.warning(
            "change given up", mirror=mirror.name, kind=change.kind, source_id=change.source_id, why=why
        )
        await self._store.change_done(change, given_up=why, now=self._clock.now())
        about = f" of {abs(change.source_id)}" if change.source_id else ""
        await self._store.set_last_error(mirror.id, f"{change.kind}{about} given up: {why}")

    async def _schedule_lookup(self, change: Change, why: str) -> None:
        """Schedule the lookup that shows whether a refused deletion took effect, later if it cannot be made
        now."""
        if not self._refuse(change, why) or change.attempts >= TRIES:
            await self._store.postpone_change(change.id, self._clock.now() + backoff(change.attempts))

    async def _hold(
        self, mirror: Mirror, change: Change, error: FloodWait | AccountFrozen | AccountLimited, method: str
    ) -> None:
        now = self._clock.now()
        decision = decide(error, attempts=1, now=now, troubled_for=0.0, attempted=False)
        if isinstance(decision, Hold):
            # A flood wait on edits says nothing about the pace of sends, so the pace is not widened.
            await self._pacer.hold(msgspec.structs.replace(decision, widen=False), mirror)
            if decision.scope == "method" and decision.method != method:
                # The hold is on a call that is not checked before this kind of change.
                await self._store.postpone_change(change.id, decision.until, tries=0)
        elif isinstance(decision, HoldAccount):
            await self._pacer.holds.hold_account(decision)

    async def _is_in_target(self, mirror: Mirror, change: Change) -> bool:
        """Return whether the copy is in the present target rather than in the basic group that it was
        migrated from, whose answers say nothing about the target."""
        place, _ = await self._store.copies_of_change(change)
        return place in (0, mirror.target)

    async def _ask_chat(self, mirror: Mirror, change: Change, error: TargetLost) -> None:
        if await self.may_send(mirror, change):
            await self.give_up(mirror, change, error.line())

    async def may_send(self, mirror: Mirror, change: Change) -> bool:
        """Return whether the target confirms that the account may post there. If not, the change waits."""
        said = await self._confirm(mirror, "target")
        if said.unanswered:
            log.warning("change waits for an answer about its chat", mirror=mirror.name, why=said.unanswered)
            await self._store.postpone_change(change.id, said.until, tries=0)
        elif said.lost and await self._store.pause(mirror.id, "lost", said.lost):
            log.error("mirror paused, asked again every 10 minutes", mirror=mirror.name, why=said.lost)
        return not (said.unanswered or said.lost)
