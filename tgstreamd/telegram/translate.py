"""Translates every error of talking to Telegram into one of our own.

An RPC error is identified by its own name and argument (`FILE_PART_3_MISSING`), never by Telethon's text: for
errors that Telethon knows, `message` is not the name, and unknown 406s are all `AuthKeyError` to it. An error
without an answer of Telegram's is `Transient`: the outcome is unknown.
"""

from __future__ import annotations

import asyncio
import math
import re
import struct
import zlib
from typing import Any, Final, Literal

import python_socks
from telethon import errors as rpc
from telethon.errors.rpcerrorlist import rpc_errors_dict, rpc_errors_re

from ..domain.errors import (
    AccountFrozen,
    AccountLimited,
    ConfigError,
    Duplicate,
    FloodWait,
    LoginUnknown,
    MediaExpired,
    NotAuthorised,
    PartsMissing,
    Rejected,
    SourceLost,
    TargetLost,
    TelegramError,
    TgstreamdError,
    Transient,
    Undecodable,
)
from ..domain.refusals import Row, row
from .error_messages import HINTS, SAYINGS
from .network_trouble import reason
from .wire import UnwritableError

#: The port that a call serves, which decides which chat is lost.
Side = Literal["source", "target"]

#: Exceptions of Telethon, the proxy library and the network. `CancelledError` is not among them: `Wire.ask`
#: never lets a cancelled future look like a cancelled task.
TROUBLES: Final[tuple[type[Exception], ...]] = (
    rpc.RPCError,
    rpc.TypeNotFoundError,
    rpc.AuthKeyNotFound,
    rpc.SecurityError,
    rpc.InvalidChecksumError,
    rpc.BadMessageError,
    BufferError,
    OSError,
    EOFError,
    TimeoutError,
    asyncio.IncompleteReadError,
    python_socks.ProxyError,
    python_socks.ProxyConnectionError,
    python_socks.ProxyTimeoutError,
    RuntimeError,  # Telethon's reader: a wrong constructor where it knows what must come
    struct.error,
    zlib.error,
    AssertionError,  # Telethon's key exchange asserts what the other end says
    ValueError,  # Telethon's error for "not a request", "payload too big", "DC unknown"
)

_NAMES: Final[dict[type, str]] = {cls: name for name, cls in rpc_errors_dict.items() if name.isupper()}
_PATTERNS: Final[dict[type, str]] = {cls: pattern for pattern, cls in rpc_errors_re}

_WAIT = re.compile(r"_(\d+)(?=_|$)")
_PART_MISSING = re.compile(r"FILE_PART_(\d+)_MISSING")
_REFERENCE = re.compile(r"FILE_REFERENCE_(\d+)_.*")
_MIGRATE = re.compile(r"(?:USER|PHONE|NETWORK)_MIGRATE_(\d+)")
#: Seconds of a wait without a stated length, and the longest accepted from an error under another name.
UNSAID, LONGEST = 60, 3600
#: The trailing number of some names: the price of a message, or the failing server's number.
_ARGUMENT = re.compile(r"_\d+$")
_FILE_MIGRATE = re.compile(r"FILE_MIGRATE_(\d+)")


def name_of(error: Any) -> str:
    """Return Telegram's own name of an RPC error, with its argument: `FLOOD_WAIT_30`."""
    cls = type(error)
    if cls in _NAMES:
        return _NAMES[cls]
    if cls in _PATTERNS:
        argument = next(
            (getattr(error, field) for field in ("seconds", "which", "new_dc", "dc", "x", "code_length",
                                                 "minutes") if isinstance(getattr(error, field, None), int)),
            0,
        )  # fmt: skip
        return re.sub(r"\(\\d\+\)", str(argument), _PATTERNS[cls])
    return str(error.message or "")


def code_of(error: Any) -> int:
    """Return the HTTP-like code; Telegram's negative ones (-503) as positive."""
    return abs(int(getattr(error, "code", 0) or 0))


def file_dc(error: BaseException) -> int | None:
    """Return the data centre of a `FILE_MIGRATE_X`."""
    if not isinstance(error, rpc.RPCError):
        return None
    match = _FILE_MIGRATE.fullmatch(name_of(error))
    return int(match[1]) if match else None


def method_of(request: Any) -> str:
    """Return the method of a request, however deeply wrapped: `messages.sendMedia` for `SendMediaRequest`."""
    while (inner := getattr(request, "query", None)) is not None:
        request = inner
    cls = type(request)
    name = cls.__name__.removesuffix("Request")
    folder = cls.__module__.rsplit(".", 1)[-1]
    name = name[:1].lower() + name[1:]
    return name if folder in ("functions", "__init__") else f"{folder}.{name}"


