"""Settles a call of unknown outcome by asking Telegram, never by guessing.

While the attempt is fresh, the same call with the same `random_id` tells. Else the target's difference is
read for the `random_id`s, then the target is looked through for what was sent, and only where both are empty
the call is made again. Knows where a target stood before each attempt.
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
from ..limits.holds import DIFFERENCES, HISTORIES, Floods
from ..policy.matching import matches
from .topics import deliver

log = structlog.get_logger()

#: Seconds for which the call itself is asked first, as long as the process lives.
FRESH = 600.0
#: Answers of one difference that are read; beyond, the target is looked through.
SLICES_MAX = 10


class Outcome:
    """Finds out what became of an attempt."""

    def __init__(self, target: Target, store: Store, clock: Clock, *, run: str) -> None:
        """`run` names this process: an attempt of another one is never fresh."""
        self._target = target
        self._store = store
        self._clock = clock
        self._run = run
        self._floods = Floods(store, clock)
        #: Per target: the highest message id known to exist there, and a live position not after now.
        self._starts: dict[int, tuple[int, Box | None]] = {}

    # -- before an attempt ----------------------------------------------------------------------------

    async def start(self, chat: int) -> tuple[int, Box | None]:
        """Above which id, and after which position, lies whatever is sent from now on. Asks once a chat."""
        if chat not in self._starts:
            self._starts[chat] = await self._target.start(chat)
        return self._starts[chat]

    def advance(self, chat: int, sent: Sent) -> None:
        """Nothing is under way there any more, and what is sent next lies behind this."""
        if chat not in self._starts:
            return
        floor, box = self._starts[chat]
        if box is not None and sent.position is not None and sent.position.pts > box.pts:
            box = msgspec.structs.replace(box, pts=sent.position.pts, date=sent.position.date)
        self._starts[chat] = max([floor, *sent.ids.values()]), box

    # -- after it -------------------------------------------------------------------------------------

    def is_fresh(self, send: Send) -> bool:
        """Whether the call itself is the first to be asked."""
        # An attempt of the future tells of a clock that was set: nobody knows how long ago it was.
        return send.run == self._run and 0 <= self._clock.now() - send.attempted_at < FRESH

    async def repeat(self, mirror: Mirror, send: Send) -> Sent:
        """The same call under the same `random_id`s. Raises what `Target.send` raises."""
        await self._store.repeat(send.job, send.seq)
        ids = [copy.random_id for copy in send.copies]
        return await deliver(self._target, mirror.target, send.draft, ids, send.committed)

    async def published(self, mirror: Mirror, send: Send) -> dict[int, int]:
        """Scheduled copies of this send that have become messages: id by scheduled id."""
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
        """What the attempt became, as far as the target tells. `unseen` are those that are gone.

        Raises FloodWait also where Telegram has ordered it before.
        """
        await self._floods.load()
        if (flood := self._floods.flood(DIFFERENCES | HISTORIES)) is not None:
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
        """The same answer, and of what it names without its message only that which is gone."""
        if not sent.unseen:
            return sent
        there = await self._target.messages(mirror.target, list(sent.unseen.values()))
        standing = {m.id: m for m in await self._candidates(mirror, send, list(there.values()))}
        prints = {copy.random_id: copy.fingerprint for copy in send.copies}
        # A scheduled id is of another sequence: that another message bears the number says nothing.
        found = {
            random_id: id_
            for random_id, id_ in sent.unseen.items()
            if id_ in standing and matches(standing[id_], prints[random_id])
        }
        gone = {random_id: id_ for random_id, id_ in sent.unseen.items() if random_id not in found}
        return msgspec.structs.replace(sent, ids=sent.ids | found, unseen=gone)

    # -- inside ---------------------------------------------------------------------------------------

    async def _difference(self, mirror: Mirror, send: Send) -> Sent:
        """What was told of our `random_id`s since the attempt; nothing where that is too long.

        https://core.telegram.org/api/updates#updatemessageid-updates: a lost answer is told again so.
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
        """Of these our own that no job maps, as what was sent would look."""
        known = await self._store.mapped(mirror.target, [message.id for message in messages])
        ours = [m for m in messages if m.id not in known and (m.out or m.sender_id == mirror.target)]
        if send.draft.opens is None:
            return [message for message in ours if not message.service]
        # A topic is recognised by its title, as a message by its words.
        return [
            msgspec.structs.replace(message, text=str(message.action.get("title", "")))
            for message in ours
            if message.service == "TopicCreate"
        ]


def _assign(copies: Iterable[CopyRow], candidates: Iterable[Message]) -> dict[int, int]:
    """Each copy's message by `random_id`, in the order of both; no message serves twice."""
    left = list(candidates)
    found: dict[int, int] = {}
    for copy in copies:
        match = next((message for message in left if matches(message, copy.fingerprint)), None)
        if match is not None:
            left.remove(match)
            found[copy.random_id] = match.id
    return found
