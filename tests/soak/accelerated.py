"""The soak in accelerated time: every service of the daemon in this process, on a clock moved by hand.

The local Telegram is another process, which reads the same clock out of a file, so that memory and objects
seen here are the daemon's. Time moves on when all services sleep: to whatever is due next.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import math
import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path

import structlog

from tests.fakes import FakeClock
from tests.harness import WireClock
from tests.running import LocalTelegram, RunningDaemon
from tests.soak.flat import Sample
from tests.soak.looks import outside
from tgstreamd import config as configuration
from tgstreamd.app.daemon import Daemon
from tgstreamd.app.reload import Reload
from tgstreamd.app.settings import settings
from tgstreamd.ledger import Store
from tgstreamd.system.systemd import Systemd
from tgstreamd.telegram.connect import connect

PACE = 3.5
#: Real seconds after which a daemon with nothing to do is asleep, all of it.
AT_REST = 1.0
#: Real seconds to wait for them; somebody who waits for Telegram needs no longer.
PATIENCE = 1.0
FLOODS = 5400.0
HOUR = 3600.0


class SharedClock(FakeClock):
    """Its time also lies in a file."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        file.write_bytes(struct.pack("<d", self.now()))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 8)

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._memory[:8] = struct.pack("<d", self.now())


async def soak(
    folder: Path, hours: float, *, every: float = 600.0, say: Callable[[str], None]
) -> tuple[list[Sample], list[str]]:
    """The samples, and how the two chats differ at the end."""
    # The watchdog would complain of the one service that looks at the real clock.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder.mkdir(parents=True, exist_ok=True)
    clock = SharedClock(folder / "clock")
    async with LocalTelegram("busy", "--clock", str(folder / "clock")) as tg:
        place = RunningDaemon(
            folder,
            tg,
            pace={"interval": PACE, "account_interval": 1.0},
            mirror={"deletes": "mirror", "history": "all"},
        )
        await place.prepare()
        config = configuration.load(folder / "config.toml", {})
        async with contextlib.AsyncExitStack() as stack:
            store = await Store.open(config.paths.ledger)
            stack.push_async_callback(store.close)
            connection = await connect(settings(config), clock=WireClock())
            stack.push_async_callback(connection.close)
            systemd = Systemd(clock, {})
            daemon = await Daemon.build(config, clock, systemd, store, connection, lambda *_: None)
            reload = Reload(
                config,
                lambda: config,
                daemon.admission,
                daemon.pacer,
                systemd,
                clock,
                log_as=lambda _: None,
            )
            serving = asyncio.create_task(daemon.serve(lambda *_: None, reload))
            try:
                return await _live(tg, daemon, clock, place.state, hours, every, serving, say)
            finally:
                serving.cancel()
                await asyncio.wait([serving])


async def _live(
    tg: LocalTelegram,
    daemon: Daemon,
    clock: SharedClock,
    state: Path,
    hours: float,
    every: float,
    serving: asyncio.Task[None],
    say: Callable[[str], None],
) -> tuple[list[Sample], list[str]]:
    while daemon.state != "running" and not serving.done():
        await moved(clock, 1, 1.0)
    await asyncio.sleep(AT_REST)
    # As many services sleep on the clock when nobody has anything to do.
    sleepers = clock.sleeping
    began, samples = clock.monotonic(), list[Sample]()
    posted, wanted, looked, flooded, minute = 0, 0.0, 0.0, 0.0, 0.0
    while (at := clock.monotonic() - began) < hours * HOUR:
        if serving.done():
            serving.result()
        if at >= minute:
            # The day of a group: at noon more comes than the pace lets through, at night hardly anything.
            minute += 60.0
            wanted += 60.0 / PACE * (0.8 - 0.6 * math.cos(2 * math.pi * at / (6 * HOUR)))
        if posted < wanted:
            posted = (await tg.scenario("busy_on", deeds=1))["posted"]
        if at - flooded > FLOODS:
            flooded = at
            await tg.control("flood", account=tg.found["account"], method="messages.sendMessage", seconds=20)
        if at >= looked:
            looked += every
            samples.append(await sample(daemon, state, at))
            say(f"{samples[-1]}")
        await moved(clock, sleepers)
    samples.append(await sample(daemon, state, at))
    await tg.control("clear_faults")
    for _ in range(4000):
        await moved(clock, sleepers)
        if not (await daemon.store.standings())[0].changes and not (
            found := (await tg.scenario("alike"))["unlike"]
        ):
            return samples, []
    return samples, found or ["changes are left"]


async def moved(clock: FakeClock, sleepers: int, most: float = 20.0) -> None:
    """Once everybody sleeps, or waits for Telegram for long, go to where the next one wakes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await clock.parked(sleepers)
    wake = clock.next_wake
    clock.advance(most if wake is None else min(most, max(0.001, wake - clock.monotonic())))
    await asyncio.sleep(0)


async def sample(daemon: Daemon, state: Path, at: float) -> Sample:
    [standing] = await daemon.store.standings()
    gc.collect()
    # What the allocator only keeps in reserve after a burst is no growth; the run in real time counts it too.
    ctypes.CDLL(None).malloc_trim(0)
    seen = outside(os.getpid(), state)
    return Sample(
        at=at,
        messages=standing.done + standing.skipped,
        waiting=standing.live + standing.backlog,
        tasks=len(asyncio.all_tasks()),
        objects=len(gc.get_objects()),
        **seen,
    )
