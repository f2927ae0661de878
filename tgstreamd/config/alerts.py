"""The table `[alerts]`: the channels of alerts, and the thresholds.

Judges what the file alone proves. `look`, for `check`, tells whether the command can be run here; whether
anything answers at the address shows when it is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from ..domain.errors import ConfigError
from . import rules


class Alerts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The three channels, and the thresholds."""

    #: Fetched once a minute while every mirror is caught up or making progress, and only then.
    heartbeat_url: str = ""
    #: A program and its arguments, run with each alert as JSON on its standard input.
    command: tuple[str, ...] = ()
    #: `me` or a chat: a message by the account itself.
    chat: int | str = ""
    #: Seconds by which the oldest waiting post may be late.
    lag: Annotated[float, Meta(ge=60, le=30 * 86400)] = 3600.0
    #: Seconds without any progress after which the heartbeat stops.
    stall: Annotated[float, Meta(ge=120, le=7 * 86400)] = 900.0
    #: Megabytes that must be free in the ledger's file system.
    free_mb: Annotated[int, Meta(ge=0, le=10**9)] = 200

    def __repr__(self) -> str:
        # Whoever knows the address can silence the monitor.
        return f"Alerts(command={self.command[:1]!r}, chat={self.chat!r}, …)"


def normalise(tree: dict[str, Any]) -> None:
    """Normalise the notation of a chat, in place. Raises ConfigError."""
    table = tree.get("alerts")
    if not isinstance(table, dict):
        return
    given = table.get("chat")
    if isinstance(given, int | str) and not isinstance(given, bool) and given not in ("", "me"):
        table["chat"] = rules.chat("alerts.chat", given)


def judge(alerts: Alerts, mirrors: Sequence[rules.Pair]) -> None:
    """Refuse values that can never work, or would notify nobody. Raises ConfigError."""
    if alerts.heartbeat_url:
        _check_address(alerts.heartbeat_url)
    if alerts.command:
        program = alerts.command[0]
        if not program.startswith("/"):
            hint = 'no shell and no PATH are between: command = ["/usr/bin/curl", "--fail", …]'
            raise ConfigError(f"alerts.command: {program!r} is not an absolute path", hint=hint)
        if any("\0" in word for word in alerts.command):
            raise ConfigError("alerts.command: a zero byte cannot be part of a command")
    if alerts.chat == "":
        return
    if not alerts.command and not alerts.heartbeat_url:
        what = "alerts.chat: must not be the only way: it goes by the account, which may be the one that died"
        raise ConfigError(what, hint="set alerts.heartbeat_url or alerts.command too")
    for mirror in mirrors:
        for side, chat in (("source", mirror.source), ("target", mirror.target)):
            if chat == alerts.chat:
                what = f'alerts.chat: is the {side} of mirror "{mirror.name}"'
                raise ConfigError(what, hint='use "me" (Saved Messages) or a chat of its own')


def _check_address(url: str) -> None:
    """Refuse an invalid address without repeating it: whoever knows it can silence the monitor."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(
            "alerts.heartbeat_url: is no http(s) address", hint="https://host/path, as your monitor shows it"
        )


def look(alerts: Alerts) -> list[dict[str, Any]]:
    """Return lines for `check`: the configured channels, and whether this user could run the command."""
    lines: list[dict[str, Any]] = []

    def add(level: str, text: str, remedy: str = "") -> None:
        lines.append({"level": level, "mirror": "", "subject": "alerts", "text": text, "remedy": remedy})

    if not alerts.heartbeat_url and not alerts.command:
        add("warn", "nobody is told when a mirror stands", "set alerts.heartbeat_url or alerts.command")
        return lines
    if alerts.heartbeat_url:
        secret = urlsplit(alerts.heartbeat_url)
        add("ok", f"a heartbeat to {secret.hostname} while every mirror gets on")
        if secret.scheme == "http" and secret.hostname not in ("localhost", "127.0.0.1", "::1"):
            text = "heartbeat_url goes over the network unencrypted"
            add("warn", text, "use https if the monitor has it")
    if alerts.command:
        program = alerts.command[0]
        if not os.path.isfile(program):
            text = f"command: {program} does not exist, or this user may not see it"
            add("warn", text, f"sudo ls -l {program}")
        elif not os.access(program, os.X_OK):
            add("warn", f"command: {program} cannot be executed", f"sudo chmod 755 {program}")
        else:
            add("ok", f"command: {program}")
    return lines
