"""Stores the session: one file with the account's keys, replaced atomically, mode 0600.

Holds the key of the account's data centre, the keys of the other centres, all addresses, and the access
hashes of chats and users; never a name, a phone number or a text. Anybody with the file is logged in.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import struct
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import msgspec
from telethon.crypto import AuthKey
from telethon.sessions import MemorySession
from telethon.tl import types

from ..domain.errors import ConfigError, NotAuthorised
from .addresses import Address
from .settings import Server

#: Users kept; the oldest are forgotten beyond this, since they matter only for mentions.
USERS_MAX = 20_000


class _File(msgspec.Struct, kw_only=True):
    version: int = 1
    dc: int = 0
    address: str = ""
    port: int = 0
    key: bytes = b""
    #: The configured server through which this login was made; empty for Telegram's own.
    origin: str = ""
    #: Keys of other data centres, for files.
    keys: dict[int, bytes] = {}
    #: Addresses that Telegram (or the server of `origin`) named last.
    addresses: tuple[Address, ...] = ()
    #: Access hash and username by marked id.
    entities: dict[int, tuple[int, str]] = {}


class StoredSession(MemorySession):
    """Telethon's session in memory, backed by a file. `path` None keeps it in memory only."""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self.path = path
        self.keys: dict[int, bytes] = {}
        self.entities: dict[int, tuple[int, str]] = {}
        self.addresses: tuple[Address, ...] = ()
        self.origin = ""
        #: Data centre, address and port of a string session.
        self._given: tuple[int, str | None, int | None] | None = None
        self.dirty = False
        self._auth_key: Any = None
        self._writing = threading.Lock()

    @classmethod
    def load(cls, path: Path | None, string: str = "") -> StoredSession:
        """Load the session of `path`; a Telethon `string`, if given, takes precedence over another login in
        the file.

        Raises NotAuthorised for an unusable file, ConfigError for a malformed string.
        """
        self = cls(path)
        if path is not None and path.exists() and (file := read_file(path, needed=not string)):
            self._take(file)
        if string:
            dc, address, port, key = parse_string(string)
            if self._auth_key is None or self._auth_key.key != key:
                self.keys, self.entities, self.addresses, self.origin = {}, {}, (), ""
                self._auth_key = AuthKey(key)
                self.set_dc(dc, address, port)
                self.dirty = True
            # For the same login the file's address is at least as recent.
            self._given = dc, address, port
        return self

    def _take(self, file: _File) -> None:
        self._dc_id, self._server_address, self._port = file.dc, file.address or None, file.port or None
        self._auth_key = AuthKey(file.key) if file.key else None
        self.origin = file.origin
        self.addresses = file.addresses
        self.keys = dict(file.keys)
        self.entities = dict(file.entities)

    @property
    def has_key(self) -> bool:
        return bool(self._auth_key and self._auth_key.key)

    @property
    def key_id(self) -> int:
        """The id of the account's key as in MTProto, signed; 0 without a key."""
        number = self._auth_key.key_id if self.has_key else 0
        return int.from_bytes(number.to_bytes(8, "little"), "little", signed=True)

    def set_dc(self, dc_id: int, server_address: str | None, port: int | None) -> None:
        if (dc_id, server_address, port) != (self._dc_id, self._server_address, self._port):
            super().set_dc(dc_id, server_address, port)
            self.dirty = True

    def reach(self, server: Server | None) -> None:
        """Use the configured server, which takes precedence over any stored address of the same data centre.

        A login in another centre stays there: at the address that this server gave for it or, if it has given
        none yet, at one that it must be asked for.
        """
        origin = f"{server.address}:{server.port}" if server else ""
        moved = self.origin != origin
        if moved:
            self.origin, self.addresses, self.dirty = origin, (), True
        if server is not None and (not self.has_key or self._dc_id in (0, server.dc_id)):
            self.set_dc(server.dc_id, server.address, server.port)
        elif server is not None and moved:
            self.set_dc(self._dc_id, None, None)
        elif moved:
            # The stored address leads to a server that is no longer configured.
            self.set_dc(*(self._given or (self._dc_id, None, None)))

    @property
    def auth_key(self) -> Any:
        return self._auth_key

    @auth_key.setter
    def auth_key(self, value: Any) -> None:
        old = self._auth_key.key if self._auth_key else None
        self._auth_key = value
        if (value.key if value else None) != old:
            self.dirty = True

    def set_key(self, dc: int, key: bytes | None) -> None:
        """Store (or, with None, forget) the authorised key of another data centre."""
        if key is None:
            self.keys.pop(dc, None)
        else:
            self.keys[dc] = key
        self.dirty = True

    # Entities, by Telethon's session interface.

    def process_entities(self, tlo: Any) -> None:
        for user in getattr(tlo, "users", None) or ():
            if isinstance(user, types.User) and user.access_hash and not user.min:
                self._learn(user.id, user.access_hash, user.username)
        for chat in getattr(tlo, "chats", None) or ():
            if isinstance(chat, types.Channel | types.ChannelForbidden):
                # The hash of a `min` channel only permits downloading its photo.
                if chat.access_hash and not getattr(chat, "min", False):
                    self._learn(-1_000_000_000_000 - chat.id, chat.access_hash, getattr(chat, "username", ""))
            elif isinstance(chat, types.Chat | types.ChatForbidden):
                self._learn(-chat.id, 0, "")

    def _learn(self, marked: int, access_hash: int, username: str | None) -> None:
        row = (access_hash, (username or "").lower())
        if self.entities.get(marked) == row:
            return
        self.entities[marked] = row
        self.dirty = True
        if len(self.entities) > USERS_MAX:
            users = [entity for entity in self.entities if entity > 0]
            for entity in users[: len(users) // 10]:
                del self.entities[entity]

    def get_entity_rows_by_id(self, id: int, exact: bool = True) -> tuple[int, int] | None:
        candidates = (id,) if exact else (id, -id, -1_000_000_000_000 - id)
        return next(((c, self.entities[c][0]) for c in candidates if c in self.entities), None)

    def get_entity_rows_by_username(self, username: str) -> tuple[int, int] | None:
        wanted = username.lower()
        return next(((i, h) for i, (h, name) in self.entities.items() if name == wanted), None)

    def get_entity_rows_by_phone(self, phone: str) -> None:
        return None

    def get_entity_rows_by_name(self, name: str) -> None:
        return None

    # The file.

    def encode(self) -> bytes:
        return msgspec.json.encode(
            _File(
                dc=self._dc_id,
                address=self._server_address or "",
                port=self._port or 0,
                key=self._auth_key.key if self.has_key else b"",
                origin=self.origin,
                keys=self.keys,
                addresses=self.addresses,
                entities=self.entities,
            )
        )

    def save(self) -> None:
        """Replace the file if anything changed. Blocks for an fsync."""
        if self.path is not None and self.dirty:
            self.dirty = False
            self._write(self.path, self.encode())

    async def save_apart(self) -> None:
        """Save in a thread, without blocking the event loop."""
        if self.path is not None and self.dirty:
            self.dirty = False
            await asyncio.to_thread(self._write, self.path, self.encode())

    def _write(self, path: Path, content: bytes) -> None:
        try:
            with self._writing:
                write_file(path, content)
        except OSError:
            self.dirty = True
            raise

    def drop_unsafe(self) -> None:
        """Remove a file that was written but may not be durable; a file that is not ours stays."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                if self.path.read_bytes() == self.encode():
                    self.path.unlink()

    def delete(self) -> None:
        """Forget the login, on disk too."""
        self._auth_key = None
        self.keys, self.entities = {}, {}
        self.dirty = False
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def read_file(path: Path, *, needed: bool = True) -> _File | None:
    """Return the session in the file. Raises NotAuthorised for an invalid file if it is needed."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except PermissionError as error:
        raise NotAuthorised(
            f"the session {path} cannot be read: {error.strerror}",
            hint="use sudo, or run it as the user of the daemon",
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        if not needed:
            return None
        raise NotAuthorised(
            f"the session {path} is not a session of tgstreamd: {error}", hint="tgstreamd login"
        ) from error


def write_file(path: Path, content: bytes) -> None:
    """Write `content` atomically, mode 0600: `path` holds the old or the new content at any time."""
    new = path.with_name(path.name + ".new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()  # a partial file only takes space, which may be what is missing
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def parse_string(string: str) -> tuple[int, str, int, bytes]:
    """Return data centre, address, port and key of a Telethon `StringSession`. Raises ConfigError."""
    try:
        if string[:1] != "1":
            raise ValueError("version")
        raw = urlsafe_b64decode(string[1:])
        dc, ip, port, key = struct.unpack(f">B{len(raw) - 259}sH256s", raw)
        return dc, ipaddress.ip_address(ip).compressed, port, key
    except (ValueError, struct.error) as error:
        raise ConfigError("TG_SESSION is not a Telethon string session") from error


def to_string(session: StoredSession) -> str:
    """Return the same login as a Telethon `StringSession`."""
    packed = ipaddress.ip_address(session.server_address).packed
    raw = struct.pack(
        f">B{len(packed)}sH256s", session.dc_id, packed, session.port, session.auth_key.key
    )  # fmt: skip
    return "1" + urlsafe_b64encode(raw).decode()
