"""Resolves calls of unknown outcome by asking Telegram, never by guessing.

While the attempt is fresh, the same call is repeated with the same `random_id`, which answers the question.
Otherwise the target's difference is read for the `random_id`s, then the target is searched for the messages;
only if neither shows them is the call made again. Keeps the target's position from before each attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import structlog

from ..domain.clock import Clock
from ..domain.errors import Undecodable
from ..domain.messages import Box, Message, Mirror, Sent
from ..domain.ports import Target
from ..ledger import CopyRow, Send, Store
from ..limits.holds import DIFFERENCES, HISTORIES, StoredHolds
from ..policy.matching import matches
from .topics import deliver

log = structlog.get_logger()

#: Seconds during which the call itself is repeated first, within the same process.
FRESH = 600.0
#: Slices of one difference that are read; beyond that the target is searched.
SLICES_MAX = 10


class Outcome:
    """Resolves attempts of unknown outcome."""

    def __init__(self, target: Target, store: Store, clock: Clock, holds: StoredHolds, *, run: str) -> None:
        """`run` identifies this process: an attempt of another process is never fresh."""
        self._target = target
        self._store = store
        self._clock = clock
        self._run = run
        self._holds = holds
        #: By target: the highest message id known to exist, and an update position that is not in the future.
        self._starts: dict[int, tuple[int, Box | None]] = {}

    # -- before an attempt ----------------------------------------------------------------------------

    async def start(self, chat: int) -> tuple[int, Box | None]:
        """Return the message id and update position that everything sent from now on exceeds. Asks once per
        chat."""
        if chat not in self._starts:
            self._starts[chat] = await self._target.start(chat)
        return self._starts[chat]

    def advance(self, chat: int, sent: Sent) -> None:
        """Move the starting position past these messages: no call to the chat is in progress."""
        if chat not in self._starts:
            return
        floor, box = self._starts[chat]
        if box is not None and sent.position is not None and sent.position.pts > box.pts:
            box = msgspec.structs.replace(box, pts=sent.position.pts, date=sent.position.date)
        self._starts[chat] = max([floor, *sent.ids.values()]), box

    # -- after an attempt -----------------------------------------------------------------------------

    def is_fresh(self, send: Send) -> bool:
        """Return whether to repeat the call before searching."""
        # An attempt in the future means that the clock was set back: its age is unknown.
        return send.run == self._run and 0 <= self._clock.now() - send.attempted_at < FRESH

    async def repeat(self, mirror: Mirror, send: Send) -> Sent:
        """Repeat the call under the same `random_id`s. Raises the errors of `Target.send`."""
        await self._store.repeat(send.job, send.seq)
        ids = [copy.random_id for copy in send.copies]
        return await deliver(self._target, mirror.target, send.draft, ids, send.committed)

    async def published(self, mirror: Mirror, send: Send) -> dict[int, int]:
        """Return the message ids of this send's scheduled copies that have been published, by scheduled
        id."""
        waiting = [copy for copy in send.copies if copy.scheduled_id is not None and copy.target_id is None]
        still = {message.id for message in await self._target.scheduled(mirror.target)}
        gone = [copy for copy in waiting if copy.scheduled_id not in still]
        if not gone:
            return {}
        found = _assign(gone, await self._unmapped(mirror, send))
        return {
            copy.scheduled_id: found[copy.random_id]
            for copy in gone
            if copy.random_id in found and copy.scheduled_id
        }

    async def look(self, mirror: Mirror, send: Send) -> Sent:
        """Return what the attempt became, as far as the target shows it; `unseen` holds messages already
        deleted.

        Raises FloodWait also for a wait that Telegram ordered earlier.
        """
        if (flood := await self._holds.flood(DIFFERENCES | HISTORIES)) is not None:
            raise flood
        told = await self._difference(mirror, send)
        rest = [copy for copy in send.copies if copy.random_id not in told.ids]
        if not rest:
            return told
        taken = set(told.ids.values())
        unmapped = [message for message in await self._unmapped(mirror, send) if message.id not in taken]
        ids = told.ids | _assign(rest, unmapped)
        left = [copy for copy in rest if copy.random_id not in ids]
        scheduled = _assign(left, await self._target.scheduled(mirror.target)) if left else {}
        found = ids.keys() | scheduled.keys()
        unseen = {random_id: id_ for random_id, id_ in told.unseen.items() if random_id not in found}
        return Sent(ids=ids, scheduled=scheduled, unseen=unseen)

    async def confirm(self, mirror: Mirror, send: Send, sent: Sent) -> Sent:
        """Return the answer with `unseen` reduced to the messages that no longer exist."""
        if not sent.unseen:
            return sent
        there = await self._target.messages(mirror.target, list(sent.unseen.values()))
        standing = {m.id: m for m in await self._candidates(mirror, send, list(there.values()))}
        prints = {copy.random_id: copy.fingerprint for copy in send.copies}
        # Scheduled ids are a separate sequence, so another message may have the same number.
        found = {
            random_id: id_
            for random_id, id_ in sent.unseen.items()
            if id_ in standing and matches(standing[id_], prints[random_id])
        }
        gone = {random_id: id_ for random_id, id_ in sent.unseen.items() if random_id not in found}
        return msgspec.structs.replace(sent, ids=sent.ids | found, unseen=gone)

    # -- inside ---------------------------------------------------------------------------------------

    async def _difference(self, mirror: Mirror, send: Send) -> Sent:
        """Return what the difference since the attempt says about our `random_id`s; nothing if it is too
        long.

        A lost answer is repeated there: https://core.telegram.org/api/updates#updatemessageid-updates
        """
        wanted = {copy.random_id for copy in send.copies}
        made: dict[int, int] = {}
        shown: dict[int, Message] = {}
        box = send.position
        for _ in range(SLICES_MAX):
            if box is None or (wanted <= made.keys() and set(made.values()) <= shown.keys()):
                break
            try:
                difference = await self._target.difference(mirror.target, box)
            except Undecodable as error:
                log.warning("difference could not be read", chat=mirror.target, why=error.line())
                break
            if difference.too_long:
                break
            made |= {r: i for r, i in difference.made.items() if r in wanted}
            shown |= {m.id: m for m in difference.messages if m.chat == mirror.target}
            box = difference.box if not difference.final and difference.box != box else None
        there = {m.id for m in await self._candidates(mirror, send, list(shown.values()))} if made else set()
        told = Sent(
            ids={random_id: id_ for random_id, id_ in made.items() if id_ in there},
            unseen={random_id: id_ for random_id, id_ in made.items() if id_ not in there},
        )
        return await self.confirm(mirror, send, told)

    async def _unmapped(self, mirror: Mirror, send: Send) -> list[Message]:
        return await self._candidates(mirror, send, await self._target.after(mirror.target, send.floor_id))

    async def _candidates(self, mirror: Mirror, send: Send, messages: Sequence[Message]) -> list[Message]:
        """Return our own messages among these that no job maps, in the form in which they were sent."""
        known = await self._store.mapped(mirror.target, [message.id for message in messages])
        ours = [m for m in messages if m.id not in known and (m.out or m.sender_id == mirror.target)]
        if send.draft.opens is None:
            return [message for message in ours if not message.service]
        # A topic is matched by its title, as a message is by its text.
        return [
            msgspec.structs.replace(message, text=str(message.action.get("title", "")))
            for message in ours
            if message.service == "TopicCreate"
        ]


def _assign(copies: Iterable[CopyRow], candidates: Iterable[Message]) -> dict[int, int]:
    """Match each copy to a message in order, each message at most once; return message ids by `random_id`."""
    left = list(candidates)
    found: dict[int, int] = {}
    for copy in copies:
        match = next((message for message in left if matches(message, copy.fingerprint)), None)
        if match is not None:
            left.remove(match)
            found[copy.random_id] = match.id
    return found
