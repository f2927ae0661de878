"""Real processes, really killed: `kill -9` at random moments of a mixed backlog, again and again.

The moments are drawn from a seed, but what they hit depends on the machine. Ends with the comparison of both
chats as a reader sees them.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.chaos.promises import DRAW, promises
from tests.compare import Reader, compare
from tests.running import LocalTelegram, RunningDaemon, until

METHODS = (
    "messages.sendMessage",
    "messages.sendMedia",
    "messages.sendMultiMedia",
    "messages.uploadMedia",
    "upload.saveFilePart",
)


async def trouble(tg: LocalTelegram, chance: random.Random, number: int, reached: int) -> None:
    """Before each start: answers will be lost, references are old, and somebody says something."""
    # Not heaped up: each failure doubles the daemon's wait for the next attempt.
    await tg.control("clear_faults")
    for method in METHODS:
        if chance.random() < 0.4:
            action = chance.choice(["apply-cut", "cut", "apply-half", "twice"])
            await tg.control("fault", method=method, action=action, skip=chance.randrange(5))
    if chance.random() < 0.3:
        await tg.control("expire_references")
    # Once something is copied the mirror is born, and what comes now is no history.
    if chance.random() < 0.5 and reached:
        await tg.scenario("say", text=f"live {number}")


@dataclass
class Killed:
    """What came of it. `in_the_middle`: kills that fell between the first copy and the last."""

    kills: int = 0
    in_the_middle: int = 0
    equal: bool = False
    lines: list[str] = field(default_factory=list)
    #: What the local Telegram held against the daemon.
    complaints: list[object] = field(default_factory=list)
    found: int = 0
    repeated: int = 0


async def killed(
    folder: Path,
    *,
    messages: int,
    kills: int,
    faults: bool = False,
    seed: int = 20,
    random_ids: str = DRAW,
) -> Killed:
    """Kill it so many times in so many messages. Raises AssertionError where it stands still."""
    chance = random.Random(seed)
    kept = promises(seed, random_ids)
    seen = Killed()
    # With some latency a kill falls more often between a request and its answer.
    async with LocalTelegram("backlog", "--latency", "0.02", count=messages) as tg:
        await tg.control("promise", **kept.fields())
        daemon = RunningDaemon(folder, tg, pace={"interval": 0.06})
        await daemon.prepare()

        async def counted() -> int:
            looked = await tg.scenario("look", chat=tg.found["target"])
            return len(looked["messages"])

        async def further(than: int) -> int | None:
            count = await counted()
            return count if count > than or not daemon.running else None

        reached = 0
        try:
            for number in range(kills):
                if faults:
                    await trouble(tg, chance, number, reached)
                await daemon.start()
                # Some kills fall into the start itself, the others after one copy more, and a moment later.
                if chance.random() < 0.75 and reached < messages:
                    reached = await until(partial(further, reached), every=0.02)
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                await daemon.kill()
                if not kept.lasting:
                    await tg.control("forget_random_ids")
                seen.kills += 1
                reached = await counted()
                seen.in_the_middle += 0 < reached < messages
            await tg.control("clear_faults")
            await daemon.start()
            await until(daemon.settled)
        except TimeoutError:
            status = await daemon.status()
            raise AssertionError("\n".join([f"it stands: {status}", *list(daemon.log)[-60:]])) from None
        finally:
            await daemon.stop()
        seen.found, seen.repeated = (
            sum(words in line for line in daemon.log)
            for words in ("attempt found in the target", "sending again under the same random_id")
        )
        login = await tg.session(tg.found["reader"])
        async with Reader(login["telethon"], tg.public_key) as reader:
            chats = tg.found["source"], tg.found["target"]
            seen.equal = await compare(reader, *chats, live_after=tg.found["last"], say=seen.lines.append)
        seen.lines += ["what the daemon said last:", *list(daemon.log)[-40:]]
        counters = await tg.control("counters")
        seen.complaints = [*counters["violations"], *counters["bugs"]]
    return seen
