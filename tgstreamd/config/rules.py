"""Validates the values of the configuration: each function returns a value or raises one ConfigError.

Pure. The errors name the key as written in the file (`mirror "main".source`) or the variable, the defect and,
where it is known, the correction.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import difflib
import ipaddress
import re
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from ..domain.errors import ConfigError
from ..policy.mirror_checks import Edge, cycle
from .filter_rules import filter_path

#: Seconds between two messages to one target that Telegram's own group limit (20 a minute) allows.
LEAST_INTERVAL = 3.5

#: The lowest marked id that a channel can have (https://core.telegram.org/api/bots/ids).
LEAST_ID = -1997852516352
CHAT_HINT = "write an id like -1001234567890, an @username or a t.me link; `tgstreamd chats` lists them"
HASH_HINT = "https://my.telegram.org gives one; here or in TG_API_HASH"
PROXIES = ("socks5", "socks5h", "socks4", "http")
#: Telegram's usernames (https://core.telegram.org/method/account.checkUsername), with the @ left out or not.
USERNAME = re.compile(r"@?[A-Za-z][A-Za-z0-9_]{3,31}")
LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:t|telegram)\.(?:me|dog)/(.+)", re.IGNORECASE)
PRIVATE_LINK = re.compile(r"c/(\d+)((?:/\d+)*)/?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
INVITE = re.compile(r"(?:\+|joinchat/)[\w-]+/?")


class Pair(Protocol):
    """The properties of a mirror that matter for loops."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> int | str: ...
    @property
    def target(self) -> int | str: ...
    @property
    def source_topic(self) -> int | None: ...
    @property
    def target_topic(self) -> int | None: ...


def mirror_path(tree: dict[str, Any], index: int) -> str:
    """Return a mirror's path for errors: by its name where it has one, else by its place, counted from 1."""
    mirrors = tree.get("mirror")
    mirror = mirrors[index] if isinstance(mirrors, list) else None
    name = mirror.get("name") if isinstance(mirror, dict) else None
    return f'mirror "{name}"' if isinstance(name, str) and name.isprintable() else f"mirror {index + 1}"


def known_keys(
    tree: dict[str, Any], table: type[msgspec.Struct], at: str = "", *, unwritten: Sequence[str] = ()
) -> None:
    """Refuse keys that `table` does not have; suggest the nearest one that it has.

    `unwritten` are fields that a file cannot set.
    """
    types_of = {k: v for k, v in typing.get_type_hints(table).items() if k not in unwritten}
    for key, value in tree.items():
        path = f"{at}.{key}" if at else key
        if key not in types_of:
            near = difflib.get_close_matches(key, types_of, n=1)
            hint = f"did you mean {near[0]}?" if near else f"keys here: {', '.join(types_of)}"
            raise ConfigError(f"{path} is not a key", hint=hint)
        inner = struct_of(types_of[key])
        if inner and isinstance(value, dict):
            known_keys(value, inner, path, unwritten=unwritten)
        elif inner and isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    of = filter_path(tree, index, at) if at else mirror_path(tree, index)
                    known_keys(item, inner, of, unwritten=unwritten)


