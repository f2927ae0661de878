"""The server: one listening port per data centre, CDN included, on loopback, one world behind them.

Owns connections and keys; gives tests what they script with (`faults`, `network`, `log`). Start and stop keep
the world and the ports; the keys too unless told otherwise.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from telethon.tl import types

from .connection import Connection
from .dispatch import Dispatcher
from .execution import Executor
from .faults import Faults
from .logins import Logins
from .mtproto.keyring import AuthKey, Keyring
from .mtproto.rsakey import CDN_KEY_FILE, ServerKey
from .mtproto.session import Session
from .mtproto.tl import gzipped
from .network import Network
from .older_layers import in_layer
from .requestlog import RequestLog
from .services import register_all
from .world import World
from .world.cdn import CDN_DC
from .world.peers import Account
from .world.telling import Told


class TelegramServer:
    """`async with TelegramServer(world) as tg:`; `ports` fixes a DC's port, else the system chooses."""

    def __init__(
        self,
        world: World | None = None,
        dcs: Iterable[int] = (2, 4),
        *,
        ports: dict[int, int] | None = None,
        key: ServerKey | None = None,
        keys_file: Path | None = None,
        wall: Callable[[], float] = time.time,
        dh_exponent: Callable[[], int] = lambda: int.from_bytes(os.urandom(256), "big"),
    ) -> None:
        self.world = world if world is not None else World()
        self.dcs = tuple(dcs)
        self.key = key if key is not None else ServerKey.load()
        #: The keys with which CDNs exchange keys, by data centre, and those that help.getCdnConfig tells of.
        self.cdn_exchange_keys = {CDN_DC: ServerKey.load(CDN_KEY_FILE)}
        self.cdn_keys = dict(self.cdn_exchange_keys)
        self.keys = Keyring()
        self.keys_file = keys_file
        #: The wire's clock: message ids are compared with the client's real time, whatever the world's says.
        self.wall = wall
        self.dh_exponent = dh_exponent
        self.network = Network()
        self.faults = Faults(self.world)
        self.log = RequestLog()
        self.logins = Logins(self, wall)
        self.dispatcher = Dispatcher()
        self.connections: set[Connection] = set()
        #: Exceptions that were this server's own fault; a test's fixture fails on them.
        self.bugs: list[Exception] = []
        #: What clients are told of a data centre's place, where something stands before it.
        self.told: dict[int, tuple[str, int]] = {}
        #: Whether a key that is used from two addresses at once loses its login (AUTH_KEY_DUPLICATED).
        self.one_address = False
        self._ports = dict(ports or {})
        #: Holds each port while nobody listens there, so that no other process of this machine is given it.
        self._places: dict[int, socket.socket] = {}
        self._listening: dict[int, asyncio.Server] = {}
        self._executor = Executor(self)
        self.world.push = self.push
        register_all(self.dispatcher)

    # Life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        for place in self._places.values():
            place.close()
        self._places.clear()

    async def start(self) -> None:
        """Listen; after a stop, on the same ports."""
        if self.keys_file is not None and self.keys_file.exists():
            self.keys.load(self.keys_file)
        loop = asyncio.get_running_loop()
        for dc_id in (*self.dcs, *self.cdn_exchange_keys):
            self._listening[dc_id] = await loop.create_server(
                lambda dc_id=dc_id: Connection(self, dc_id),  # type: ignore[misc]  # bound per round
                "127.0.0.1",
                self._place(dc_id),
                reuse_address=True,
                backlog=512,
            )

    def _place(self, dc_id: int) -> int:
        """The port of a data centre, which stays ours until the end."""
        if dc_id not in self._places:
            place = self._places[dc_id] = socket.socket()
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(("127.0.0.1", self._ports.get(dc_id, 0)))
            self._ports[dc_id] = place.getsockname()[1]
        return self._ports[dc_id]

    async def stop(self, *, keep_keys: bool = True) -> None:
        """Close ports and connections. The world stays; sessions are forgotten, as a restart forgets them."""
        # "auth_key may be deleted at any given moment": a CDN keeps nothing but in its memory.
        for cdn in self.cdn_exchange_keys:
            self.forget_keys(dc_id=cdn)
        self.save_keys()
        for listening in self._listening.values():
            listening.close()
        self._executor.cancel_all()
        self.cut()
        for listening in self._listening.values():
            await listening.wait_closed()
        self._listening.clear()
        if keep_keys:
            for key in self.keys:
                key.sessions.clear()
        else:
            self.keys.clear()

    def save_keys(self) -> None:
        """Write the keys and their logins to `keys_file`, if there is one."""
        if self.keys_file is not None:
            self.keys.save(self.keys_file)

    # Where and who

    @property
    def public_key_pem(self) -> str:
        return self.key.public_key_pem

    def address(self, dc_id: int = 2) -> tuple[str, int]:
        return "127.0.0.1", self._ports[dc_id]

    def dc_options(self) -> list[Any]:
        """What help.getConfig tells about the data centres."""
        places = {dc_id: self.told.get(dc_id, self.address(dc_id)) for dc_id in self._listening}
        return [
            types.DcOption(dc_id, *place, static=True, cdn=self.is_cdn(dc_id) or None)
            for dc_id, place in places.items()
        ]

    def is_cdn(self, dc_id: int) -> bool:
        return dc_id in self.cdn_exchange_keys

    def exchange_key(self, dc_id: int) -> ServerKey:
        """The RSA key by which a data centre proves who it is."""
        return self.cdn_exchange_keys.get(dc_id, self.key)

    def authorise(self, account: Account, dc_id: int | None = None) -> AuthKey:
        """A key that is logged in already, as if a client had done it all; `.key` has its 256 bytes."""
        material = b"\x01" + os.urandom(255)
        return self.keys.add(AuthKey(material, dc_id or account.home_dc, account.id))

    def revoke(self, account: Account, *, error: str = "SESSION_REVOKED") -> None:
        """End all logins of an account: every further request gets `error` (401)."""
        for key in self.keys.of_account(account.id):
            key.refusal = error
            self.world.files.forget_uploads(key.id)

    def elsewhere(self, session: Session) -> bool:
        """Whether the key of this session has a main connection from another address than this one's."""
        mine = session.connection and session.connection.host
        return any(
            other.wants_updates and other.connection is not None and other.connection.host != mine
            for other in session.key.sessions.values()
        )

    def log_out(self, key: AuthKey) -> None:
        """End the login of one key, and of those in other data centres that came from it."""
        for other in self.keys:
            if other is key or other.parent == key.id:
                other.account_id = other.half_login = None
                self.world.files.forget_uploads(other.id)
        self.save_keys()

    def forget_keys(self, account: Account | None = None, *, dc_id: int | None = None) -> None:
        """Drop keys (of an account, in a data centre): the next packet gets the transport error -404."""
        for key in list(self.keys):
            if (account is None or key.account_id == account.id) and dc_id in (None, key.dc_id):
                self.keys.remove(key)

    def rotate_salts(self) -> None:
        """Make every salt old: the next message of each session gets bad_server_salt."""
        for key in self.keys:
            key.rotate_salt()

    def cut(self, account: Account | None = None, *, dc_id: int | None = None) -> int:
        """Cut live connections (of an account, in a data centre); how many there were."""
        gone = [
            connection
            for connection in self.connections
            if (account is None or (connection.key is not None and connection.key.account_id == account.id))
            and (dc_id is None or connection.dc_id == dc_id)
        ]
        for connection in gone:
            connection.cut()
        return len(gone)

    # Sessions call this

    def serve(self, session: Session, msg_id: int, body: memoryview) -> None:
        self._executor.serve(session, msg_id, body)

    # The world calls this

    def push(self, account_id: int, updates: Any, except_session: int | None = None) -> None:
        """Deliver updates to the account's live sessions, except the one whose request made them."""
        keys = [key for key in self.keys.of_account(account_id) if key.refusal is None]
        if not keys:
            return
        account = self.world.peers.get(account_id)
        bodies: dict[int, bytes] = {}
        for key in keys:
            if account is not None and key.dc_id != account.home_dc:
                continue
            for session in key.sessions.values():
                if not session.wants_updates or session.connection is None or session.id == except_session:
                    continue
                layer = key.layer or 0
                if layer not in bodies:
                    said = updates.updates() if isinstance(updates, Told) else updates
                    bodies[layer] = gzipped(bytes(in_layer(said, layer)))
                self.deliver(session, bodies[layer])

    def deliver(self, session: Session, body: bytes) -> None:
        """Send one notification to a session over its connection."""
        session.send(body, answer=False, content=True)
        session.connection.flush_soon(session)