def translate(error: BaseException, request: Any = None, side: Side = "source") -> TgstreamdError:
    """Return our error for `error`, raised by `request` while serving `side`."""
    if isinstance(error, TgstreamdError):
        return error
    method = method_of(request) if request is not None else "connection"
    ours = _ours(error, method, side)
    if isinstance(ours, TelegramError) and (request is not None or isinstance(error, rpc.RPCError)):
        ours.method = method
    return ours


def _ours(error: BaseException, method: str, side: Side) -> TgstreamdError:
    if isinstance(error, rpc.RPCError):
        return by_name(name_of(error), code_of(error), method, side)
    if isinstance(error, rpc.TypeNotFoundError):
        return Undecodable(
            f"{method}: the answer holds an object unknown to this layer "
            f"({error.invalid_constructor_id:08x})",
            hint="a newer version of tgstreamd may know it",
        )
    if isinstance(error, rpc.AuthKeyNotFound) or getattr(error, "code", None) == 404:
        return LoginUnknown(
            f"{method}: Telegram does not know the key of this session", error="AUTH_KEY_UNKNOWN"
        )
    if isinstance(error, TimeoutError):
        return Transient(f"{method}: no answer in time", error="TIMEOUT")
    if isinstance(error, RuntimeError | struct.error | zlib.error):
        return Undecodable(f"{method}: the answer cannot be read")
    if isinstance(error, UnwritableError):
        return Rejected(f"{method}: the request cannot be written: {error}", error="UNWRITABLE")
    if isinstance(error, ValueError) and "too big" in str(error):
        return Rejected(f"{method}: larger than a packet may be", error="UNWRITABLE")
    return Transient(f"{method}: {reason(error)}", hint=getattr(error, "hint", ""))


def by_name(name: str, code: int, method: str, side: Side) -> TgstreamdError:
    """Return our error for an RPC error: by the table or, for a name not in it, by its code."""
    upper = name.upper() or f"ERROR_{code}"
    said, hint = _say(upper, method), HINTS.get(_ARGUMENT.sub("", upper), "")
    found = row(upper, method)
    error = _by_code(upper, code, method, said) if found.unknown else None
    return error or _by_row(found, upper, method, said, hint, side)


def _by_row(found: Row, name: str, method: str, said: str, hint: str, side: Side) -> TgstreamdError:
    match found.then:
        case "log in":
            return NotAuthorised(said, hint=hint or "tgstreamd login")
        case "login unknown":
            if match := _MIGRATE.fullmatch(name):
                said = f"{method}: the account lives in data centre {match[1]} now ({name})"
            return LoginUnknown(said, error=name)
        case "configuration":
            return ConfigError(said, hint=hint)
        case "wait":
            return _flood(name, method)
        case "limited":
            return AccountLimited(said, error=name, hint=hint)
        case "frozen":
            return AccountFrozen(said, error=name, hint=hint)
        case "again":
            return Transient(said, error=name, hint=hint)
        case "sent before":
            return Duplicate(said, error=name)
        case "refresh":
            expired = MediaExpired(said, error=name)
            item = _REFERENCE.fullmatch(name)
            expired.index = int(item[1]) if item else None
            return expired
        case "parts":
            missing = _PART_MISSING.fullmatch(name)
            return PartsMissing(said, parts=(int(missing[1]),) if missing else (), error=name)
        case "ask source":
            return SourceLost(said, error=name, hint=hint)
        case "ask chat" | "topic" | "pay":
            return (SourceLost if side == "source" else TargetLost)(said, error=name, hint=hint)
    return Rejected(said, error=name, hint=hint)


def _by_code(name: str, code: int, method: str, said: str) -> TgstreamdError | None:
    """Return the error that the code alone implies for an unknown name; None if it implies none."""
    if code == 420:
        return _flood(name, method, most=LONGEST)
    if code >= 500:
        return Transient(said, error=name)
    # A 401 that does not say that the login has ended may be a temporary fault of Telegram's.
    return LoginUnknown(said, error=name) if code == 401 else None


def _flood(name: str, method: str, most: float = math.inf) -> FloodWait:
    scope: Literal["chat", "method"] = "chat" if name.startswith("SLOWMODE_") else "method"
    seconds = _WAIT.search(name)
    if name.startswith("FLOOD_SKIP_FAILED_WAIT"):
        wait = 1.0  # whatever number it names, as TDLib has it
    else:
        wait = min(most, float(seconds[1])) if seconds else float(UNSAID)
    return FloodWait(max(1, int(wait)), scope=scope, method=method, error=name)


def _say(name: str, method: str) -> str:
    sentence = SAYINGS.get(_ARGUMENT.sub("", name))
    return f"{method}: {sentence} ({name})" if sentence else f"{method}: {name}"
