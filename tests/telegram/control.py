"""The control socket of process mode: one JSON object a line, on loopback, each answered by one.

`{"do": "cut", "account": 7}` is answered by `{"ok": true, "result": 1}` or `{"ok": false, "error": "…"}`.
Owns the commands and a small client for them. Everything it does, a test can do in process.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import ipaddress
import json
import struct
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Self

from .codes import Sent
from .faults import Fault
from .requestlog import Transfer
from .server import TelegramServer
from .world.peers import Account

Command = Callable[..., Awaitable[Any]]


async def run_scenario(tg: TelegramServer, name: str, args: dict[str, Any]) -> dict[str, Any]:
    """Call `async def NAME(tg, args) -> dict` of tests/telegram/scenarios.py."""
    module = importlib.import_module("tests.telegram.scenarios")
    scenario = getattr(module, name, None)
    if scenario is None or name.startswith("_"):
        raise LookupError(f"no scenario {name!r} in tests/telegram/scenarios.py")
    result = await scenario(tg, args)
    return dict(result or {})


def session_string(tg: TelegramServer, account: Account, dc_id: int | None = None) -> dict[str, Any]:
    """A new login of `account`: its key, and the same as Telethon's string session."""
    key = tg.authorise(account, dc_id)
    tg.save_keys()
    host, port = tg.address(key.dc_id)
    packed = struct.pack(">B4sH256s", key.dc_id, ipaddress.ip_address(host).packed, port, key.key)
    return {
        "account": account.id,
        "dc_id": key.dc_id,
        "host": host,
        "port": port,
        "key": key.key.hex(),
        "telethon": "1" + base64.urlsafe_b64encode(packed).decode(),
    }


def _transfers(transfers: dict[int, Transfer]) -> dict[str, Any]:
    return {
        str(file_id): {"parts": t.parts, "distinct": len(t.seen), "bytes": t.bytes}
        for file_id, t in transfers.items()
    }


