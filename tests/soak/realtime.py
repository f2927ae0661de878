"""The soak in real time: `tgstreamd run` as a process, a local Telegram as another, posts at a busy rate.

The pace is faster than Telegram would have it, so that an hour holds a day's messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from tests.running import LocalTelegram, RunningDaemon, until
from tests.soak.flat import Sample
from tests.soak.looks import outside

#: Seconds between floods, and how long one holds.
FLOODS, HELD = 200.0, 3.0
#: While more wait, nothing is said.
CROWD = 300


class Stopped(Exception):
    """The daemon ended, or stands; the text says why."""


async def soak(
    folder: Path, seconds: float, *, interval: float, every: float = 60.0, say: Callable[[str], None]
) -> tuple[list[Sample], list[str]]:
    """The samples, and how the two chats differ at the end."""
    async with LocalTelegram("busy") as tg:
        daemon = RunningDaemon(folder, tg, pace={"interval": interval}, mirror={"deletes": "mirror"})
        await daemon.prepare()
        await daemon.start()
        try:
            samples = await _busy(tg, daemon, seconds, interval, every, say)
            await tg.control("clear_faults")
            await until(lambda: _still(daemon), within=300 + seconds / 4, every=1.0)
            # An edit waits until its original was quiet for a while.
            found = await until(lambda: _equal(tg), within=120, every=5.0)
        except TimeoutError:
            found = (await tg.scenario("alike"))["unlike"] or ["it did not come to rest"]
        except Stopped as stopped:
            raise SystemExit("\n".join([str(stopped), *list(daemon.log)[-40:]])) from None
        finally:
            status = await daemon.stop()
        return samples, found + ([f"the daemon's exit status was {status}"] if status else [])


async def _busy(
    tg: LocalTelegram,
    daemon: RunningDaemon,
    seconds: float,
    interval: float,
    every: float,
    say: Callable[[str], None],
) -> list[Sample]:
    await until(lambda: _still(daemon), within=60)
    began = time.monotonic()
    samples: list[Sample] = []
    posted, wanted, before, flooded, looked = 0, 0.0, 0.0, 0.0, 0.0
    while (at := time.monotonic() - began) < seconds:
        # Nine tenths of what the pace lets through, so that floods are caught up with; a machine that is busy
        # with other things gets on more slowly, and is not what is on trial.
        if samples and samples[-1].waiting > CROWD:
            wanted = max(wanted, posted)
        else:
            wanted += 0.9 * (at - before) / interval
        before = at
        while posted < wanted:
            posted = (await tg.scenario("busy_on", deeds=5))["posted"]
        if at - flooded > FLOODS:
            flooded = at
            await tg.control(
                "flood", account=tg.found["account"], method="messages.sendMessage", seconds=HELD
            )
        if at >= looked:
            looked += every
            samples.append(await sample(daemon, at))
            say(f"{samples[-1]}")
        await asyncio.sleep(1.0)
    samples.append(await sample(daemon, seconds))
    return samples


async def sample(daemon: RunningDaemon, at: float) -> Sample:
    seen = await daemon.status()
    if not daemon.running or seen is None or not seen["mirrors"]:
        raise Stopped("the daemon does not answer")
    mirror = seen["mirrors"][0]
    if mirror["paused"] or mirror["parked"]:
        raise Stopped(f"the mirror stands: {mirror['paused'] or mirror['last_error']}")
    settled = mirror["done"] + mirror["skipped"]
    return Sample(at=at, messages=settled, waiting=mirror["backlog"], **outside(daemon.pid, daemon.state))


async def _still(daemon: RunningDaemon) -> bool | None:
    seen = await daemon.status()
    mirror = seen["mirrors"][0] if seen and seen["mirrors"] else None
    return True if mirror and not mirror["backlog"] and not mirror["changes"] else None


async def _equal(tg: LocalTelegram) -> list[str] | None:
    found: list[str] = (await tg.scenario("alike"))["unlike"]
    return None if found else found
