"""Every trouble with Telegram, turned into one error of ours.

An RPC error is known by its own name and argument (`FILE_PART_3_MISSING`), never by the text that Telethon
makes of it: for errors that Telethon knows, `message` is not the name, and unknown 406s are all
`AuthKeyError` to it. A trouble without an answer of Telegram's is `Transient`: the outcome is unknown.
"""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from typing import Any, Final, Literal

import python_socks
from telethon import errors as rpc
from telethon.errors.rpcerrorlist import rpc_errors_dict, rpc_errors_re

from ..errors import (
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
from .sayings import HINTS, SAYINGS
from .wire import UnwritableError

#: Which of the two sides a call serves: it decides who is lost when a chat is.
Side = Literal["source", "target"]

#: What Telethon, the proxy library and the network raise. `CancelledError` is not among them: `Wire.ask`
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
    ValueError,  # Telethon's word for "not a request", "payload too big", "DC unknown"
)

_NAMES: Final[dict[type, str]] = {cls: name for name, cls in rpc_errors_dict.items() if name.isupper()}
_PATTERNS: Final[dict[type, str]] = {cls: pattern for pattern, cls in rpc_errors_re}

#: The login has ended, or was never completed. Any other 401 may be a fault of Telegram's that passes.
_LOGIN_ENDED = frozenset(
    {
        "AUTH_KEY_DUPLICATED",
        "SESSION_REVOKED",
        "SESSION_EXPIRED",
        "SESSION_PASSWORD_NEEDED",
        "USER_DEACTIVATED",
        "USER_DEACTIVATED_BAN",
    }
)
#: Whatever the code that Telethon's class for them has.
_LOGIN_UNKNOWN = frozenset({"AUTH_KEY_UNREGISTERED", "AUTH_KEY_INVALID", "AUTH_KEY_PERM_EMPTY"})
_TRANSIENT = frozenset(
    {
        "TIMEOUT",
        "MSG_WAIT_FAILED",
        "MSG_WAIT_TIMEOUT",
        "RPC_CALL_FAIL",
        "RPC_MCGET_FAIL",
        "WORKER_BUSY_TOO_LONG_RETRY",
        "PERSISTENT_TIMESTAMP_OUTDATED",
        "CONNECTION_NOT_INITED",
        "HISTORY_GET_FAILED",
        "POSTPONED_TIMEOUT",
    }
)
_CHAT_LOST = frozenset(
    {
        "CHANNEL_PRIVATE",
        "CHANNEL_INVALID",
        "CHANNEL_PUBLIC_GROUP_NA",
        "CHANNEL_BANNED",
        "CHAT_FORBIDDEN",
        "CHAT_ID_INVALID",
        "CHAT_INVALID",
        "USER_NOT_PARTICIPANT",
        "PEER_ID_INVALID",
        "PEER_ID_NOT_SUPPORTED",
        "INPUT_USER_DEACTIVATED",
        "CHAT_ADMIN_REQUIRED",
        "CHAT_RESTRICTED",
        "TOPIC_CLOSED",
        "TOPIC_DELETED",
        "TOPIC_ID_INVALID",
        "TOPIC_INVALID",
        "CHANNEL_FORUM_MISSING",
        "CHANNEL_MONOFORUM_UNSUPPORTED",
    }
)
#: Only a writing call says these, so it is the target that is lost, whoever asks.
_TARGET_LOST = frozenset(
    {
        "CHAT_WRITE_FORBIDDEN",
        "USER_BANNED_IN_CHANNEL",
        "CHAT_GUEST_SEND_FORBIDDEN",
        "USER_RESTRICTED",
        "SEND_AS_PEER_INVALID",
        "USER_IS_BLOCKED",
        "CHAT_SEND_PLAIN_FORBIDDEN",
        "SLOWMODE_MULTI_MSGS_DISABLED",
    }
)
_ALL_PARTS = frozenset(
    {
        "FILE_PARTS_INVALID",
        "FILE_PART_INVALID",
        "FILE_PART_LENGTH_INVALID",
        "FILE_PART_SIZE_CHANGED",
        "FILE_PART_SIZE_INVALID",
        "FILE_PART_TOO_BIG",
        "FILE_PART_TOO_SMALL",
        "MD5_CHECKSUM_INVALID",
    }
)
_CONFIG = frozenset({"API_ID_INVALID", "API_ID_PUBLISHED_FLOOD"})

_FLOOD = re.compile(r"(FLOOD_WAIT|FLOOD_PREMIUM_WAIT|FLOOD_TEST_PHONE_WAIT|SLOWMODE_WAIT)_(\d+)")
_PART_MISSING = re.compile(r"FILE_PART_(\d+)_MISSING")
_REFERENCE = re.compile(
    r"FILE_REFERENCE_(?:(\d+)_|ATTACH_|SOLUTION_|ANSWER_\d+_)?(?:COVER_)?(?:EXPIRED|INVALID|EMPTY)"
)
_MIGRATE = re.compile(r"(?:USER|PHONE|NETWORK)_MIGRATE_(\d+)")
_INTERDC = re.compile(r"INTERDC_\d+_CALL_(?:RICH_)?ERROR")
_PAYMENT = re.compile(r"ALLOW_PAYMENT_REQUIRED(?:_\d+)?")
#: Telethon's own words for it; they choose only ours.
_TELETHON_CUT = re.compile(r"Not connected|while disconnected|failed \d+ time")
_FILE_MIGRATE = re.compile(r"FILE_MIGRATE_(\d+)")