class Control:
    """Serves the commands until `finished` is set by the command `stop`."""

    def __init__(self, tg: TelegramServer) -> None:
        self._tg = tg
        self._listening: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.finished = asyncio.Event()
        self.port = 0

    async def start(self, port: int = 0) -> None:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 24)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        for writer in list(self._open):
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        self._open.discard(writer)
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            name = request.pop("do")
            command: Command | None = getattr(self, f"do_{name}", None)
            if command is None:
                known = sorted(n[3:] for n in dir(self) if n.startswith("do_"))
                raise LookupError(f"unknown command {name!r}; known: {', '.join(known)}")
            return {"ok": True, "result": await command(**request)}
        # Whatever a command stumbles over is the answer to whoever gave it.
        except Exception as error:  # noqa: BLE001  # see above
            text = "".join(traceback.format_exception_only(error)).strip()
            return {"ok": False, "error": text}

    def _account(self, account: int | str) -> Account:
        peers = self._tg.world.peers
        found = peers.get(account) if isinstance(account, int) else None
        if isinstance(account, str):
            found = peers.by_username(account) or peers.by_phone(account)
        if found is None:
            raise LookupError(f"no account {account!r}")
        return found

    # Commands

    async def do_ping(self) -> str:
        return "pong"

    async def do_stop(self) -> None:
        self.finished.set()

    async def do_address(self) -> dict[str, Any]:
        return describe(self._tg, self)

    async def do_tell_address(self, dc_id: int, host: str, port: int, media: bool = False) -> None:
        """Tell clients that a data centre (its place for media) is there: something stands before it."""
        (self._tg.told_media if media else self._tg.told)[dc_id] = host, port

    async def do_parallel_sessions(self, tmp_sessions: int | None = None, media_only: bool = True) -> None:
        """How many main sessions a key may have at once, and whether there are places for media."""
        self._tg.tmp_sessions, self._tg.media_only = tmp_sessions, media_only

    async def do_one_address(self) -> None:
        """From now on a key that is used from two addresses at once loses its login."""
        self._tg.one_address = True

    async def do_counters(self) -> dict[str, Any]:
        """What was asked of the server so far."""
        log, server = self._tg.log, self._tg
        return {
            "methods": dict(log.counts),
            "errors": dict(log.errors),
            "uploads": _transfers(log.uploads),
            "downloads": _transfers(log.downloads),
            "at_media": dict(log.at_media),
            "bytes_received": log.bytes_received,
            "bytes_sent": log.bytes_sent,
            "connections": len(server.connections),
            "violations": list(server.faults.violations),
            "unknown": list(server.dispatcher.unknown),
            "bugs": [repr(bug) for bug in server.bugs],
        }

    async def do_clear_counters(self) -> None:
        self._tg.log.clear()

    async def do_fault(self, **fields: Any) -> None:
        """Add a fault; the fields of faults.Fault but `when` and `gate`."""
        self._tg.faults.add(Fault(**fields))

    async def do_clear_faults(self) -> None:
        self._tg.faults.clear()

    async def do_flood(self, account: int | str, method: str, seconds: float) -> None:
        self._tg.faults.flood(self._account(account).id, method, seconds)

    async def do_network(self, **settings: float) -> dict[str, float]:
        """Set latency (seconds), upload and download (bytes per second and connection); what is in force."""
        network = self._tg.network
        for name, value in settings.items():
            if name not in ("latency", "upload", "download"):
                raise LookupError(f"no network setting {name!r}")
            setattr(network, name, float(value))
        return {"latency": network.latency, "upload": network.upload, "download": network.download}

    async def do_cut(self, account: int | str | None = None, dc_id: int | None = None) -> int:
        return self._tg.cut(self._account(account) if account is not None else None, dc_id=dc_id)

    async def do_restart(self, keep_keys: bool = True, down: float = 0.0) -> None:
        """Stop listening for `down` seconds, then go on."""
        await self._tg.stop(keep_keys=keep_keys)
        await asyncio.sleep(down)
        await self._tg.start()

    async def do_add_account(self, **fields: Any) -> int:
        return self._tg.world.peers.add_account(**fields).id

    async def do_set_account(self, account: int | str, **fields: Any) -> None:
        """Change fields of an account: premium, frozen, spam_limited, password, …"""
        found = self._account(account)
        for name, value in fields.items():
            if not hasattr(found, name):
                raise LookupError(f"accounts have no {name!r}")
            setattr(found, name, value)

    async def do_session(self, account: int | str, dc_id: int | None = None) -> dict[str, Any]:
        return session_string(self._tg, self._account(account), dc_id)

    async def do_revoke(self, account: int | str, error: str = "SESSION_REVOKED") -> None:
        self._tg.revoke(self._account(account), error=error)

    async def do_code_ways(self, phone: str, ways: list[dict[str, Any]]) -> None:
        """How login codes are sent to this number; the fields of codes.Sent."""
        self._tg.logins.ways["".join(filter(str.isdigit, phone))] = [Sent(**way) for way in ways]

    async def do_accept_login(self, account: int | str, token: str) -> None:
        """Scan the QR code with this token (base64url, as in tg://login?token=…)."""
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        self._tg.logins.accept(raw, self._account(account))

    async def do_forget_keys(self, account: int | str | None = None) -> None:
        self._tg.forget_keys(self._account(account) if account is not None else None)

    async def do_rotate_salts(self) -> None:
        self._tg.rotate_salts()

    async def do_promise(self, **fields: Any) -> None:
        """What is kept of `random_id`s (`lasting`, `told`, `of_gone`) and uploads (`taken_once`)."""
        chats, files = self._tg.world.chats, self._tg.world.files
        for name, value in fields.items():
            owner = files.uploads if name == "taken_once" else chats.random_ids
            if name not in ("lasting", "told", "of_gone", "taken_once"):
                raise LookupError(f"nothing is promised by the name of {name!r}")
            setattr(owner, name, value)

    async def do_forget_random_ids(self) -> None:
        self._tg.world.chats.forget_random_ids()

    async def do_expire_references(self) -> None:
        self._tg.world.files.expire_references()

    async def do_forget_part(self, part: int, file_id: int | None = None) -> int:
        return self._tg.world.files.uploads.forget_part(part, file_id=file_id)

    async def do_add_document(
        self, size: int, account: int | str, seed: int = 1, dc_id: int = 2
    ) -> dict[str, Any]:
        """A document with generated content, and how `account` may name it."""
        files, viewer = self._tg.world.files, self._account(account)
        stored = files.add_document(files.generated(size, seed), dc_id=dc_id)
        shown = files.document(stored, viewer.id)
        return {
            "id": shown.id,
            "access_hash": shown.access_hash,
            "file_reference": shown.file_reference.hex(),
            "dc_id": dc_id,
            "size": size,
        }

    async def do_scenario(self, name: str, **args: Any) -> dict[str, Any]:
        """Seed, post, look: whatever tests/telegram/scenarios.py offers."""
        return await run_scenario(self._tg, name, args)


def describe(tg: TelegramServer, control: Control | None) -> dict[str, Any]:
    """Where to find this server, and by which key to know it."""
    return {
        "dcs": {str(dc_id): list(tg.address(dc_id)) for dc_id in tg.dcs},
        "media": {str(dc_id): list(tg.address(dc_id, media=True)) for dc_id in tg.dcs},
        "public_key": tg.public_key_pem,
        "control": control.port if control is not None else None,
    }


class ControlClient:
    """`async with ControlClient(port) as control: await control("cut", account="alice")`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def __call__(self, do: str, **fields: Any) -> Any:
        """Give one command; its result, or RuntimeError with what went wrong."""
        async with self._lock:
            self._writer.write(json.dumps({"do": do} | fields).encode() + b"\n")
            line = await self._reader.readline()
        if not line:
            raise ConnectionError("the control socket was closed")
        answer = json.loads(line)
        if not answer["ok"]:
            raise RuntimeError(answer["error"])
        return answer["result"]
