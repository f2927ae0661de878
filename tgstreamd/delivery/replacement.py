"""Decides whether a copy may be deleted for a replacement: everything the replacement needs must be ready.

Otherwise a file that can no longer be read would cost the message: the old copy deleted and nothing in its
place. Requests transfers, and asks Telegram whether the media can be sent now. Deletes and sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from ..domain.clock import Clock
from ..domain.errors import (
    AccountFrozen,
    AccountLimited,
    CdnUnusable,
    FilterTimeout,
    FloodWait,
    MediaExpired,
    PartsMissing,
    SourceGone,
    TelegramError,
    Transient,
    Undecodable,
)
from ..domain.holds import Scope
from ..domain.messages import FILE_KINDS, Message, Mirror, Value
from ..domain.ports import Target
from ..ledger import Change, Job, Store
from ..limits.pacer import Pacer
from ..mirrors.registry import MirrorRegistry
from ..policy.retry import backoff
from ..transfer.prefetch import Failure, Prefetcher
from .naming import words
from .prepare import Outgoing
from .scheduling import Turns

log = structlog.get_logger()

#: Attempts allowed through transient errors (half an hour of unanswered queries); a transfer that was retried
#: for a quarter of an hour, or a file reference just fetched, counts as SEVERAL.
TRIES, SEVERAL = 30, 10
#: Seconds between checks: for the transfer of media, for the job's turn, and for the operator's decision on a
#: parked job.
LOOK, TURN, PARKED = 5.0, 15.0, 60.0
CHECK = "messages.uploadMedia"


class Later(Value, frozen=True, kw_only=True):
    """The replacement is not ready: check again at this unix time."""

    at: float


class Never(Value, frozen=True, kw_only=True):
    """The replacement cannot be sent, and why."""

    why: str


class Replacement:
    """Checks the replacements of copies that are to be deleted."""

    def __init__(
        self,
        target: Target,
        store: Store,
        roster: MirrorRegistry,
        staging: Prefetcher,
        outgoing: Outgoing,
        turns: Turns,
        pacer: Pacer,
        clock: Clock,
    ) -> None:
        self._target = target
        self._store = store
        self._roster = roster
        self._staging = staging
        self._outgoing = outgoing
        self._turns = turns
        self._pacer = pacer
        self._clock = clock
        #: Weighted count of transient errors by job.
        self._tries: dict[int, int] = {}

    async def obstacle(self, mirror: Mirror, change: Change) -> Later | Never | None:
        """Return what prevents deleting the copies of this change now; None if nothing does.

        Raises the errors that hold the account or a method, and those not caused by a message.
        """
        origin = await self._store.origin(change.mirror, change.chat, abs(change.source_id))
        job = await self._store.job(origin.job) if origin is not None else None
        if job is None or job.state not in ("waiting", "parked"):
            return None
        now = self._clock.now()
        holds = await self._pacer.holds.look()
        hold = holds.on_messages(mirror.id, mirror.target, now) or holds.of(Scope.method(CHECK), now)
        if hold is not None:
            return Later(at=hold.until)
        if job.state == "parked":
            return Later(at=now + PARKED)
        rows = await self._store.mirror_list()
        # Nothing is sent to a target before it has been compared with this ledger.
        unchecked = any(row.unchecked for row in rows if row.id == mirror.id)
        if unchecked or not await self._turns.is_next(mirror, job):
            return Later(at=now + TURN)
        try:
            found = await self._check_ready(mirror, job)
        except (FloodWait, AccountFrozen, AccountLimited):
            raise
        except FilterTimeout as error:
            found = Never(why=error.line())
        except TelegramError as error:
            found = self._judge_error(mirror, job, error)
        if not isinstance(found, Later):
            self._tries.pop(job.id, None)
        if isinstance(found, Never):
            self._staging.unwant(job.id)
        return found

    async def _check_ready(self, mirror: Mirror, job: Job) -> Later | Never | None:
        messages = [message for message, _ in await self._store.messages(job.id)]
        if messages and (why := await self._shrink_reason(mirror, job, messages)):
            return Never(why=why)
        if (failure := self._staging.failure(job.id)) is not None:
            return self._handle_failure(mirror, job, messages, failure)
        if missing := await self._staging.needs(job):
            for message in missing:
                self._staging.want(job, message)
            return Later(at=self._clock.now() + LOOK)
        expired = await self._find_expired(mirror, job, messages)
        found = self._judge_error(mirror, job, expired[0][1]) if expired else None
        if isinstance(found, Later):
            for message, _ in expired:
                await self._store.drop_upload(job.id, message.id)
                self._staging.want(job, message)
        return found

    async def _shrink_reason(self, mirror: Mirror, job: Job, messages: Sequence[Message]) -> str:
        """Return why the replacement would be empty or less than the present copy; empty if it would not."""
        planned = await self._outgoing.plan_again(mirror, job, messages)
        if planned.skip:
            return planned.skip
        target = self._roster.targets.get(mirror.target)
        kinds = {p.media.kind if p.media else "text" for draft in planned.drafts for p in draft.pieces}
        if target is not None and (denied := sorted(kinds & target.denied)):
            return f"the target takes none of its kind from this account ({', '.join(denied)})"
        whole = {piece.source_id for draft in planned.drafts for piece in draft.pieces if piece.media}
        for message in messages:
            if message.media is None or message.id in whole:
                continue
            chat, ids = await self._store.where_copied(mirror.id, message.chat, message.id)
            there = await self._target.messages(chat, ids) if ids else {}
            if any(copy.media is not None for copy in there.values()):
                reason = message.media.refusal or message.media.note or "only a note would be sent"
                return f"its media cannot be copied any more: {reason}"
        return ""

    async def _find_expired(
        self, mirror: Mirror, job: Job, messages: Sequence[Message]
    ) -> list[tuple[Message, MediaExpired]]:
        """Return the messages whose transferred media can no longer be sent. Raises if media sent by
        reference cannot be sent."""
        committed = await self._store.committed(job.id)
        expired: list[tuple[Message, MediaExpired]] = []
        referred: list[Message] = []
        for message in messages:
            media, staged = message.media, committed.get(message.id)
            if media is None:
                continue
            if not self._staging.streams(job.id, media, mirror=mirror.id):
                if media.kind in FILE_KINDS or media.companions or media.partial or media.kind == "story":
                    referred.append(message)
            elif staged is not None:
                try:
                    await self._target.check_media(mirror.target, media, staged[1])
                except MediaExpired as error:
                    expired.append((message, error))
        # A file reference is as old as the last read of its message.
        fresh = await self._outgoing.refetch(job, referred) if referred else {}
        for message in referred:
            now = fresh[message.id].media if message.id in fresh else None
            if message.id not in fresh:
                raise SourceGone("the original was deleted")
            if now is None or message.media is None or now.id != message.media.id:
                raise SourceGone("the original has other media now")
            if now.kind in FILE_KINDS:
                await self._target.check_media(mirror.target, now, None)
        return expired

    def _handle_failure(
        self, mirror: Mirror, job: Job, messages: Sequence[Message], failure: Failure
    ) -> Later | Never:
        """Handle media of a message that could not be transferred."""
        media = [m.media for m in messages if m.media is not None]
        if isinstance(failure.error, CdnUnusable) and all(
            self._staging.could_refer(each, mirror.id) for each in media
        ):
            # As for posts: Telegram has the file but serves its bytes only from that CDN.
            self._staging.referred.add(job.id)
            return Later(at=self._clock.now())
        return self._judge_error(mirror, job, failure.error, count=SEVERAL)

    def _judge_error(
        self, mirror: Mirror, job: Job, error: BaseException, *, count: int = 1
    ) -> Later | Never:
        if isinstance(error, MediaExpired):
            count = SEVERAL
        tries = self._tries[job.id] = self._tries.get(job.id, 0) + count
        passes = isinstance(error, Transient | Undecodable | MediaExpired | PartsMissing)
        why = words(error)
        if not passes or isinstance(error, CdnUnusable) or tries >= TRIES:
            return Never(why=why)
        log.warning(
            "replacement is not ready, old copy kept meanwhile",
            mirror=mirror.name,
            source_id=job.first_id,
            why=why,
        )
        return Later(at=self._clock.now() + (LOOK if count == SEVERAL else backoff(tries, first=LOOK)))
