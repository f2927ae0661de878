"""Sends a command's requests that need Telegram to the running daemon, or over a connection of its own.

With the daemon stopped, connection, lock and ledger are held from the first request to the last.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ..config import Config
from ..domain.clock import SystemClock
from . import context

Ask = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Asking:
    """Answers requests: `async with asking(config, "verify") as ask: answer = await ask({"verb": …})`."""

    def __init__(self, config: Config, verb: str, stack: contextlib.AsyncExitStack) -> None:
        self._config = config
        self._verb = verb
        self._stack = stack
        self._alone: Ask | None = None

    async def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._alone is None:
            answer = await asyncio.to_thread(context.daemon, self._config.paths, request)
            if answer is not None:
                return answer
            self._alone = await self._stack.enter_async_context(_alone(self._config, self._verb))
        return await self._alone(request)


@contextlib.asynccontextmanager
async def asking(config: Config, verb: str) -> AsyncIterator[Ask]:
    async with contextlib.AsyncExitStack() as stack:
        yield Asking(config, verb, stack)


@contextlib.asynccontextmanager
async def _alone(config: Config, verb: str) -> AsyncIterator[Ask]:
    from ..control.telegram_commands import questions
    from ..domain.ports import SecretIds
    from .remote import connected  # imports Telethon, which is slow

    context.become_owner(config.paths)
    context.need_ledger(config.paths)
    async with (
        context.holding(config.paths, verb),
        connected(config) as connection,
        context.open_store(config.paths) as store,
    ):
        asked = questions(lambda: config, connection, store, ids=SecretIds(), now=SystemClock().now)
        yield lambda request: asked[request["verb"]](request)
