"""Adds a mirror to the ledger: creates it with its positions and backlog, or reactivates it after an absence.

The position is always read before the newest id: messages in between are seen twice, never missed. Judges
nothing.
"""

from __future__ import annotations

import msgspec
import structlog

from ..config import MirrorConfig
from ..domain.clock import Clock
from ..domain.errors import Rejected, SourceLost
from ..domain.messages import Chat, Mirror
from ..domain.ports import Source
from ..ledger import Store
from ..limits.holds import HISTORIES
from ..policy.mirror_checks import backlog_words
from .from_config import beginning
from .registry import MirrorRegistry, box_of

log = structlog.get_logger()

#: The methods by which a mirror begins or resumes: they find its chats and count their histories.
BEGINNINGS = HISTORIES | {
    "contacts.resolveUsername", "messages.checkChatInvite", "messages.getDialogs", "users.getUsers",
    "updates.getChannelDifference", "updates.getState",
}  # fmt: skip
#: A mirror with more backlog than this begins paused if it was added by a reload, not at a start.
LONG_BACKLOG = 1000


class Births:
    """Writes mirrors into the ledger."""

    def __init__(
        self, source: Source, store: Store, roster: MirrorRegistry, clock: Clock, *, interval: float
    ) -> None:
        """`interval` is the pace's, for log messages."""
        self._source = source
        self._store = store
        self._roster = roster
        self._clock = clock
        self._interval = interval

    async def bear(self, config: MirrorConfig, mirror: Mirror, source: Chat, *, reload: bool) -> int:
        """Create a mirror that the ledger does not know; return its id. Raises the source's errors."""
        box = await self._source.box(mirror.source)
        newest = await self._source.newest(mirror.source)
        begins = await beginning(config.history, mirror, self._source, self._clock.now())
        start = min(newest, begins)
        count, since = await self._source.count(mirror.source, mirror.source_topic, after=start)
        if start >= newest:
            count, since = 0, 0
        former, older, oldest = await self._former_group(config, mirror, source)
        count, since = count + older, oldest or since
        words = backlog_words(count, since, self._interval)
        pinned = await self._list_pins(config, mirror)
        waiting = f"long backlog: {words}" if reload and count > LONG_BACKLOG else ""
        mirror_id = await self._store.bear(
            name=config.name,
            source=mirror.source,
            source_topic=mirror.source_topic,
            target=mirror.target,
            target_topic=mirror.target_topic,
            history=config.history,
            start=start,
            newest=newest,
            box_chat=box_of(mirror.source),
            box=box,
            count=count,
            since=since,
            waiting=waiting,
            now=self._clock.now(),
            former=former,
            pinned=pinned,
        )
        log.info("mirror born", mirror=config.name, backlog=words)
        if waiting:
            log.warning("mirror begins paused, `resume` starts it", mirror=config.name, why=waiting)
        return mirror_id

    async def _list_pins(self, config: MirrorConfig, mirror: Mirror) -> tuple[int, ...]:
        """Return the pinned messages; if they cannot be read, the mirror begins without them."""
        if not config.pins:
            return ()
        try:
            return await self._source.pinned(mirror.source)
        except (SourceLost, Rejected) as error:
            log.warning("pins could not be listed", mirror=config.name, why=error.line())
            return ()

    async def _former_group(
        self, config: MirrorConfig, mirror: Mirror, source: Chat
    ) -> tuple[tuple[int, int, int] | None, int, int]:
        """Return the basic group that the source was: its ids in the history, their count and oldest date."""
        try:
            found = await former_history(config.history, mirror, source, self._source, self._clock.now())
            if found is None:
                return None, 0, 0
            chat, start, end = found
            count, since = await self._source.count(chat, after=start) if start < end else (0, 0)
        except (SourceLost, Rejected) as error:
            chat_id = source.migrated_from
            log.warning("history of the group that it was cannot be read", chat=chat_id, why=error.line())
            return None, 0, 0
        return (chat, start, end), count, since

    async def put_back(self, name: str, mirror: Mirror, mirror_id: int, *, was_away: bool) -> None:
        """Reactivate a mirror that the ledger knows. `was_away`: the time since then is a gap."""
        box = await self._source.box(mirror.source) if mirror.source in self._roster.sources else None
        if box is None:
            # Its source cannot be read: list it only, and open the gap once that changes.
            await self._store.list_only(mirror_id, name)
            return
        newest = await self._source.newest(mirror.source) if was_away else 0
        await self._store.activate(
            mirror_id,
            name=name,
            was_away=was_away,
            newest=newest,
            box_chat=box_of(mirror.source),
            box=box,
        )


async def former_history(
    history: str, mirror: Mirror, source: Chat, reader: Source, now: float
) -> tuple[int, int, int] | None:
    """Return the basic group that a source was, with the range of ids (above, up to) in the mirror's history.

    None where there was none. Raises the errors of `reader`.
    """
    chat, end = source.migrated_from, source.migrated_from_max
    if chat is None or mirror.source_topic is not None:
        return None
    end = end or await reader.newest(chat)
    # A configured first message id belongs to the supergroup.
    whole = history != "none" and not history.isdigit()
    then = msgspec.structs.replace(mirror, source=chat)
    begins = await beginning(history, then, reader, now) if whole else end
    return chat, min(begins, end), end
