"""The daemon, a relay and the local Telegram, each a process: what the daemon says and what arrives.

`async with Place(folder) as place:` has a mirror that runs; `place.relay("swallow")` commands the line. Every
line of the journal is kept with the second at which it was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Self

from tests.network import cable
from tests.running import ROOT, LocalTelegram, RunningDaemon, end, until
from tests.telegram.control import ControlClient

DCS = (2, 4)
NAME = "telegram.test"


class Relay:
    """`await relay("slow", seconds=2)`."""

    def __init__(self, to: list[int], *, real: bool = False, host: str = "127.0.0.1") -> None:
        self._to = to
        self._options = ["--host", host, *(["--cable"] if real else [])]

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.network.relay",
            *self._options,
            "--to",
            *map(str, self._to),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the relay did not start: exit {await self._process.wait()}")
        ready = json.loads(line)
        self.addresses: list[list[Any]] = ready["addresses"]
        self.namespace: str | None = ready["namespace"]
        self.command = await ControlClient(ready["control"]).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            await self.command.__aexit__()
        await end(self._process)

    async def __call__(self, do: str, **fields: Any) -> Any:
        return await self.command(do, **fields)


class Hosts:
    """A private /etc/hosts of the daemon's (a mount namespace: root)."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.forget()

    def forget(self) -> None:
        self.file.write_text("127.0.0.1 localhost\n")

    def name(self, address: str) -> None:
        self.file.write_text(f"127.0.0.1 localhost\n{address} {NAME}\n")

    @property
    def wrapper(self) -> list[str]:
        mount = f'mount --bind {self.file} /etc/hosts && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"]


class Daemon(RunningDaemon):
    """Its journal has times; a wrapper becomes it instead of having it as a child."""

    def __init__(self, folder: Path, tg: LocalTelegram, **tables: dict[str, Any]) -> None:
        super().__init__(folder, tg, **tables)
        #: (monotonic time, line).
        self.journal: deque[tuple[float, str]] = deque(maxlen=5000)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.log.append(line)
            self.journal.append((time.monotonic(), line))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        assert self._process is not None
        return self._process.returncode


class Place:
    """`real`: through the cable, where this process may. `name`: the configuration has a host name."""

    def __init__(
        self, folder: Path, scenario: str = "backlog", *, real: bool = False, name: bool = False, **args: Any
    ) -> None:
        self._folder = folder
        self._tg = LocalTelegram(scenario, **args)
        self._real = real and cable.possible()
        self.hosts = Hosts(folder / "hosts") if name else None
        self.said = 0

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self.tg = await stack.enter_async_context(self._tg)
            where = await self.tg.control("address")
            self.ports = [where[kind][str(dc)][1] for kind in ("dcs", "media") for dc in DCS]
            self.relay = await stack.enter_async_context(Relay(self.ports, real=self._real))
            await self.tell()
            host, port = self.relay.addresses[0]
            self.tg.address = (NAME if self.hosts else host), port
            if self.hosts:
                self.hosts.name(host)
            self.daemon = Daemon(
                self._folder / "daemon", self.tg, pace={"interval": 0.1}, mirror={"order": "source"}
            )
            await self.daemon.prepare()
            stack.push_async_callback(self._stop)
            await self.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start(self) -> None:
        wrapper = []
        if self.relay.namespace:
            wrapper += ["nsenter", f"--net={self.relay.namespace}"]
        if self.hosts:
            wrapper += self.hosts.wrapper
        await self.daemon.start(*wrapper)

    async def _stop(self) -> None:
        if self.daemon.running:
            await self.daemon.stop()

    async def tell(self) -> None:
        """Let Telegram name the relay's addresses as its own."""
        places = [(dc, media) for media in (False, True) for dc in DCS]
        for (dc, media), (host, port) in zip(places, self.relay.addresses, strict=True):
            await self.tg.control("tell_address", dc_id=dc, host=host, port=port, media=media)

    # What a test asks.

    async def say(self, text: str = "") -> str:
        """Somebody says something in the source."""
        self.said += 1
        words = text or f"said {self.said}"
        await self.tg.scenario("say", text=words)
        return words

    async def edited(self, number: int, within: float) -> float:
        """Seconds until `words NUMBER` in the source, which become those of the next number, have become
        that in the target too."""
        began = time.monotonic()
        await self.tg.scenario("edit", text=f"words {number}", to=f"words {number + 1}")

        async def changed() -> float | None:
            there = await self.texts("target")
            return time.monotonic() - began if any(f"words {number + 1}" in text for text in there) else None

        return await until(changed, within=within, every=0.2)

    async def file(self) -> None:
        """A file of some parts lies in the source, in the other data centre."""
        self.said += 1
        await self.tg.scenario("send_file", size=3_000_000 + self.said, dc=4)

    async def until_copied(self, count: int) -> None:
        async def copied() -> bool | None:
            return len(await self.texts("target")) >= count or None

        await until(copied)

    async def texts(self, chat: str) -> list[str]:
        looked = await self.tg.scenario("look", chat=self.tg.found[chat])
        return [
            f"{m['kind']} {m['size'] if m['kind'] != 'photo' else ''} {m['text']}" for m in looked["messages"]
        ]

    async def equal(self, within: float) -> float:
        """Seconds until the target holds what the source holds, in its order and once; it stays so."""
        began = time.monotonic()

        async def same() -> float | None:
            if not self.daemon.running:
                raise RuntimeError("the daemon ended by itself:\n" + self.told())
            wanted, there = await self.texts("source"), await self.texts("target")
            assert len(there) <= len(wanted), (wanted, there)
            return time.monotonic() - began if wanted == there else None

        try:
            return await until(same, within=within, every=0.2)
        except TimeoutError:
            wanted, there = await self.texts("source"), await self.texts("target")
            raise AssertionError(f"{wanted}\n{there}\n{self.told()}") from None

    async def heard(self, words: str, since: float, within: float) -> float:
        """Seconds from `since` (monotonic) to the first line with these words after it."""

        async def found() -> float | None:
            times = [at for at, line in self.daemon.journal if words in line and at >= since]
            return min(times) - since if times else None

        try:
            return await until(found, within=max(0.1, since + within - time.monotonic()), every=0.05)
        except TimeoutError:
            raise AssertionError(f"{words!r} was not said within {within:.0f} s:\n{self.told()}") from None

    async def pause(self, until: float) -> None:
        """Real time passes: there is no clock of ours in the other processes."""
        await asyncio.sleep(until - time.monotonic())

    def count(self, words: str) -> int:
        return sum(words in line for _, line in self.daemon.journal)

    def warnings(self) -> int:
        """Lines of trouble, whatever it is."""
        return sum("[warning" in line or "[error" in line for _, line in self.daemon.journal)

    def told(self) -> str:
        begin = self.daemon.journal[0][0] if self.daemon.journal else 0.0
        return "\n".join(f"{at - begin:7.2f} {line}" for at, line in list(self.daemon.journal)[-80:])


def may_mount() -> bool:
    return os.geteuid() == 0
