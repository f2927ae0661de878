"""What a mirror of a whole forum needs before its first message: how its topics look, and whether it has any.

Told by admission at every judgement, so that what was changed while nobody listened is found. Judges
nothing, sends nothing.
"""

from __future__ import annotations

import structlog

from .clock import Clock
from .errors import AccountFrozen, FloodWait, NotAuthorised, TelegramError, Transient
from .model import Chat, Mirror
from .ports import Source
from .store import Store

log = structlog.get_logger()


async def take_forum(
    mirror: Mirror,
    source: Chat | TelegramError,
    target: Chat | TelegramError,
    *,
    reader: Source,
    store: Store,
    clock: Clock,
) -> None:
    """Keep what the source's topics look like now. Raises what stops an admission."""
    if not isinstance(source, Chat) or mirror.source_topic is not None:
        return
    if isinstance(target, Chat):
        by_topic = source.forum and target.forum and mirror.target_topic is None
        await store.set_forum(mirror.id, by_topic)
    if not source.forum:
        return
    try:
        topics = await reader.topics(source.id)
    except (NotAuthorised, Transient, FloodWait, AccountFrozen):
        raise
    except TelegramError as error:
        # Each is asked for again when a post of it comes.
        log.warning("topics could not be listed", mirror=mirror.name, why=error.line())
        return
    for gone in await store.take_topics(mirror.id, source.id, topics, clock.now()):
        log.warning("topic was deleted in the source, its copy stays", mirror=mirror.name, topic=gone.title)
