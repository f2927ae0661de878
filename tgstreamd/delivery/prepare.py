"""Prepares a job's next call: plans and stores it, adds its media, and changes it after a refusal.

Connects planning with the ledger, and applies cures to refused calls. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import SourceGone
from ..domain.messages import FILE_KINDS, Draft, Message, Mirror, Piece, ReplyTo
from ..domain.ports import Ids, Source
from ..ledger import Change, Job, Send, Store, encode
from ..mirrors.registry import MirrorRegistry
from ..policy.fallback import Files, degraded, moves, possible
from ..policy.matching import fingerprint
from ..policy.plan import Plan
from ..policy.retry import Cure, Degrade
from ..transfer.prefetch import Prefetcher
from .calls import Calls
from .planning import Planning
from .topics import Topics

log = structlog.get_logger()

#: Cures that describe in text what cannot be sent.
NOTES: frozenset[Cure] = frozenset({"note", "told", "sticker", "attachment"})
Prepared = tuple[Send, Draft, list[bytes | None]]


class Outgoing:
    """Prepares the calls of jobs."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: MirrorRegistry,
        staging: Prefetcher,
        topics: Topics,
        planning: Planning,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._source = source
        self._store = store
        self._roster = roster
        self._staging = staging
        self._clock = clock
        self._ids = ids
        self.topics = topics
        self._planning = planning
        self._calls = Calls(store, roster, ids)

    def forget(self, job: int) -> None:
        self._calls.cured.discard(job)
        self._staging.forced.discard(job)
        self._staging.referred.discard(job)

    async def cures(
        self, mirror: Mirror, job: Job, send: Send | None, *, source_id: int | None = None
    ) -> frozenset[Cure]:
        """Return the cures available for the refused call, or (`send` None) for the message whose media
        cannot be transferred. A replacement never falls back to a note: it is parked for the operator
        instead."""
        found = await self._cures(mirror, job, send, source_id)
        return found - NOTES if job.replaces else found

    async def _cures(
        self, mirror: Mirror, job: Job, send: Send | None, source_id: int | None
    ) -> frozenset[Cure]:
        if send is not None:
            return possible(send.draft, await self._files(mirror, job, send.draft), self._roster.writer)
        kept = [message for message, _ in await self._store.messages(job.id)]
        media = [m.media for m in kept if m.media is not None and source_id in (None, m.id)]
        if not media:
            return frozenset()
        pieces = tuple(Piece(source_id=n, media=each) for n, each in enumerate(media))
        able: set[Cure] = {"cover", "as-file", "note"}
        able &= possible(Draft(pieces=pieces), Files(), self._roster.writer)
        if job.id not in self._staging.referred and mirror.id in self._roster.mirrors:
            able |= {"reference"} if all(self._staging.could_refer(m, mirror.id) for m in media) else set()
        return frozenset(able)

    async def _files(self, mirror: Mirror, job: Job, draft: Draft) -> Files:
        committed = await self._store.committed(job.id)
        referred, movable = set(), set()
        for piece in draft.pieces:
            if piece.media is None or piece.media.kind not in FILE_KINDS:
                continue
            if committed.get(piece.source_id, (0, None))[1] is None:
                referred.add(piece.source_id)
                # A mirror that is no longer configured transfers nothing.
                if mirror.id in self._roster.mirrors and self._staging.could_move(piece.media, mirror.id):
                    movable.add(piece.source_id)
        return Files(referred=frozenset(referred), movable=frozenset(movable))

    async def method(self, job: Job) -> str:
        """Return the method of the job's next call, as holds name it."""
        for send in await self._store.sends(job.id):
            if send.state == "new":
                return send.draft.method
        if job.kind == "topic":
            return "messages.createForumTopic"
        messages = [message for message, _ in await self._store.messages(job.id)]
        if len(messages) > 1:
            return "messages.sendMultiMedia"
        return "messages.sendMedia" if messages and messages[0].media is not None else "messages.sendMessage"

    async def prepare(self, mirror: Mirror, job: Job) -> Prepared | None:
        """Return the job's next call, stored; None if the job has ended or another job goes first."""
        kept = await self._store.messages(job.id)
        sends = await self._store.sends(job.id)
        anew = self._calls.are_planned_anew(job, sends)
        if not anew and await self._store.leave_out_deleted(job.id, self._clock.now()):
            log.info("deleted before its turn, not sent", mirror=mirror.name, source_id=job.first_id)
            return None
        if anew:
            messages = [message for message, _ in kept]
            if not messages:
                await self._store.finish(job.id, "skipped", "nothing is left of it", self._clock.now())
                return None
            planned = await self._planning.of(mirror, job, messages)
            if planned is None:
                return None
            if planned.skip:
                log.info("message skipped", mirror=mirror.name, source_id=job.first_id, why=planned.skip)
                await self._store.finish(job.id, "skipped", planned.skip, self._clock.now())
                return None
            await self._calls.write_down(job, planned.drafts, {m.id: random_id for m, random_id in kept})
        sends = await self._store.sends(job.id)
        send = next(send for send in sends if send.state == "new")
        draft = _with_references(self._with_reply(send, sends), [message for message, _ in kept])
        if not anew and kept and draft.topic is not None and mirror.target_topic is None:
            # The stored call was planned earlier and may name a topic deleted since.
            place = await self.topics.place(mirror, job, kept[0][0])
            if place.later:
                return None
            draft = msgspec.structs.replace(draft, topic=place.topic)
        committed = await self._store.committed(job.id)
        media = [committed.get(piece.source_id, (0, None))[1] for piece in draft.pieces]
        return (
            send,
            draft,
            [
                raw if piece.media is not None else None
                for raw, piece in zip(media, draft.pieces, strict=True)
            ],
        )

    async def plan_again(self, mirror: Mirror, job: Job, messages: Sequence[Message]) -> Plan:
        """Return what the copy of edited originals should look like now. Moves no parent ahead."""
        return await self._planning.again(mirror, job, messages)

    async def refetch(self, job: Job, messages: Sequence[Message]) -> dict[int, Message]:
        """Return those of these messages that still exist, as they are now; the ledger keeps their file
        references."""
        fresh = await self._source.messages(job.chat, [message.id for message in messages])
        await self._store.refresh(job.id, list(fresh.values()))
        return fresh

    async def refetch_change(self, change: Change, now: float) -> None:
        """Renew the expired file references of a change: the original's and that of its upload."""
        if origin := await self._store.origin(change.mirror, change.chat, change.source_id):
            await self._store.drop_upload(origin.job, change.source_id)
        fresh = (await self._source.messages(change.chat, [change.source_id])).get(change.source_id)
        if fresh is not None:
            await self._store.note_change(
                change.mirror, change.kind, change.chat, change.source_id, encode(fresh), now
            )

    def fingerprints(self, draft: Draft, committed: Sequence[bytes | None]) -> list[str]:
        """Return the fingerprint by which each piece is found in the target if its outcome becomes
        unknown."""
        return [
            fingerprint(piece, piece.media.id if piece.media is not None and raw is None else 0)
            for piece, raw in zip(draft.pieces, committed, strict=True)
        ]

    async def degrade(
        self,
        mirror: Mirror,
        job: Job,
        send: Send | None,
        decision: Degrade,
        *,
        source_id: int | None = None,
    ) -> None:
        """Apply the cure to the refused call, or to the one message whose media cannot be transferred."""
        what, reason = decision.what, decision.reason
        if send is None and what == "reference":
            self._staging.referred.add(job.id)
            self._staging.wake()
            return
        if send is None:
            await self._change_media(job, source_id, what, reason)
            return
        self._calls.cured.add(job.id)
        files = await self._files(mirror, job, send.draft)
        if moves(send.draft, what, files):
            self._staging.forced.add(job.id)
        drafts: list[Draft] = []
        for each in await self._store.sends(job.id):
            changed = degraded(each.draft, what, account=self._roster.writer, files=files, reason=reason)
            drafts += changed if each.seq == send.seq else [each.draft]
        born = {message.id: random_id for message, random_id in await self._store.messages(job.id)}
        await self._calls.write_down(job, drafts, born)
        if what == "as-file":
            # An upload committed as a photo or video must be committed again as a file.
            for piece in send.draft.pieces:
                await self._change_media(job, piece.source_id, what, reason)
        self._staging.wake()

    async def _change_media(self, job: Job, source_id: int | None, what: Cure, reason: str) -> None:
        """Change the stored message itself and the stored calls that are not planned from it again."""
        change = msgspec.structs.replace
        kept = await self._store.messages(job.id)
        for message, _ in kept:
            media = message.media
            if media is None or source_id not in (None, message.id):
                continue
            if what == "cover":
                media = change(media, alone=True)
            elif what == "as-file":
                media = change(media, kind="file") if media.kind in FILE_KINDS - {"sticker"} else media
            else:
                media = change(media, refusal=reason)
            if media != message.media:
                await self._store.change_media(job.id, change(message, media=media))
                await self._store.drop_upload(job.id, message.id)
            await self._calls.change_media(job, message.id, what, reason, {m.id: r for m, r in kept})
        self._staging.wake()

    async def refresh(
        self, mirror: Mirror, job: Job, send: Send | None, *, source_id: int | None = None
    ) -> None:
        """Fetch messages whose file references expired again, and upload our own media again.

        Concerns the refused call, or (`send` None) the one message whose media could not be transferred;
        calls already sent are left alone. An item sent by reference whose message is gone or has other media
        now is replaced by a note.
        """
        about: frozenset[int] | None
        if send is not None:
            about = frozenset(piece.source_id for piece in send.draft.pieces)
        else:
            about = await self._store.media_to_send(job.id) if source_id is None else frozenset({source_id})
        kept = [
            (message, message.media)
            for message, _ in await self._store.messages(job.id)
            if message.media is not None and (about is None or message.id in about)
        ]
        fresh = await self.refetch(job, [message for message, _ in kept])
        for message, media in kept:
            await self._store.drop_upload(job.id, message.id)
            if self._staging.streams(job.id, media, mirror=mirror.id):
                continue
            now = fresh[message.id].media if message.id in fresh else None
            if job.replaces and (now is None or now.id != media.id):
                raise SourceGone("the original was deleted, or has other media now")
            if message.id not in fresh:
                await self._change_media(job, message.id, "note", "deleted before its turn")
            elif now is None or now.id != media.id:
                await self._change_media(job, message.id, "note", "the original has other media now")

    async def split_off(self, job: Job, send: Send, missing: set[int]) -> None:
        """Move the missing items of an album to a call after it, as a reply to the album's first item."""
        idxs = [idx for idx, copy in enumerate(send.copies) if copy.random_id in missing]
        rest = msgspec.structs.replace(
            send.draft,
            pieces=tuple(send.draft.pieces[idx] for idx in idxs),
            reply=None,
            reply_to_previous=True,
        )
        await self._store.split_off(
            job.id, send.seq, missing=rest, random_ids=[send.copies[idx].random_id for idx in idxs], idxs=idxs
        )

    async def vanished(self, job: Job, send: Send) -> None:
        """Prepare a call whose messages were deleted for being sent as something new, should it ever be sent
        again."""
        await self._store.vanished(job.id, send.seq, self._ids.random_id)

    # -- inside ---------------------------------------------------------------------------------------

    def _with_reply(self, send: Send, sends: Sequence[Send]) -> Draft:
        """Return the draft with the reply that became known when the preceding call was settled."""
        if not send.draft.reply_to_previous:
            return send.draft
        before = [copy.target_id for each in sends if each.seq < send.seq for copy in each.copies[:1]]
        known = [target_id for target_id in before if target_id is not None]
        return msgspec.structs.replace(send.draft, reply=ReplyTo(id=known[-1]) if known else None)


def _with_references(draft: Draft, kept: Sequence[Message]) -> Draft:
    """Return the draft with the latest file references: it may have been planned long ago."""
    media = {message.id: message.media for message in kept}

    def fresh(piece: Piece) -> Piece:
        now = media.get(piece.source_id)
        if piece.media is None or now is None or now.id != piece.media.id or now.partial:
            return piece
        return msgspec.structs.replace(piece, media=msgspec.structs.replace(piece.media, raw=now.raw))

    return msgspec.structs.replace(draft, pieces=tuple(fresh(piece) for piece in draft.pieces))
