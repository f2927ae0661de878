"""How fast the server is by itself: `python -m tests.telegram.throughput`.

Starts it as a process, moves parts both ways over a few connections with the leanest client that speaks the
protocol, and tells bytes per second of time and per second of the server's processor. A benchmark may
subtract what it reads here; it is no benchmark of any client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import cryptg
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from .control import ControlClient
from .mtproto import tl
from .mtproto.crypto import key_id, message_aes

MIB = 1 << 20
PART = 512 * 1024


class LeanClient:
    """One connection over the intermediate transport; `window` requests under way at once."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._key_id = key_id(key).to_bytes(8, "little")
        self._session = int.from_bytes(os.urandom(8), "little", signed=True)
        self._salt = 0
        self._last_id = 0
        self._sequence = 0
        self.answers: dict[int, asyncio.Future[memoryview]] = {}

    async def connect(self, host: str, port: int) -> None:
        self._reader, self._writer = await asyncio.open_connection(host, port, limit=4 * MIB)
        self._writer.write(b"\xee\xee\xee\xee")
        self._receiving = asyncio.create_task(self._receive())
        await self.ask(bytes(functions.PingRequest(1)))
        init = functions.InitConnectionRequest(
            1, "lean", "1", "1", "en", "", "en", functions.help.GetConfigRequest()
        )
        await self.ask(bytes(functions.InvokeWithLayerRequest(LAYER, init)))

    async def close(self) -> None:
        self._receiving.cancel()
        self._writer.close()

    async def ask(self, body: bytes) -> memoryview:
        """Send a request; the body of its answer."""
        while True:
            msg_id = max(int(time.time() * (1 << 32)) & ~3, self._last_id + 4)
            self._last_id = msg_id
            seqno = self._sequence * 2 + 1
            self._sequence += 1
            head = struct.pack("<qqqii", self._salt, self._session, msg_id, seqno, len(body))
            plain = b"".join((head, body, os.urandom(-(len(head) + len(body) + 12) % 16 + 12)))
            msg_key = sha256(self._key[88:120] + plain).digest()[8:24]
            aes = message_aes(self._key, msg_key, from_server=False)
            cipher = cryptg.encrypt_ige(plain, *aes)
            size = (24 + len(cipher)).to_bytes(4, "little")
            future = asyncio.get_running_loop().create_future()
            self.answers[msg_id] = future
            self._writer.write(b"".join((size, self._key_id, msg_key, cipher)))
            await self._writer.drain()
            answer = await future
            if len(answer):
                return answer

    async def _receive(self) -> None:
        while True:
            size = int.from_bytes(await self._reader.readexactly(4), "little")
            packet = await self._reader.readexactly(size)
            aes = message_aes(self._key, packet[8:24], from_server=True)
            plain = memoryview(cryptg.decrypt_ige(packet[24:], *aes))
            self._take(plain[32 : 32 + int.from_bytes(plain[28:32], "little")])

    def _take(self, body: memoryview) -> None:
        kind = int.from_bytes(body[:4], "little")
        if kind == tl.MSG_CONTAINER:
            at = 8
            for _ in range(int.from_bytes(body[4:8], "little")):
                length = int.from_bytes(body[at + 12 : at + 16], "little")
                self._take(body[at + 16 : at + 16 + length])
                at += 16 + length
        elif kind == tl.RPC_RESULT:
            self.answers.pop(int.from_bytes(body[4:12], "little")).set_result(body[12:])
        elif kind == types.Pong.CONSTRUCTOR_ID:
            self.answers.pop(int.from_bytes(body[4:12], "little")).set_result(body)
        elif kind == types.BadServerSalt.CONSTRUCTOR_ID:
            self._salt = struct.unpack_from("<q", body, 20)[0]
            self.answers.pop(int.from_bytes(body[4:12], "little")).set_result(memoryview(b""))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _in_windows(clients: list[LeanClient], requests: list[bytes], window: int) -> None:
    waiting = iter(requests)

    async def work(client: LeanClient) -> None:
        for request in waiting:
            await client.ask(request)

    await asyncio.gather(*(work(client) for client in clients for _ in range(window)))


async def _measure(megabytes: int, connections: int, window: int, *, fast_aes: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.telegram", "--control", "0"]
    command += ["--fast-aes"] if fast_aes else []
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        ready = json.loads(await process.stdout.readline())
        async with ControlClient(ready["control"]) as control:
            account = await control("add_account", first_name="Load")
            login = await control("session", account=account)
            document = await control("add_document", size=megabytes * MIB, account=account)
            clients = [LeanClient(bytes.fromhex(login["key"])) for _ in range(connections)]
            for client in clients:
                await client.connect(login["host"], login["port"])
            location = types.InputDocumentFileLocation(
                document["id"],
                document["access_hash"],
                bytes.fromhex(document["file_reference"]),
                "",
            )
            count = megabytes * MIB // PART
            noise = os.urandom(PART)
            runs = {
                "download": [
                    bytes(functions.upload.GetFileRequest(location, i * PART, PART)) for i in range(count)
                ],
                "upload": [
                    bytes(functions.upload.SaveBigFilePartRequest(1, i, count, noise)) for i in range(count)
                ],
                "requests": [
                    bytes(functions.users.GetUsersRequest([types.InputUserSelf()])) for _ in range(5000)
                ],
            }
            result: dict[str, Any] = {}
            for name, requests in runs.items():
                cpu, began = _cpu_seconds(process.pid), time.perf_counter()
                await _in_windows(clients, requests, window)
                seconds, cpu = time.perf_counter() - began, _cpu_seconds(process.pid) - cpu
                amount = len(requests) if name == "requests" else megabytes
                result[name] = {
                    "per_second": round(amount / seconds),
                    "per_server_cpu_second": round(amount / max(cpu, 0.01)),
                }
            for client in clients:
                await client.close()
            await control("stop")
            return result
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.telegram.throughput")
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--window", type=int, default=3)
    parser.add_argument("--fast-aes", action="store_true")
    options = parser.parse_args()
    result = asyncio.run(
        _measure(options.megabytes, options.connections, options.window, fast_aes=options.fast_aes)
    )
    for name, numbers in result.items():
        unit = "requests" if name == "requests" else "MiB"
        print(f"{name}: {numbers['per_second']} {unit}/s,", end=" ")
        print(f"{numbers['per_server_cpu_second']} {unit} per second of the server's processor")


if __name__ == "__main__":
    main()
