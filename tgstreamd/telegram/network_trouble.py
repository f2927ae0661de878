"""Explains in plain words why the server cannot be reached, or no longer, with what to do.

Only texts; `translate` decides what an error means for a call.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from typing import Any, Final

from telethon import errors as rpc

from ..domain.errors import LoginUnknown, TelegramError, Transient
from .error_messages import LATER
from .settings import Settings

#: Telethon's own messages; used only to choose ours.
_CUT: Final = re.compile(r"Not connected|while disconnected|failed \d+ time")
_FOREIGN_KEY: Final = re.compile(r"fingerprint")
_SYSTEM: Final = {
    errno.ECONNREFUSED: "the connection was refused",
    errno.ENETUNREACH: "no network leads there",
    errno.EHOSTUNREACH: "no way leads to that host",
    errno.ENETDOWN: "this machine's network is down",
    errno.EADDRNOTAVAIL: "this machine has no address for that network",
    errno.ETIMEDOUT: "no answer in time",
    errno.EPERM: "this machine does not permit the connection",
    errno.EACCES: "this machine does not permit the connection",
    errno.EMFILE: "this process has no file descriptor left",
    errno.ENFILE: "this machine has no file descriptor left",
}
_ALIEN: Final = "what answers there does not speak Telegram's protocol"
#: Longest possible packet.
_PACKET_MAX: Final = 1 << 24
#: Errors which mean that something other than Telegram answers.
_STRANGERS: Final = (
    rpc.SecurityError,
    rpc.InvalidChecksumError,
    rpc.InvalidBufferError,
    AssertionError,
)
#: Codes of transport errors (https://core.telegram.org/mtproto/mtproto-transports#transport-errors).
_TRANSPORT: Final = {429: "Telegram wants fewer connections (429)", 444: "this is not that data centre (444)"}


def reason(error: BaseException) -> str:
    """Return the error in plain words, or the system's message if there are none."""
    if isinstance(error, asyncio.IncompleteReadError) and (error.expected or 0) > _PACKET_MAX:
        return _ALIEN  # its first letters, read as a length
    if isinstance(error, asyncio.IncompleteReadError | ConnectionResetError | BrokenPipeError):
        return "the connection was cut"
    text = str(error).split("\n")[0].strip()
    if isinstance(error, ConnectionError) and _CUT.search(text):
        return "the connection was cut"
    if isinstance(error, socket.gaierror):
        return f"the name is not found ({error.strerror})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        return _SYSTEM[error.errno]
    if isinstance(error, rpc.SecurityError) and _FOREIGN_KEY.search(text):
        return "what answers there has another key than Telegram"
    if isinstance(error, rpc.InvalidBufferError):
        return _TRANSPORT.get(int(getattr(error, "code", 0) or 0), _ALIEN)
    if isinstance(error, rpc.InvalidChecksumError | AssertionError):
        return _ALIEN
    return getattr(error, "strerror", None) or text or type(error).__name__


def unreachable(error: Transient, settings: Settings) -> Transient:
    """Return the error for a waiting user: what could not be reached, and what to check."""
    if isinstance(error, LoginUnknown):
        return error  # it was reached
    why = error.what.removeprefix("connection: ")
    if isinstance(error.__cause__, rpc.RPCError):
        what = f"Telegram takes no connection just now: {why}"
        return Transient(what, error=error.error, hint=error.hint or LATER)
    hint = error.hint or _hint(error.__cause__, settings)
    return Transient(f"Telegram cannot be reached: {why}", error=error.error, hint=hint)


def explain(error: TelegramError) -> None:
    """Add to a refused login what to do, and a sentence if only the error's name is known."""
    if isinstance(error, LoginUnknown):
        return
    if error.error and error.what.endswith(f": {error.error}"):
        why = "has a fault just now" if isinstance(error, Transient) else "refuses it"
        error.what = f"Telegram {why}: {error.what}"
    error.hint = error.hint or LATER


def _hint(cause: Any, settings: Settings) -> str:
    if settings.proxy:
        return "is the network behind the proxy up?"
    if (server := settings.server) is not None:
        if isinstance(cause, rpc.SecurityError):
            return "telegram.server.public_key must be the key of that server"
        if isinstance(cause, socket.gaierror):
            return (
                f"telegram.server.address is {server.address}: does `getent hosts {server.address}` find it?"
            )
        return f"is the server up? telegram.server has it at {server.address}:{server.port}"
    if isinstance(
        cause, rpc.SecurityError | rpc.InvalidChecksumError | rpc.InvalidBufferError | AssertionError
    ):
        return "something on the way answers in Telegram's place: try another network"
    return "is the network up? where only a proxy leads out, set telegram.proxy"
