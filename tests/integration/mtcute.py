"""mtcute as a client of the conversation tests: a node process, and its objects as attributes.

Owns the process (one a run), the JSON lines to it and the schema that comes with mtcute, by which an object
has all its fields, the absent ones as None, as with the other libraries. Owns no fixture.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Self

from tests.fakes import HANG
from tests.telegram.mtproto.keyring import AuthKey
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account

from .speakers import Refused, Speaker

FOLDER = Path(__file__).parent.parent / "third_client"
SCHEMA = FOLDER / "node_modules/@mtcute/core/tl/api-schema.json"
#: One line may hold a page of a history.
LINE_LIMIT = 32 * 1024 * 1024


class Program:
    """The node process that mtcute runs in; it ends with its standard input."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", str(FOLDER / "speak.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.port: int = json.loads(self._process.stdout.readline())["port"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Failed(Exception):
    """mtcute refused by itself: the name of its error's class, and what it said."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class Line:
    """One connection to the process: commands out, answers and what clients hear in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._heard: dict[str, asyncio.Queue[Any]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, program: Program) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", program.port, limit=LINE_LIMIT))

    async def close(self) -> None:
        self._reading.cancel()
        self._writer.close()
        await self._writer.wait_closed()

    def updates_of(self, client: str) -> asyncio.Queue[Any]:
        return self._heard.setdefault(client, asyncio.Queue())

    async def ask(self, command: str, client: str, **fields: Any) -> Any:
        """One command. Telegram's error is a `Refused`, mtcute's own a `Failed`."""
        number = next(self._numbers)
        answered = self._waiting[number] = asyncio.get_running_loop().create_future()
        line = {"id": number, "do": command, "client": client, **{k: packed(v) for k, v in fields.items()}}
        self._writer.write(json.dumps(line).encode() + b"\n")
        async with asyncio.timeout(HANG):
            answer = await answered
        if "error" not in answer:
            return unpacked(answer["result"])
        error = answer["error"]
        if error["name"] == "RpcError":
            raise Refused(error["code"], error["message"].rpartition(": ")[2])
        raise Failed(error["name"], error["message"])

    async def _read(self) -> None:
        while line := await self._reader.readline():
            said = json.loads(line)
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            else:
                self.updates_of(said["client"]).put_nowait(unpacked(said["update"]))
        for answered in self._waiting.values():
            answered.set_exception(ConnectionError("the node process has ended; its last words are above"))


# Objects


class Thing:
    """An object of Telegram's: its fields as attributes, all that the constructor has."""

    schema: dict[str, Any]

    def __init__(self, /, **fields: Any) -> None:
        names = [a["name"] for a in self.schema["arguments"] if a["type"] != "#"]
        if unknown := fields.keys() - set(names):
            raise TypeError(f"{self.schema['name']} has no {', '.join(sorted(unknown))}")
        flags = {a["name"] for a in self.schema["arguments"] if a["type"] == "true"}
        for name in names:
            setattr(self, name, fields.get(name, False if name in flags else None))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # mutable, and never a key

    def __repr__(self) -> str:
        said = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if v is not None and v is not False)
        return f"{type(self).__name__}({said})"


@cache
def schema() -> dict[tuple[str, str], Any]:
    """mtcute's own description of its layer, by kind (class, method) and name."""
    return {(entry["kind"], entry["name"]): entry for entry in json.loads(SCHEMA.read_text())["e"]}


@cache
def layer() -> int:
    return int(json.loads(SCHEMA.read_text())["l"])


@cache
def thing(kind: str, name: str) -> type[Thing]:
    """The class of a constructor or method by its name in the schema."""
    short = name.rpartition(".")[2]
    return type(short[0].upper() + short[1:], (Thing,), {"schema": schema()[kind, name]})


def lower(name: str) -> str:
    """`messages.getHistory` of `messages.GetHistory`, `inputPeerUser` of `InputPeerUser`."""
    space, dot, short = name.rpartition(".")
    return space + dot + short[0].lower() + short[1:]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def packed(value: Any, kind: str = "") -> Any:
    """For a line: `kind` is the type that the schema gives a field."""
    if isinstance(value, Thing):
        said = {"_": value.schema["name"]}
        for argument in value.schema["arguments"]:
            inner = getattr(value, argument["name"], None)
            if inner is not None and (inner is not False or argument["type"] == "Bool"):
                said[camel(argument["name"])] = packed(inner, argument["type"])
        return said
    if isinstance(value, list | tuple):
        return [packed(item, kind) for item in value]
    if isinstance(value, dict):
        return {name: packed(item) for name, item in value.items()}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if kind == "long":
        return {"$long": str(value)}
    return value


def unpacked(value: Any) -> Any:
    """From a line: objects become things, 64-bit numbers and bytes what they are in Python."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$long" in value:
        return int(value["$long"])
    if "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    if "_" not in value:
        return {name: unpacked(item) for name, item in value.items()}
    kind = thing("class", value["_"])
    names = {camel(a["name"]): a["name"] for a in kind.schema["arguments"]}
    return kind(**{names[name]: unpacked(item) for name, item in value.items() if name != "_"})


# Clients


class MtcuteClient:
    """One mtcute client behind the line."""

    def __init__(self, line: Line, name: str) -> None:
        self._line = line
        self.name = name

    async def connect(
        self,
        tg: TelegramServer,
        account: Account | None = None,
        *,
        dc_id: int | None = None,
        key: AuthKey | None = None,
        **options: Any,
    ) -> None:
        """Connect to the server; without `account` and `key` it begins with a key exchange."""
        if account is not None and key is None:
            key = tg.authorise(account, dc_id)
        dc_id = dc_id or (key.dc_id if key is not None else 2)
        host, port = tg.address(dc_id)
        _, media = tg.address(dc_id, media=True)
        where = {"dc": dc_id, "host": host, "port": port, "media": media, "publicKey": tg.public_key_pem}
        if key is not None:
            bot = bool(account and account.bot)
            options["login"] = {"key": key.key, "account": key.account_id or 0, "bot": bot}
        await self.ask("connect", options={"where": where, **options})

    async def ask(self, command: str, **fields: Any) -> Any:
        return await self._line.ask(command, self.name, **fields)

    async def call(self, method: str, /, **fields: Any) -> Any:
        """A request of Telegram's: `messages.GetHistory` or its like."""
        return await self.ask("call", request=thing("method", lower(method))(**fields))

    async def run(self, method: str, *args: Any) -> Any:
        """A method of mtcute's own."""
        return await self.ask("run", method=method, args=args)

    @property
    def updates(self) -> asyncio.Queue[Any]:
        return self._line.updates_of(self.name)


class MtcuteSpeaker(Speaker):
    """Speaks as one account through mtcute."""

    client: MtcuteClient

    @classmethod
    async def begin(cls, tg: TelegramServer, account: Account, client: MtcuteClient) -> Self:
        """Speak through a connected client, and report updates from now on."""
        speaker = cls(tg, account, client)
        await client.ask("listen")
        speaker.updates = client.updates
        return speaker

    def t(self, name: str, /, **fields: Any) -> Any:
        return thing("class", lower(name))(**fields)

    async def call(self, method: str, /, **fields: Any) -> Any:
        return await self.client.call(method, **fields)

    def when(self, moment: int) -> Any:
        return moment
