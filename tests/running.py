"""The two programs of the demo and of the process tests: the local Telegram and the real daemon.

Each is a process of its own, started from this interpreter and ended by whoever started it, by its id.
Owns the daemon's folder (state, configuration, an empty place for temporary files) and how it is looked at
from outside: status, memory, what it wrote.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import tomli_w
from telethon.crypto import AuthKey

from tests.fakes import HANG
from tests.telegram.control import ControlClient
from tgstreamd.control import control_socket
from tgstreamd.domain.errors import TgstreamdError
from tgstreamd.telegram.session import StoredSession

ROOT = Path(__file__).resolve().parent.parent
API = {"api_id": 12345, "api_hash": "0123456789abcdef0123456789abcdef"}


class LocalTelegram:
    """`async with LocalTelegram("demo") as tg:`; `found` is what the scenario returned."""

    def __init__(self, scenario: str, *options: str, **args: Any) -> None:
        given = [item for name, value in args.items() for item in ("--arg", f"{name}={json.dumps(value)}")]
        self._command = ["-m", "tests.telegram", "--control", "0", "--scenario", scenario, *options, *given]
        self.found: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._command,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the local Telegram did not start: exit {await self._process.wait()}")
        ready = json.loads(line)
        self.found = ready["scenario"]
        self.public_key = str(ready["public_key"])
        self.address: tuple[str, int] = tuple(ready["dcs"]["2"])
        self.control = await ControlClient(ready["control"]).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            await self.control.__aexit__()
        await end(self._process)

    async def scenario(self, name: str, **args: Any) -> dict[str, Any]:
        """Run one more scenario on what is there."""
        return dict(await self.control("scenario", name=name, **self.found | args))

    async def session(self, account: int) -> dict[str, Any]:
        """A new login of an account; `telethon` is its string session."""
        return dict(await self.control("session", account=account))


class RunningDaemon:
    """The daemon over one folder; started, killed and started again as the caller likes."""

    def __init__(self, folder: Path, tg: LocalTelegram | None = None, **tables: dict[str, Any]) -> None:
        """`tables` are laid over those of the configuration: pace, stream, log, mirror, metrics."""
        self.folder = folder
        self.state = folder / "state"
        self.temporary = folder / "tmp"
        self._tg = tg
        self._tables = tables
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        #: The last lines that it logged.
        self.log: deque[str] = deque(maxlen=2000)
        #: Files that were seen open for writing, or lying in its folders, at any `sample()`.
        self.touched: set[str] = set()

    async def prepare(self) -> None:
        """Write the configuration and a session, as `init` and `login` would have left them."""
        assert self._tg is not None, "there is no local Telegram to log in at"
        host, port = self._tg.address
        found = self._tg.found
        mirror = {"name": "main", "source": found["source"], "target": found["target"]}
        server = {"dc_id": 2, "address": host, "port": port, "public_key": "server.pem"}
        self.configure({**API, "server": server}, [mirror | self._tables.get("mirror", {})])
        (self.folder / "server.pem").write_text(self._tg.public_key)
        login = await self._tg.session(found["account"])
        session = StoredSession(self.state / "session")
        session.set_dc(login["dc_id"], login["host"], login["port"])
        session.auth_key = AuthKey(bytes.fromhex(login["key"]))
        session.save()

    def configure(self, telegram: dict[str, Any], mirrors: list[dict[str, Any]]) -> None:
        """Make its folders and write the configuration, as `init` would have."""
        for folder in (self.state, self.temporary):
            folder.mkdir(parents=True)
        tree = {
            "telegram": telegram,
            "mirror": mirrors,
            "pace": {"interval": 0.1, "account_interval": 0.0} | self._tables.get("pace", {}),
            "stream": self._tables.get("stream", {}),
            "state": {"directory": str(self.state)},
            "log": {"format": "console"} | self._tables.get("log", {}),
            "metrics": self._tables.get("metrics", {}),
        }
        (self.folder / "config.toml").write_text(tomli_w.dumps(tree))

    async def start(self, *wrapper: str) -> None:
        """Start it; `wrapper` is a command that runs it (strace)."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("TG_", "SOURCE_", "TARGET_"))}
        for name in ("NOTIFY_SOCKET", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY"):
            environment.pop(name, None)
        environment |= {"TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
        command = [
            *wrapper,
            sys.executable,
            "-m",
            "tgstreamd",
            "run",
            "--config",
            str(self.folder / "config.toml"),
        ]
        self._process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
            start_new_session=True,
        )
        self._listening = asyncio.create_task(self._listen(self._process))
        self._wrapped = bool(wrapper)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())

    @property
    def pid(self) -> int:
        """The daemon's own id, also under a wrapper. Raises ProcessLookupError while there is none."""
        assert self._process is not None
        pid = self._process.pid
        if not self._wrapped:
            return pid
        try:
            return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            raise ProcessLookupError(f"{pid} has no child") from None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """kill -9: nothing is tidied up."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        await self._process.wait()
        await self._heard()

    async def stop(self) -> int:
        """SIGTERM, and its exit status."""
        assert self._process is not None
        asked = False
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
                asked = True
        status = await end(self._process, asked=asked)
        await self._heard()
        return status

    async def ended(self, *, within: float = HANG) -> int:
        """Its exit status, once it has ended by itself. Raises TimeoutError."""
        assert self._process is not None
        async with asyncio.timeout(within):
            await self._process.wait()
        await self._heard()
        assert self._process.returncode is not None
        return self._process.returncode

    async def _heard(self) -> None:
        if self._listening is not None:
            await self._listening

    # From outside

    async def status(self) -> dict[str, Any] | None:
        """What `status --json` shows; None while it does not answer."""
        request = {"verb": "status"}
        try:
            return await asyncio.to_thread(
                control_socket.ask, self.state / "control.sock", request, timeout=HANG
            )
        except (TgstreamdError, OSError):
            return None

    async def settled(self) -> int | None:
        """How many messages of the source are done, once none waits; None before. Raises if it ended."""
        if not self.running:
            raise RuntimeError("the daemon ended by itself:\n" + "\n".join(list(self.log)[-25:]))
        seen = await self.status()
        if not seen or seen["state"] != "running" or not seen["mirrors"]:
            return None
        mirror = seen["mirrors"][0]
        if mirror["paused"] or mirror["parked"]:
            raise RuntimeError(f"the mirror stands: {mirror['paused'] or mirror['last_error']}")
        return int(mirror["done"]) if mirror["done"] and not mirror["backlog"] else None

    def peak_memory(self) -> int:
        """VmHWM in bytes; 0 if it is gone."""
        return self._number("status", "VmHWM") * 1024

    def written(self) -> int:
        """Bytes that it had the kernel write to storage; 0 if it is gone."""
        return self._number("io", "write_bytes")

    def _number(self, file: str, name: str) -> int:
        try:
            text = Path(f"/proc/{self.pid}/{file}").read_text()
        except OSError:
            return 0
        found = (line.split()[1] for line in text.splitlines() if line.startswith(f"{name}:"))
        return int(next(found, 0))

    def open_files(self) -> set[str]:
        """Regular files that it holds open now, for writing."""
        found = set()
        with contextlib.suppress(OSError):
            base = f"/proc/{self.pid}"
            for number in os.listdir(f"{base}/fd"):
                with contextlib.suppress(OSError, ValueError, StopIteration):
                    path = os.readlink(f"{base}/fd/{number}")
                    info = Path(f"{base}/fdinfo/{number}").read_text().splitlines()
                    flags = next(int(line.split()[1], 8) for line in info if line.startswith("flags:"))
                    if (
                        flags & (os.O_WRONLY | os.O_RDWR)
                        and path.startswith("/")
                        and not path.startswith("/dev/")
                    ):
                        found.add(path)
        return found

    def sample(self) -> None:
        """Look which files there are; called again and again, also one that is gone at the end is seen."""
        self.touched |= self.open_files()
        self.touched |= {str(self.folder / name) for name in self.files()}

    def files(self) -> dict[str, int]:
        """Everything in the state directory and in the place for temporary files, with its size."""
        found = {}
        for folder in (self.state, self.temporary):
            for path in sorted(folder.rglob("*")):
                with contextlib.suppress(FileNotFoundError):
                    found[str(path.relative_to(self.folder))] = path.lstat().st_size
        return found


async def end(process: asyncio.subprocess.Process, *, asked: bool = False, within: float = HANG) -> int:
    """Wait for a process of ours to end, asking it first (unless it was `asked`), and then not asking."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            if not asked:
                process.terminate()
        try:
            async with asyncio.timeout(within):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode


async def until[T](ask: Callable[[], Awaitable[T | None]], *, within: float = HANG, every: float = 0.1) -> T:
    """Ask another process again and again until it says something. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while True:
            said = await ask()
            if said is not None:
                return said
            await asyncio.sleep(every)
