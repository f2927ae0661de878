"""The real program in a run: logged in by its own verb, checked, started, killed in the middle, stopped.

Owns the daemon's folder. Reads what it says of itself (status, log) and adds it to the facts.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.running import ROOT, RunningDaemon

from .people import Api, Person
from .places import Place
from .report import Facts
from .stage import Stage

#: Seconds without any progress after which everything is taken for settled: an edit waits for ten.
QUIET = 15.0


class Mirroring:
    """The daemon of one run."""

    def __init__(self, folder: Path, place: Place, api: Api, stage: Stage, facts: Facts) -> None:
        pace = {"interval": 3.5, "account_interval": 1.0}
        if place.interval is not None:
            pace = {"interval": place.interval, "account_interval": 0.0}
        self._daemon = RunningDaemon(folder, pace=pace, log={"format": "json"})
        self._facts = facts
        self._life: Counter[tuple[str, str, str]] = Counter()
        more = {"deletes": "mirror", "transfer": "stream"}
        self._daemon.configure(
            {"api_id": api.id, "api_hash": api.hash, **place.configured(folder)},
            [
                {"name": "main", "source": stage.source.id, "target": stage.target.id, **more},
                {"name": "forum", "source": stage.forum.id, "target": stage.forum_copy.id, **more},
            ],
        )

    async def verb(self, *arguments: str, typed: str | None = None) -> int:
        """Run a verb of the program; `typed` is what it reads, None leaves it the terminal."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tgstreamd", *arguments, "--config", str(self._daemon.folder / "config.toml")),
            cwd=ROOT,
            stdin=None if typed is None else asyncio.subprocess.PIPE,
            stdout=None if typed is None else asyncio.subprocess.DEVNULL,
            stderr=None if typed is None else asyncio.subprocess.DEVNULL,
        )
        await process.communicate(None if typed is None else typed.encode())
        assert process.returncode is not None
        self._facts.exits.append((f"tgstreamd {arguments[0]}", process.returncode))
        return process.returncode

    async def log_in(self, place: Place, person: Person) -> int:
        """`tgstreamd login`, as a person would; a test number's code is known."""
        typed = f"{place.code * 5}\n" if place.has_test_numbers else None
        return await self.verb("login", "--phone", person.phone, typed=typed)

    async def start(self) -> None:
        await self._daemon.start()

    async def kill(self) -> None:
        """kill -9."""
        await self._look()
        self._end_of_life()
        await self._daemon.kill()

    async def stop(self) -> None:
        """SIGTERM; its exit status and its warnings become facts."""
        await self._look()
        self._end_of_life()
        self._facts.exits.append(("tgstreamd run, ended by SIGTERM", await self._daemon.stop()))
        for line in self._daemon.log:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if said.get("level") in ("warning", "error", "critical"):
                name = f"{said['level']}: {said.get('event')}"
                self._facts.events[name] = self._facts.events.get(name, 0) + 1

    @property
    def running(self) -> bool:
        return self._daemon.running

    async def copied(self, messages: int) -> bool | None:
        """True once so many messages are copied, or it has ended; None before."""
        seen = await self._look()
        done = sum(mirror["done"] for mirror in seen.get("mirrors", ()))
        return True if done >= messages or not self.running else None

    async def settle(self, within: float) -> bool:
        """Wait until nothing waits and nothing moves; whether that came within so many seconds."""
        began = moved = time.monotonic()
        before: Any = None
        while time.monotonic() - began < within and self.running:
            seen = await self._look()
            mirrors = seen.get("mirrors", [])
            now = [(m["settled"], m["backlog"], m["changes"]) for m in mirrors]
            busy = not mirrors or any(m["backlog"] or m["changes"] for m in mirrors if not m["paused"])
            if now != before or busy or seen.get("state") != "running":
                before, moved = now, time.monotonic()
            elif time.monotonic() - moved >= QUIET:
                return True
            await asyncio.sleep(0.5)
        return False

    async def _look(self) -> dict[str, Any]:
        seen = await self._daemon.status() or {}
        if seen:
            self._facts.status = seen
            self._life = Counter(
                {(one["method"], one["error"], one["outcome"]): one["count"] for one in seen["refusals"]}
            )
            for hold in seen["holds"]:
                scope = hold["scope"].partition(":")
                name = scope[2] if scope[0] == "method" else scope[0]
                self._facts.waits.add(f"{name}: {hold['reason']}")
        return seen

    def _end_of_life(self) -> None:
        """What this process counted is added to what those before it did."""
        for key, count in self._life.items():
            self._facts.refusals[key] = self._facts.refusals.get(key, 0) + count
        self._life.clear()