def name_of(error: Any) -> str:
    """Telegram's own name for an RPC error, with its argument: `FLOOD_WAIT_30`."""
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
    """The HTTP-like code; Telegram's negative ones (-503) as positive."""
    return abs(int(getattr(error, "code", 0) or 0))


def file_dc(error: BaseException) -> int | None:
    """The data centre that a `FILE_MIGRATE_X` points to."""
    if not isinstance(error, rpc.RPCError):
        return None
    match = _FILE_MIGRATE.fullmatch(name_of(error))
    return int(match[1]) if match else None


def method_of(request: Any) -> str:
    """`messages.sendMedia` for a `SendMediaRequest`, however deeply it is wrapped."""
    while (inner := getattr(request, "query", None)) is not None:
        request = inner
    cls = type(request)
    name = cls.__name__.removesuffix("Request")
    folder = cls.__module__.rsplit(".", 1)[-1]
    name = name[:1].lower() + name[1:]
    return name if folder in ("functions", "__init__") else f"{folder}.{name}"


def translate(error: BaseException, request: Any = None, side: Side = "source") -> TgstreamdError:
    """The error of ours for `error`, which `request` met while it served `side`."""
    if isinstance(error, TgstreamdError):
        return error
    method = method_of(request) if request is not None else "connection"
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
    return Transient(f"{method}: {_plain(error)}")


def unreachable(error: Transient) -> Transient:
    """The same for a person who waits: what could not be reached, and what to look at."""
    if isinstance(error, LoginUnknown):
        return error  # it was reached
    why = error.what.removeprefix("connection: ")
    hint = "is the network up? where only a proxy leads out, set telegram.proxy"
    return Transient(f"Telegram cannot be reached: {why}", error=error.error, hint=hint)


def _plain(error: BaseException) -> str:
    if isinstance(error, asyncio.IncompleteReadError | ConnectionResetError | BrokenPipeError):
        return "the connection was cut"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    text = str(error).split("\n")[0].strip()
    if isinstance(error, ConnectionError) and _TELETHON_CUT.search(text):
        return "the connection was cut"
    return text or type(error).__name__


def by_name(name: str, code: int, method: str, side: Side) -> TgstreamdError:
    """The table: an RPC error's name (and, where it is unknown, its code) to an error of ours."""
    upper = name.upper()
    said = _say(upper, method)
    hint = HINTS.get(upper, "")
    if special := _by_pattern(upper, method, said, side):
        return special
    if upper in _LOGIN_ENDED:
        return NotAuthorised(said, hint=hint or "tgstreamd login")
    if upper in _CONFIG:
        return ConfigError(said, hint=hint)
    if upper == "RANDOM_ID_DUPLICATE":
        return Duplicate(said, error=upper)
    if upper == "PEER_FLOOD":
        return AccountLimited(said, error=upper, hint=hint)
    if upper.startswith("FROZEN_"):
        return AccountFrozen(said, error=upper, hint=hint)
    if upper == "FLOOD_SKIP_FAILED_WAIT":
        return FloodWait(1, scope="method", method=method, error=upper)
    if upper in _ALL_PARTS:
        return PartsMissing(said, error=upper)
    if upper == "CHAT_FORWARDS_RESTRICTED":
        return SourceLost(said, error=upper, hint=hint)
    if upper in _TARGET_LOST:
        return TargetLost(said, error=upper, hint=hint)
    if upper in _CHAT_LOST:
        return (SourceLost if side == "source" else TargetLost)(said, error=upper, hint=hint)
    if upper in _TRANSIENT or code >= 500:
        return Transient(said, error=upper)
    if code == 401 or upper in _LOGIN_UNKNOWN:
        return LoginUnknown(said, error=upper)
    return Rejected(said, error=upper, hint=hint)


def _by_pattern(name: str, method: str, said: str, side: Side) -> TelegramError | TgstreamdError | None:
    if match := _FLOOD.fullmatch(name):
        scope: Literal["chat", "method"] = "chat" if match[1] == "SLOWMODE_WAIT" else "method"
        return FloodWait(max(1, int(match[2])), scope=scope, method=method, error=name)
    if match := _PART_MISSING.fullmatch(name):
        return PartsMissing(said, parts=(int(match[1]),), error=name)
    if (match := _REFERENCE.fullmatch(name)) or name == "FILEREF_UPGRADE_NEEDED":
        expired = MediaExpired(said, error=name)
        expired.index = int(match[1]) if match and match[1] else None
        return expired
    if match := _MIGRATE.fullmatch(name):
        return NotAuthorised(f"the account lives in data centre {match[1]} now", hint="tgstreamd login")
    if _INTERDC.fullmatch(name):
        return Transient(said, error=name)
    if _PAYMENT.fullmatch(name):
        return TargetLost("the target wants to be paid for messages", error=name)
    return None


def _say(name: str, method: str) -> str:
    sentence = SAYINGS.get(name)
    return f"{method}: {sentence} ({name})" if sentence else f"{method}: {name}"
