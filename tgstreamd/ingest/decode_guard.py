"""Wraps the reading port so that one message which cannot be decoded does not stop the others.

An unexpected exception while an answer is converted to domain types becomes `Undecodable`: the gap is then
closed page by page, the page halved, and the message parked in its place. Changes nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import structlog

from ..domain.errors import TgstreamdError, Undecodable
from ..domain.messages import Box, Message
from ..domain.ports import Source
from ..domain.updates import Difference

log = structlog.get_logger()


class DecodeGuard:
    """A `ports.Source` that wraps another one."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def difference(self, chat: int, box: Box) -> Difference:
        return await _guard(self._source.difference(chat, box), chat=chat)

    async def history(
        self, chat: int, *, after: int, topic: int | None = None, limit: int = 100
    ) -> tuple[Message, ...]:
        work = self._source.history(chat, after=after, topic=topic, limit=limit)
        return await _guard(work, chat=chat, after=after)

    async def messages(self, chat: int, ids: Sequence[int]) -> dict[int, Message]:
        return await _guard(self._source.messages(chat, ids), chat=chat)


async def _guard[T](work: Awaitable[T], **names: int) -> T:
    """Return the result of `work`. Raises our own errors unchanged, and Undecodable for any other."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
    error = task.exception()
    if error is None or isinstance(error, TgstreamdError) or not isinstance(error, Exception):
        return task.result()
    log.error("an answer broke us", **names, exc_info=error)
    raise Undecodable(f"{type(error).__name__}: {error}") from error
