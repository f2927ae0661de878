"""Settles a call of unknown outcome by asking Telegram, never by guessing.

While the attempt is fresh, the same call with the same `random_id` tells; else the target is looked
through first, and only an empty answer allows the call again (design, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ..clock import Clock
from ..decide.recognise import matches
from ..model import Message, Mirror, Sent
from ..ports import Target
from ..store import CopyRow, Send, Store
from .topics import deliver

#: Seconds for which Telegram certainly still knows a `random_id` of ours.
FRESH = 600.0


class Outcome:
    """Finds out what became of an attempt."""

    def __init__(self, target: Target, store: Store, clock: Clock, *, run: str) -> None:
        """`run` names this process: an attempt of another one is never fresh."""
        self._target = target
        self._store = store
        self._clock = clock
        self._run = run

    def is_fresh(self, send: Send) -> bool:
        """Whether Telegram certainly still knows the `random_id`s of this attempt."""
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

    async def search(self, mirror: Mirror, send: Send) -> tuple[dict[int, int], dict[int, int]]:
        """What the attempt became, by `random_id`: message ids, and ids of scheduled messages.

        Looks at our own messages above its floor that no job maps, and at the scheduled ones.
        """
        ids = _assign(send.copies, await self._unmapped(mirror, send))
        left = [copy for copy in send.copies if copy.random_id not in ids]
        scheduled = _assign(left, await self._target.scheduled(mirror.target)) if left else {}
        return ids, scheduled

    async def confirm(self, mirror: Mirror, send: Send, sent: Sent) -> Sent:
        """The answer to a send, and of what it names without its message only that which is gone."""
        there = await self._target.messages(mirror.target, list(sent.unseen.values()))
        ours = [m for m in there.values() if m.out or m.sender_id == mirror.target]
        standing = {message.id: message for message in await self._candidates(mirror, send, ours)}
        prints = {copy.random_id: copy.fingerprint for copy in send.copies}
        # A scheduled id is of another sequence: that another message bears the number says nothing.
        found = {
            random_id: id_
            for random_id, id_ in sent.unseen.items()
            if id_ in standing and matches(standing[id_], prints[random_id])
        }
        gone = {random_id: id_ for random_id, id_ in sent.unseen.items() if random_id not in found}
        return msgspec.structs.replace(sent, ids=sent.ids | found, unseen=gone)

    async def _unmapped(self, mirror: Mirror, send: Send) -> list[Message]:
        return await self._candidates(mirror, send, await self._target.after(mirror.target, send.floor_id))

    async def _candidates(self, mirror: Mirror, send: Send, messages: Sequence[Message]) -> list[Message]:
        """Of our own messages those that no job maps, as what was sent would look."""
        known = await self._store.mapped(mirror.target, [message.id for message in messages])
        ours = [message for message in messages if message.id not in known]
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
