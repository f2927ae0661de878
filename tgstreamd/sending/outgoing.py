"""From a job to the call that is made next: written down, with its media, and changed where it was refused.

Bridges what `planning` says and the ledger. Knows the cures that a refused draft has had. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from ..clock import Clock
from ..decide.degrade import degraded
from ..decide.plan import Plan
from ..decide.recognise import fingerprint
from ..decide.retry import Cure, Degrade
from ..model import Draft, Message, Mirror, Piece, ReplyTo
from ..ports import Ids, Source
from ..roster import Roster
from ..store import Change, Job, Send, Store, encode
from ..streaming.staging import Staging
from .planning import Planning
from .topics import Topics

log = structlog.get_logger()

Prepared = tuple[Send, Draft, list[bytes | None]]


class Outgoing:
    """Prepares calls."""

    def __init__(
        self,
        source: Source,
        store: Store,
        roster: Roster,
        staging: Staging,
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
        self._cures: dict[int, set[Cure]] = {}

    def cures(self, job: int) -> set[Cure]:
        """What was already tried to make a refused job acceptable."""
        return self._cures.get(job, set())

    def forget(self, job: int) -> None:
        self._cures.pop(job, None)
        self._staging.forced.discard(job)

    async def method(self, job: Job) -> str:
        """Which call the job will make next, as the holds name it."""
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
        """The next call of the job, written down; None where the job has ended, or another goes first."""
        kept = await self._store.messages(job.id)
        sends = await self._store.sends(job.id)
        anew = not sends or (all(send.state == "new" for send in sends) and not self.cures(job.id))
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
            await self._write_down(job, planned.drafts, {m.id: random_id for m, random_id in kept})
        sends = await self._store.sends(job.id)
        send = next(send for send in sends if send.state == "new")
        draft = _with_references(self._answering(send, sends), [message for message, _ in kept])
        if not anew and kept and draft.topic is not None and mirror.target_topic is None:
            # It was planned before, and may name a topic that was deleted since.
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

    async def plan_again(self, mirror: Mirror, job: Job, message: Message) -> Plan:
        """What the copy of an original that has changed should look like now; nobody is lifted for it."""
        return await self._planning.again(mirror, job, message)

    async def refetch_change(self, change: Change, now: float) -> None:
        """A reference is too old, the original's or that of what was moved for it: both are made anew."""
        if origin := await self._store.origin(change.mirror, change.chat, change.source_id):
            await self._store.drop_upload(origin.job, change.source_id)
        fresh = (await self._source.messages(change.chat, [change.source_id])).get(change.source_id)
        if fresh is not None:
            await self._store.note_change(
                change.mirror, change.kind, change.chat, change.source_id, encode(fresh), now
            )

    def fingerprints(self, draft: Draft, committed: Sequence[bytes | None]) -> list[str]:
        """What each piece will be recognised by, if its outcome becomes unknown."""
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
        """Apply the cure: to the refused call, or to the one message whose media cannot be brought over."""
        self._cures.setdefault(job.id, set()).add(decision.what)
        if decision.what == "stream":
            self._staging.forced.add(job.id)
            self._staging.wake()
        elif send is None:
            await self._change_media(job, source_id, decision)
        else:
            await self._change_draft(job, send, decision)

    async def _change_media(self, job: Job, source_id: int | None, decision: Degrade) -> None:
        """Before anything was sent: the kept message itself is changed, and planned as any other."""
        for message, _ in await self._store.messages(job.id):
            if message.media is None or source_id not in (None, message.id):
                continue
            change = msgspec.structs.replace
            if decision.what == "as-file":
                media = change(message.media, kind="file")
            else:
                media = change(message.media, refusal=decision.reason)
            await self._store.change_media(job.id, change(message, media=media))
            await self._store.drop_upload(job.id, message.id)
        # The message is another one now: what cures it next has not been tried.
        self._cures.pop(job.id, None)
        self._staging.wake()

    async def _change_draft(self, job: Job, send: Send, decision: Degrade) -> None:
        account = self._roster.writer
        if decision.what == "limits":
            account = msgspec.structs.replace(
                account, text_max=account.text_max // 2, caption_max=account.caption_max // 2
            )
        drafts: list[Draft] = []
        for each in await self._store.sends(job.id):
            changed = degraded(each.draft, decision.what, account=account, reason=decision.reason)
            drafts += changed if each.seq == send.seq else [each.draft]
        born = {message.id: random_id for message, random_id in await self._store.messages(job.id)}
        await self._write_down(job, drafts, born)

    async def refresh(self, mirror: Mirror, job: Job) -> None:
        """References are too old: fetch the messages anew; uploads of ours are made again.

        What went by reference, and whose message is gone, becomes a note in its place.
        """
        kept = [message for message, _ in await self._store.messages(job.id)]
        fresh = await self._source.messages(job.chat, [message.id for message in kept])
        await self._store.refresh(job.id, list(fresh.values()))
        for message in kept:
            await self._store.drop_upload(job.id, message.id)
            moved = self._staging.streams(job.id, message.media, mirror=mirror.id)
            if message.media is not None and message.id not in fresh and not moved:
                gone = Degrade(what="note", reason="deleted before its turn")
                await self._change_media(job, message.id, gone)

    async def split_off(self, job: Job, send: Send, missing: set[int]) -> None:
        """The items of an album that are missing become a call behind it, answering its first item."""
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
        """What this call sent was deleted: if it is ever sent again, then as something new."""
        await self._store.vanished(job.id, send.seq, self._ids.random_id)

    # -- inside ---------------------------------------------------------------------------------------

    async def _write_down(self, job: Job, drafts: Sequence[Draft], born: dict[int, int]) -> None:
        """Give each piece its `random_id`: the one born with its message, or for what follows a new one."""
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

    def _answering(self, send: Send, sends: Sequence[Send]) -> Draft:
        """The draft, with the reply that only became known when the call before it was settled."""
        if not send.draft.reply_to_previous:
            return send.draft
        before = [copy.target_id for each in sends if each.seq < send.seq for copy in each.copies[:1]]
        known = [target_id for target_id in before if target_id is not None]
        return msgspec.structs.replace(send.draft, reply=ReplyTo(id=known[-1]) if known else None)


def _with_references(draft: Draft, kept: Sequence[Message]) -> Draft:
    """The draft with the references as they were last fetched: it may have been planned long ago."""
    media = {message.id: message.media for message in kept}

    def fresh(piece: Piece) -> Piece:
        now = media.get(piece.source_id)
        if piece.media is None or now is None or now.id != piece.media.id or now.partial:
            return piece
        return msgspec.structs.replace(piece, media=msgspec.structs.replace(piece.media, raw=now.raw))

    return msgspec.structs.replace(draft, pieces=tuple(fresh(piece) for piece in draft.pieces))