def struct_of(hint: Any) -> type[msgspec.Struct] | None:
    """Return the struct inside `X`, `X | None` or `tuple[X, ...]`."""
    for kind in (hint, *typing.get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return kind
    return None


def whole(at: str, text: str) -> int:
    """Return the whole number in a variable."""
    if not re.fullmatch(r"-?\d{1,19}", text):
        raise ConfigError(f"{at}: not a whole number")
    return int(text)


def chat(at: str, value: int | str) -> int | str:
    """Return a chat's id where the value has one, else the @username or link as written."""
    if isinstance(value, str):
        value = _parse_chat(at, value.strip())
    if isinstance(value, str):
        return value
    if value > 0:
        hint = f"a supergroup or channel is -100{value}, a basic group -{value}; `tgstreamd chats` says which"
        raise ConfigError(f"{at}: {value} is a person's id, not a chat's", hint=hint)
    if value == 0 or value < LEAST_ID:
        raise ConfigError(f"{at}: {value} is no chat's id", hint=CHAT_HINT)
    return value


def _parse_chat(at: str, text: str) -> int | str:
    if re.fullmatch(r"-?\d{1,19}", text):
        return int(text)
    if USERNAME.fullmatch(text):
        return text if text.startswith("@") else f"@{text}"
    link = LINK.fullmatch(text)
    if link and (private := PRIVATE_LINK.fullmatch(link[1])):
        chat_id = int(f"-100{private[1]}")
        if private[2]:
            # The link does not tell a topic from a message: taking the whole chat would be a guess.
            hint = f"write {chat_id}, and the topic's number as source_topic or target_topic"
            raise ConfigError(f"{at}: this link names more than a chat", hint=hint)
        return chat_id
    if link and (INVITE.fullmatch(link[1]) or USERNAME.fullmatch(link[1].rstrip("/"))):
        return text
    raise ConfigError(f'{at}: "{text}" names no chat', hint=CHAT_HINT)


def history(at: str, value: object) -> str:
    """Return `all`, `none`, a message id, a date or an age in days, as text."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        if value in ("all", "none") or re.fullmatch(r"[1-9]\d{0,9}|[1-9]\d{0,4}d", value):
            return value
        try:
            return datetime.date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    hint = '"all", "none", a message id, a date like 2024-01-31, or an age like "90d"'
    raise ConfigError(f"{at}: {value!r} is not a beginning", hint=hint)


def session_string(text: str) -> str:
    """Check a Telethon string session: a 1, then 263 (IPv4) or 275 (IPv6) bytes of base64."""
    try:
        size = len(base64.urlsafe_b64decode(text[1:]))
    except (binascii.Error, ValueError):
        size = 0
    if not text.startswith("1") or size not in (263, 275):
        raise ConfigError(
            "TG_SESSION is not a Telethon string session", hint="unset it, and `tgstreamd login`"
        )
    return text


def public_key(file: Path) -> str:
    """Return the text of the RSA public key at `file`."""
    at = "telegram.server.public_key"
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"{at}: {file} cannot be read: {reason}") from None
    if "-----BEGIN RSA PUBLIC KEY-----" not in text:
        hint = "`openssl rsa -pubin -RSAPublicKey_out -in FILE` converts one"
        raise ConfigError(f"{at}: {file} is not an RSA public key in PKCS#1 PEM", hint=hint)
    return text


def api_hash(text: str, *, own_server: bool) -> None:
    """Check an API hash: Telegram's have 32 hexadecimal digits; another server's may be anything."""
    if not text.strip():
        raise ConfigError("telegram.api_hash is missing", hint=HASH_HINT)
    if not own_server and not re.fullmatch(r"[0-9a-fA-F]{32}", text):
        hint = "copy it from https://my.telegram.org"
        raise ConfigError("telegram.api_hash: not 32 hexadecimal digits", hint=hint)


def server_address(text: str) -> str:
    """Return the address of a server: IPv4, IPv6 (also in brackets) or a host name."""
    at, hint = "telegram.server.address", '"127.0.0.1", "::1" or a host name; the port is a key of its own'
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        # Digits and dots alone are meant as an address, and this one is invalid.
        good = bare == text and bool(_HOST.fullmatch(text)) and not re.fullmatch(r"[\d.]+", text)
    else:
        good = bare == text or parsed.version == 6
    if not good:
        raise ConfigError(f"{at}: {text!r} is no address", hint=hint)
    return bare


def proxy(url: str) -> None:
    """Refuse an invalid proxy address without repeating it: it may contain a password."""
    hint = "socks5://[user:password@]host:port, socks4://host:port or http://host:port"
    try:
        parts = urlsplit(url)
        # A port may be left out: each kind has its usual one.
        good = parts.scheme in PROXIES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigError("telegram.proxy: cannot be understood", hint=hint)


def intervals(interval: float, *, own_server: bool) -> None:
    """Refuse an interval below Telegram's limit, except for a server that is not Telegram's."""
    if interval < LEAST_INTERVAL and not own_server:
        what = f"pace.interval: {interval:g} s is less than {LEAST_INTERVAL} s"
        raise ConfigError(what, hint="Telegram blocks accounts that post faster than 20 messages a minute")


def names(given: Sequence[str]) -> None:
    """Check the mirrors' names, labels for `tgstreamd pause NAME`: printable and unique."""
    seen: set[str] = set()
    for index, name in enumerate(given, 1):
        if not name.strip() or not name.isprintable() or name != name.strip() or len(name) > 64:
            raise ConfigError(
                f"mirror {index}.name: must be 1 to 64 printable characters, without blank ends"
            )
        if name.startswith("-"):
            raise ConfigError(f"mirror {index}.name: must not begin with a dash")
        if name in seen:
            raise ConfigError(f'two mirrors are named "{name}"', hint="give each a name of its own")
        seen.add(name)


def loops(mirrors: Sequence[Pair]) -> None:
    """Refuse loops that the ids alone prove: the same pair twice, and circles."""
    pairs: dict[tuple[int | str | None, ...], str] = {}
    for mirror in mirrors:
        pair = (mirror.source, mirror.source_topic, mirror.target, mirror.target_topic)
        if pair in pairs:
            what = f'mirrors "{pairs[pair]}" and "{mirror.name}" are the same pair of chats'
            raise ConfigError(what, hint="remove one")
        pairs[pair] = mirror.name
    edges = [
        Edge(
            name=mirror.name,
            source=mirror.source,
            target=mirror.target,
            source_topic=mirror.source_topic,
            target_topic=mirror.target_topic,
        )
        for mirror in mirrors
        if isinstance(mirror.source, int) and isinstance(mirror.target, int)
    ]
    if circle := cycle(edges):
        around = " → ".join([*circle, circle[0]])
        what = f"mirrors feed each other in a circle: {around}"
        if len(circle) == 1:
            what = f'mirror "{circle[0]}" copies a chat into itself'
        raise ConfigError(what, hint="take one of them out, or write to another chat or topic")
