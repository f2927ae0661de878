"""Defines the settings by which this package reaches Telegram, passed in by the caller.

A frozen struct and the two parsers that can fail: of the proxy's URL and of the server's public key. Both
raise ConfigError with the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from ..domain.errors import ConfigError

_PROXIES: Final[dict[str, tuple[str, int]]] = {
    "socks5": ("socks5", 1080),
    "socks5h": ("socks5", 1080),
    "socks4": ("socks4", 1080),
    "http": ("http", 8080),
}

#: `(kind, host, port, rdns, user, password)`, the order that Telethon unpacks.
ProxyTuple = tuple[str, str, int, bool, str | None, str | None]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server other than Telegram's own. `public_key` is its RSA key, PKCS#1 PEM (the text)."""

    dc_id: int
    address: str
    port: int
    public_key: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings by which an account reaches Telegram."""

    api_id: int
    api_hash: str
    #: The session file; None keeps the session in memory (and requires a `session_string`).
    session: Path | None = None
    #: A Telethon `StringSession`; takes precedence over another login in the file.
    session_string: str = ""
    #: `socks5://user:password@host:port`, `socks4://…`, `http://…`; empty for none.
    proxy: str = ""
    server: Server | None = None
    #: File connections for each data centre and direction; 0: as many as Telegram's own clients open.
    connections: int = 0


def parse_proxy(url: str) -> ProxyTuple | None:
    """Parse a proxy URL; None for an empty one. The proxy resolves host names. Raises ConfigError."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"the proxy's URL cannot be parsed: {error}") from error
    if parts.scheme not in _PROXIES:
        known = ", ".join(f"{scheme}://" for scheme in ("socks5", "socks4", "http"))
        raise ConfigError(f"a proxy of kind {parts.scheme or 'none'!r} is not known", hint=f"one of {known}")
    if not parts.hostname:
        raise ConfigError("the proxy's URL names no host", hint="socks5://user:password@host:port")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigError("the proxy's URL has something after the port", hint="socks5://host:port")
    kind, default = _PROXIES[parts.scheme]
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return kind, parts.hostname, default if port is None else port, True, user, password


def trust(server: Server | None) -> None:
    """Let the key exchange accept the server's own key. Raises ConfigError for an invalid one."""
    if server is None or not server.public_key:
        return
    # Imported here, so that reading a configuration does not wait for Telethon.
    import rsa
    from telethon.crypto.rsa import add_key

    try:
        key = rsa.PublicKey.load_pkcs1(server.public_key.encode())
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"the server's public key is not an RSA public key in PKCS#1 PEM: {error}",
            hint="it begins with -----BEGIN RSA PUBLIC KEY-----",
        ) from error
    if key.n.bit_length() != 2048:
        raise ConfigError(f"the server's public key has {key.n.bit_length()} bits, and must have 2048")
    add_key(server.public_key.encode(), old=False)
