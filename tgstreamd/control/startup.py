"""Answers at the control socket from the daemon's first second: by itself at first, then through the desk.

Before the daemon is connected it can tell its state and what it waits for, and change what lies in the
ledger; what only Telegram knows is refused with the reason of the wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..domain.errors import TgstreamdError
from ..ledger import Store
from ..policy.pacing import Pace
from .commands import CommandHandler
from .status import Live
from .telegram_commands import VERBS


class Reception:
    """`answer` is what the control socket calls; `hand_over` gives it the daemon's desk."""

    def __init__(
        self, store: Store, *, pace: Pace, now: Callable[[], float], configured: Sequence[str]
    ) -> None:
        #: Why the start takes so long.
        self.note = ""
        self._desk = CommandHandler(
            store,
            live=lambda: Live(state="starting"),
            pace=lambda: pace,
            now=now,
            changed=lambda: None,
            chats=self._not_yet,
            check=self._not_yet,
            configured=lambda: configured,
            rebuild=self._not_yet,
            asking=dict.fromkeys(VERBS, self._not_yet),
        )

    def hand_over(self, desk: CommandHandler) -> None:
        self._desk = desk

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """`control.Answer`."""
        answer = await self._desk.answer(request)
        # Also where a desk is there already: mirrors are judged one after the other, and may have to wait.
        return {**answer, "note": self.note} if answer.get("state") == "starting" else answer

    async def _not_yet(self, *_: object) -> NoReturn:
        raise TgstreamdError("the daemon is still starting", hint=self.note or "ask again in a moment")
