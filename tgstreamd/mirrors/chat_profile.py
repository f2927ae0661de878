"""Keeps a source's profile in the ledger: its topics, title, photo and description.

Called by admission at every judgement, which finds changes made while the daemon was stopped. Judges nothing,
sends nothing.
"""

from __future__ import annotations

import structlog

from ..domain.clock import Clock
from ..domain.errors import AccountFrozen, FloodWait, NotAuthorised, TelegramError, Transient
from ..domain.messages import Chat, ChatProfile, Mirror
from ..domain.ports import Source
from ..ledger import Store

log = structlog.get_logger()


async def take_face(
    mirror: Mirror, source: Chat | TelegramError, target: Chat | TelegramError, *, store: Store, clock: Clock
) -> None:
    """Store the source's profile, where the mirror copies it to the target."""
    if mirror.chat and isinstance(source, Chat) and isinstance(target, Chat) and target.may_change_info:
        await store.note_face(mirror.id, source.id, _profile_of(source), _profile_of(target), clock.now())


def _profile_of(chat: Chat) -> ChatProfile:
    return ChatProfile(title=chat.title, about=chat.about, photo=chat.photo)


async def take_forum(
    mirror: Mirror,
    source: Chat | TelegramError,
    target: Chat | TelegramError,
    *,
    reader: Source,
    store: Store,
    clock: Clock,
) -> None:
    """Store the current properties of the source's topics. Raises errors that stop an admission."""
    if not isinstance(source, Chat) or mirror.source_topic is not None:
        return
    if isinstance(target, Chat):
        by_topic = source.forum and target.forum and mirror.target_topic is None
        await store.set_forum(mirror.id, by_topic)
    if not source.forum:
        return
    heard = await store.topics_heard(mirror.id, source.id)
    try:
        topics = await reader.topics(source.id)
    except (NotAuthorised, Transient, FloodWait, AccountFrozen):
        raise
    except TelegramError as error:
        # Each topic is fetched again when it gets a post.
        log.warning("topics could not be listed", mirror=mirror.name, why=error.line())
        return
    for gone in await store.take_topics(mirror.id, source.id, topics, heard=heard, now=clock.now()):
        log.warning("topic was deleted in the source, its copy stays", mirror=mirror.name, topic=gone.title)
