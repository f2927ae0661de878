"""Delivers alerts over the configured channels: the command and the account's message. One at a time.

Logs a failing channel at intervals, and once when it works again; this is never an alert.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Sequence

import structlog

from .. import __version__
from ..config.alerts import Alerts
from ..domain.clock import Clock
from ..domain.messages import Value
from ..domain.ports import Beat
from ..policy.alert_state import Alert, line
from ..system.log_setup import Repeated
from . import command

log = structlog.get_logger()

IDLE = 60.0
#: Seconds for a message: less than a service may promise the watchdog.
PATIENCE = 50.0

Send = Callable[[int | str, str], Awaitable[str]]


class Tried(Value, frozen=True, kw_only=True):
    """One channel, and why it failed; empty if it did not."""

    way: str
    why: str
    output: str = ""


class Channels:
    """Delivers over the channels. `send(chat, text)` sends a message and returns why that failed."""

    def __init__(self, clock: Clock, send: Send) -> None:
        self._send = send
        self._repeated = Repeated(clock, every=3600.0)
        self._one = asyncio.Lock()

    async def tell(self, settings: Alerts, alerts: Sequence[Alert], beat: Beat) -> list[Tried]:
        """Try every configured channel with these alerts as one message; return the results."""
        text = "\n".join(map(line, alerts))
        async with self._one:
            tried: list[Tried] = []
            if settings.command:
                beat(IDLE)
                tried.append(await self._command(settings.command, as_json(alerts, text)))
            if settings.chat:
                beat(IDLE)
                tried.append(await self._message(settings.chat, text))
            return tried

    async def _command(self, words: Sequence[str], text: bytes) -> Tried:
        ran = await command.run(words, text)
        why = ran.why or (f"exit status {ran.status}" if ran.status else "")
        if why:
            self._repeated.trouble("command", "alert command failed", why=why, output=ran.output or None)
        else:
            self._repeated.recovered("command", "alert command works again")
            log.debug("alert command ran", output=ran.output or None)
        return Tried(way="command", why=why, output=ran.output)

    async def _message(self, chat: int | str, text: str) -> Tried:
        try:
            async with asyncio.timeout(PATIENCE):
                why = await self._send(chat, text)
        except TimeoutError:
            why = f"no answer within {PATIENCE:.0f} s"
        if why:
            self._repeated.trouble("message", "alert message not sent", why=why)
        else:
            self._repeated.recovered("message", "alert messages are sent again")
        return Tried(way="chat", why=why)


def as_json(alerts: Sequence[Alert], text: str) -> bytes:
    """Return one JSON object on one line, the input of the command."""
    first = alerts[0]
    several = len(alerts) > 1
    told = {
        "program": "tgstreamd",
        "version": __version__,
        "host": socket.gethostname(),
        "event": first.event if not several else "several",
        "kind": first.kind if not several else "several",
        "mirror": first.mirror if not several else "",
        "what": first.text if not several else f"{len(alerts)} things at once",
        "hint": first.hint if not several else "tgstreamd status",
        "text": text,
        "since": round(first.since),
        "at": round(first.at),
        "alerts": [
            {"event": a.event, "kind": a.kind, "mirror": a.mirror, "what": a.text, "hint": a.hint}
            for a in alerts
        ],
    }
    return json.dumps(told, ensure_ascii=True).encode() + b"\n"
