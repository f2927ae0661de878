"""Follows a basic group that has become a supergroup, on either side of a mirror.

The mirror keeps its row, its map and its history; the configuration may keep naming the old id. A chat that
cannot be followed (no access, another mirror already there, a call of unknown outcome) stays unchanged and is
asked about again.
"""

from __future__ import annotations

import structlog

from ..config import MirrorConfig
from ..domain.errors import TelegramError
from ..domain.messages import Chat
from ..domain.ports import Source, Target
from ..ledger import Store
from .chat_lookup import asked
from .registry import MirrorRegistry

log = structlog.get_logger()

Side = tuple[int, Chat | TelegramError]


class Moves:
    """Moves mirrors to supergroups."""

    def __init__(self, source: Source, target: Target, store: Store, roster: MirrorRegistry) -> None:
        self._source = source
        self._target = target
        self._store = store
        self._roster = roster

    async def follow(self, config: MirrorConfig, source: Side, target: Side) -> tuple[Side, Side]:
        """Return both sides of a configured mirror after any move; raises the errors of `asked`."""
        to = await self._successor(self._source, source)
        if to is not None and await self._move_source(config, source, to, target[0]):
            source = to
        to = await self._successor(self._target, target)
        if to is not None and await self._move_target(config, source[0], target[0], to[0]):
            target = to
        return source, target

    async def _successor(self, reader: Source | Target, side: Side) -> tuple[int, Chat] | None:
        """Return the supergroup that a chat has become, if this account has access."""
        chat = side[1]
        if not isinstance(chat, Chat) or chat.migrated_to is None:
            return None
        found = await asked(reader, chat.migrated_to)
        return (chat.migrated_to, found) if isinstance(found, Chat) else None

    async def _move_source(self, config: MirrorConfig, old: Side, new: tuple[int, Chat], target: int) -> bool:
        row = await self._store.find_mirror(old[0], config.source_topic, target, config.target_topic)
        if row is not None:
            # The position before the newest id: messages in between are seen twice, never missed.
            box = await self._source.box(new[0])
            newest = await self._source.newest(new[0])
            end = max(new[1].migrated_from_max, await self._source.newest(old[0]))
            if not await self._store.move_source(row.id, new[0], end=end, newest=newest, box=box):
                return False
            log.warning("source became a supergroup, followed", mirror=config.name, old=old[0], new=new[0])
        await self._store.remember_move(old[0], new[0])
        if isinstance(old[1], Chat):
            self._roster.sources[old[0]] = old[1]
        return True

    async def _move_target(self, config: MirrorConfig, source: int, old: int, new: int) -> bool:
        row = await self._store.find_mirror(source, config.source_topic, old, config.target_topic)
        if row is not None:
            if not await self._store.move_target(row.id, new):
                return False
            log.warning("target became a supergroup, followed", mirror=config.name, old=old, new=new)
        await self._store.remember_move(old, new)
        return True
