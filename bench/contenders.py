"""Implements the compared ways of moving one file from Telegram to Telegram, each in its own process.

`python -m bench.contenders NAME '{…}'` connects, moves the file once, and prints the cost as JSON. Others'
recipes are written as people use them; ours is the daemon's own pipe over its own adapter.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import uvloop
from telethon import TelegramClient
from telethon.crypto import AuthKey
from telethon.crypto import rsa as telethon_rsa
from telethon.network import MTProtoSender
from telethon.sessions import MemorySession
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from bench.machine import peak_rss_mb

PART = 512 * 1024
API_ID, API_HASH = 12345, "0123456789abcdef0123456789abcdef"

#: Input of every contender: the peer's address, the account, the file.
Job = dict[str, Any]
Mover = Callable[[], Awaitable[None]]


class Stopwatch:
    """Measures time and the whole process's CPU time between two calls."""

    def __enter__(self) -> Stopwatch:
        self._cpu = _cpu()
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self.cpu = _cpu() - self._cpu


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def location(job: Job) -> Any:
    d = job["document"]
    return types.InputDocumentFileLocation(d["id"], d["access_hash"], bytes.fromhex(d["file_reference"]), "")


def parts(job: Job) -> int:
    return -(-int(job["document"]["size"]) // PART)


def some_id() -> int:
    return int.from_bytes(os.urandom(8), "little", signed=True)


# Telethon without changes.


async def telethon_client(job: Job) -> Any:
    telethon_rsa.add_key(job["public_key"], old=False)
    session = MemorySession()
    session.set_dc(job["login"]["dc_id"], job["login"]["host"], job["login"]["port"])
    session.auth_key = AuthKey(bytes.fromhex(job["login"]["key"]))
    client = TelegramClient(session, API_ID, API_HASH, receive_updates=False)
    await client.connect()
    return client


async def sequential(job: Job) -> Mover:
    """Use iter_download, sending each part before requesting the next."""
    client = await telethon_client(job)

    async def move() -> None:
        file_id, total = some_id(), parts(job)
        index = 0
        async for chunk in client.iter_download(
            location(job), request_size=PART, dc_id=job["login"]["dc_id"]
        ):
            await client(functions.upload.SaveBigFilePartRequest(file_id, index, total, bytes(chunk)))
            index += 1

    return move


async def brief(job: Job) -> Mover:
    """Use iter_download with up to ten concurrent sends on one connection."""
    client = await telethon_client(job)

    async def move() -> None:
        file_id, total = some_id(), parts(job)
        slots = asyncio.Semaphore(10)

        async def send(index: int, chunk: bytes) -> None:
            try:
                await client(functions.upload.SaveBigFilePartRequest(file_id, index, total, chunk))
            finally:
                slots.release()

        index = 0
        async with asyncio.TaskGroup() as group:
            async for chunk in client.iter_download(
                location(job), request_size=PART, dc_id=job["login"]["dc_id"]
            ):
                await slots.acquire()
                group.create_task(send(index, bytes(chunk)))
                index += 1

    return move


async def parallel(job: Job) -> Mover:
    """Use several senders each way, as the "FastTelethon" recipes do, with their number for a large file."""
    client = await telethon_client(job)
    count = int(job.get("senders", 20))
    downs = [await _sender(client, job) for _ in range(count)]
    ups = [await _sender(client, job) for _ in range(count)]

    async def move() -> None:
        file_id, total = some_id(), parts(job)
        where = location(job)
        previous: list[asyncio.Future[Any] | None] = [None] * count

        for start in range(0, total, count):
            # Each sender has one request in progress; the parts are yielded in order, in rounds.
            asked = [
                asyncio.ensure_future(
                    downs[index - start].send(functions.upload.GetFileRequest(where, index * PART, PART))
                )
                for index in range(start, min(total, start + count))
            ]
            for number, task in enumerate(asked):
                data = (await task).bytes
                last = previous[number]
                if last is not None:
                    await last
                previous[number] = asyncio.ensure_future(
                    ups[number].send(
                        functions.upload.SaveBigFilePartRequest(file_id, start + number, total, data)
                    )
                )
        await asyncio.gather(*(last for last in previous if last is not None))

    return move


async def _sender(client: Any, job: Job) -> Any:
    sender = MTProtoSender(client.session.auth_key, loggers=client._log)
    connection = client._connection(
        job["login"]["host"], job["login"]["port"], job["login"]["dc_id"], loggers=client._log, proxy=None
    )
    await sender.connect(connection)
    hello = functions.InitConnectionRequest(
        API_ID, "bench", "1", "1", "en", "", "en", functions.help.GetConfigRequest()
    )
    await sender.send(functions.InvokeWithLayerRequest(LAYER, functions.InvokeWithoutUpdatesRequest(hello)))
    return sender


async def telethon_files(job: Job) -> Mover:
    """Use Telethon's own download into a file, then its own upload of that file."""
    client = await telethon_client(job)

    async def move() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            await client.download_file(
                location(job), str(path), part_size_kb=512, file_size=job["document"]["size"],
                dc_id=job["login"]["dc_id"],
            )  # fmt: skip
            await client.upload_file(str(path), part_size_kb=512)

    return move


# kurigram without changes.


async def kurigram_files(job: Job) -> Mover:
    """Use kurigram's own download into a file, then its own upload of that file."""
    import base64
    import struct

    import pyrogram
    import rsa
    from pyrogram.connection import Connection
    from pyrogram.crypto import rsa as known
    from pyrogram.file_id import FileId, FileType
    from telethon.crypto.rsa import _compute_fingerprint

    key = rsa.PublicKey.load_pkcs1(job["public_key"].encode())
    known.server_public_keys[_compute_fingerprint(key)] = known.PublicKey(key.n, key.e)
    where = job["login"]["host"], job["login"]["port"]

    class Local(Connection):
        def __init__(self, dc_id: int, server_address: str, port: int, *args: Any, **options: Any) -> None:
            super().__init__(dc_id, *where, *args, **options)

    packed = struct.pack(
        ">BI?256sQ?",
        2,
        API_ID,
        False,
        bytes.fromhex(job["login"]["key"]).rjust(256, b"\0"),
        job["account"],
        False,
    )
    client = pyrogram.Client(
        "bench", API_ID, API_HASH, in_memory=True, connection_factory=Local, no_updates=True,
        session_string=base64.urlsafe_b64encode(packed).decode().rstrip("="),
    )  # fmt: skip
    await client.start()
    d = job["document"]
    file = FileId(
        file_type=FileType.DOCUMENT, dc_id=d["dc_id"], media_id=d["id"], access_hash=d["access_hash"],
        file_reference=bytes.fromhex(d["file_reference"]), thumbnail_size="",
    )  # fmt: skip

    async def move() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            with path.open("wb") as out:  # kurigram writes on the event loop too
                async for chunk in client.get_file(file, d["size"]):
                    out.write(chunk)
            await client.save_file(str(path))

    return move


# Ours.


async def ours(job: Job) -> Mover:
    """Use tgstreamd's pipe over its own adapter."""
    from tgstreamd.domain.clock import SystemClock
    from tgstreamd.domain.messages import Media, Upload
    from tgstreamd.telegram.connect import connect
    from tgstreamd.telegram.session import StoredSession
    from tgstreamd.telegram.settings import Server, Settings
    from tgstreamd.transfer.pipe import Pipe

    login, d = job["login"], job["document"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session"
        stored = StoredSession(path)
        stored.set_dc(login["dc_id"], login["host"], login["port"])
        stored.auth_key = AuthKey(bytes.fromhex(login["key"]))
        stored.save()
        options = {"connections": job["connections"]} if "connections" in job else {}
        settings = Settings(
            api_id=API_ID,
            api_hash=API_HASH,
            session=path,
            server=Server(dc_id=2, address=login["host"], port=login["port"], public_key=job["public_key"]),
            **options,
        )
        connection = await connect(settings, tries=1)
    document = types.Document(
        d["id"], d["access_hash"], bytes.fromhex(d["file_reference"]), None, "video/mp4", d["size"],
        d["dc_id"], [],
    )  # fmt: skip
    media = Media(
        kind="file",
        id=d["id"],
        size=d["size"],
        dc=d["dc_id"],
        raw=bytes(types.MessageMediaDocument(document=document)),
    )
    upload = Upload(file_id=some_id(), size=d["size"])
    pipe = Pipe(
        connection.source,
        connection.target,
        SystemClock(),
        buffer_parts=job.get("buffer_parts", 20),
        parallel_uploads=job.get("parallel_uploads", 10),
    )

    async def acknowledge(_parts: Sequence[int]) -> None:
        """Does nothing: `scale` measures the ledger's part."""

    async def refresh() -> Media:
        return media

    async def move() -> None:
        await pipe.transfer(media, upload, done=(), acknowledge=acknowledge, refresh=refresh)

    return move


CONTENDERS: dict[str, Callable[[Job], Awaitable[Mover]]] = {
    "sequential": sequential,
    "brief": brief,
    "parallel": parallel,
    "telethon-files": telethon_files,
    "kurigram-files": kurigram_files,
    "ours": ours,
}


async def _main(name: str, job: Job) -> dict[str, Any]:
    move = await CONTENDERS[name](job)
    before = peak_rss_mb()
    if job.get("profile"):
        return await _profiled(move)
    with Stopwatch() as watch:
        await move()
    return {"seconds": watch.seconds, "cpu": watch.cpu, "rss_before_mb": before, "peak_rss_mb": peak_rss_mb()}


#: Categories of a stream's time by prefix of a function's name.
SHARES = {
    "AES": ("encrypt_ige", "decrypt_ige"),
    "SHA-256": ("<method 'update' of '_hashlib.HASH'", "<built-in method _hashlib.openssl_sha256"),
    "copies": ("<method 'join' of 'bytes'", "part"),
    "sockets": ("_write", "<method 'writelines'", "buffer_updated", "get_buffer"),
}


async def _profiled(move: Mover) -> dict[str, Any]:
    """Return seconds by category; the profiler's own cost is spread over the small functions."""
    profile = cProfile.Profile()
    with Stopwatch() as watch:
        profile.enable()
        await move()
        profile.disable()
    spent: dict[str, float] = dict.fromkeys((*SHARES, "Python"), 0.0)
    for entry in profile.getstats():
        code = entry.code
        name = code if isinstance(code, str) else code.co_name
        kind = next((kind for kind, names in SHARES.items() if name.strip("<>").startswith(
            tuple(known.strip("<>") for known in names))), "Python")  # fmt: skip
        spent[kind] += entry.inlinetime
    # Time outside Python functions is the event loop: the kernel's copies to and from sockets.
    spent["sockets"] += max(0.0, watch.cpu - sum(spent.values()))
    total = sum(spent.values())
    return {"seconds": watch.seconds, "cpu": watch.cpu, "rss_before_mb": 0.0, "peak_rss_mb": peak_rss_mb(),
            "shares": {kind: seconds / total for kind, seconds in spent.items()}}  # fmt: skip


#: mtcute's download stream into its upload; what runs it in node, once `make third-client` has installed it.
MTCUTE = Path(__file__).resolve().parent.parent / "tests/third_client/stream.mjs"


def has_mtcute() -> bool:
    """Return whether node and its packages are installed."""
    return shutil.which("node") is not None and (MTCUTE.parent / "node_modules/@mtcute/node").is_dir()


def mtcute(job: Job, *, ordered: bool) -> NoReturn:
    """Replace this process by node, with one part in transfer at a time if `ordered`."""
    # 64-bit numbers as strings: JavaScript numbers would round them.
    numbers = {name: str(job["document"][name]) for name in ("id", "access_hash")}
    told = json.dumps({**job, "document": {**job["document"], **numbers}, "ordered": ordered})
    os.execvp("node", ["node", str(MTCUTE), told])


def main() -> None:
    name, job = sys.argv[1], json.loads(sys.argv[2])
    if name in ("mtcute", "mtcute-ordered"):
        mtcute(job, ordered=name == "mtcute-ordered")
    run = asyncio.run if job.get("loop") == "asyncio" else uvloop.run
    print(json.dumps(run(_main(name, job))), flush=True)
    # Ends anything that a library left running.
    os._exit(0)


if __name__ == "__main__":
    main()
