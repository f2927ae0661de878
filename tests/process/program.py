"""The real program as a process, beside a local Telegram in the test's own loop.

`Home` is a place with a configuration, a state directory and a session; `tgstreamd(...)` runs a verb to its
end, `daemon()` starts `run` and waits until it answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from tests.contract.conftest import API_HASH, API_ID, log_in
from tests.fakes import HANG
from tests.running import until
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account
from tgstreamd.control import control_socket


class Result(msgspec.Struct, frozen=True):
    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


class Home:
    """One installation under `folder`. `python` may be another environment's interpreter."""

    def __init__(self, folder: Path, tg: TelegramServer | None = None) -> None:
        self.folder = folder
        self.tg = tg
        self.file = folder / "config.toml"
        self.state = folder / "state"
        self.python = sys.executable
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": os.getcwd()}
        self.state.mkdir(mode=0o700, exist_ok=True)

    def write(self, mirrors: str, *, more: str = "", telegram: str = "") -> None:
        """The configuration: `mirrors` are tables, `telegram` more lines of that table."""
        server = ""
        if self.tg:
            host, port = self.tg.address(2)
            (self.folder / "server.pem").write_text(self.tg.public_key_pem)
            where = f'address = "{host}"\nport = {port}\npublic_key = "server.pem"'
            server = f"[telegram.server]\ndc_id = 2\n{where}\n"
        self.file.write_text(
            f'[telegram]\napi_id = {API_ID}\napi_hash = "{API_HASH}"\n{telegram}\n{server}\n{mirrors}\n'
            f'{more}\n[state]\ndirectory = "{self.state}"\n'
        )

    def log_in(self, account: Account) -> None:
        assert self.tg
        log_in(self.tg, account, self.state / "session")

    async def tgstreamd(self, *arguments: str, typed: str = "") -> Result:
        """Run a verb to its end; `typed` is its standard input."""
        process = await self.start(*arguments, stdin=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(HANG):
                out, err = await process.communicate(typed.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())

    async def json(self, *arguments: str) -> Any:
        result = await self.tgstreamd(*arguments, "--json")
        assert result.status == 0, result
        return json.loads(result.out)

    @contextlib.asynccontextmanager
    async def daemon(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """`tgstreamd run`, once it says that it runs; ended with SIGTERM."""
        process = await self.start("run")

        async def runs() -> bool | None:
            assert process.returncode is None, (await process.communicate())[1].decode()
            with contextlib.suppress(control_socket.NoDaemon):
                # At its socket: asked by a process a time, it would start more slowly for being asked.
                seen = await asyncio.to_thread(
                    control_socket.ask, self.state / "control.sock", {"verb": "status"}
                )
                return seen["state"] == "running" or None
            return None

        try:
            await until(runs, within=HANG)
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(HANG):
                _, self.log = (part.decode() for part in await process.communicate())

    async def status(self) -> Any:
        return await self.json("status")

    async def start(
        self, *arguments: str, stdin: int | None = None, stdout: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        """The program, started; its end is the caller's."""
        return await asyncio.create_subprocess_exec(
            self.python,
            "-m",
            "tgstreamd",
            *arguments,
            *(["--config", str(self.file)] if "--config" not in arguments else []),
            stdin=stdin,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            env=self.environ,
            cwd=self.folder,
        )


def mirror(source: int | str, target: int | str, *, name: str = "main", more: str = "") -> str:
    """A `[[mirror]]` table."""
    return (
        f'[[mirror]]\nname = "{name}"\nsource = {json.dumps(source)}\ntarget = {json.dumps(target)}\n{more}\n'
    )
