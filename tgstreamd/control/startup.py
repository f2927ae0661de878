"""Answers at the control socket from the daemon's first second: by itself at first, then by its command
handler.

Before the daemon is connected it reports its state and what it waits for, and changes the ledger; commands
that need Telegram are refused with the reason for the wait.
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
    """Answers requests while the daemon starts; `hand_over` passes the daemon's command handler."""

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
        """Answer a request as `control_socket.Answer`."""
        answer = await self._desk.answer(request)
        # Checked with a handler too: mirrors are admitted one after the other, and may have to wait.
        return {**answer, "note": self.note} if answer.get("state") == "starting" else answer

    async def _not_yet(self, *_: object) -> NoReturn:
        raise TgstreamdError("the daemon is still starting", hint=self.note or "ask again in a moment")
