"""kill -9 at random moments of a mixed backlog, again and again: the target equals the source.

Each start is the recovery of the last end, whatever it interrupted: a transfer, an attempt, a commit. The
moments are drawn from a fixed seed, but what they hit depends on the machine. `make test` kills eight times
in 80 messages, `make proofs` twenty times in 200, and again with lost answers, cut connections, expired
references and live posts in between.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("messages", "kills", "faults"),
    [
        pytest.param(80, 8, False, id="80-messages"),
        pytest.param(200, 20, False, id="200-messages", marks=pytest.mark.slow),
        pytest.param(200, 20, True, id="200-messages-and-faults", marks=pytest.mark.slow),
    ],
)
async def test_kills_at_random_leave_target_and_source_equal(
    tmp_path: Path, messages: int, kills: int, faults: bool
) -> None:
    """Texts, small media of both data centres, albums and answers; nothing lost, nothing twice, in order."""
    chance = random.Random(20)
    # With some latency a kill falls more often between a request and its answer.
    async with LocalTelegram("backlog", "--latency", "0.02", count=messages) as tg:
        daemon = RunningDaemon(tmp_path, tg, pace={"interval": 0.06})
        await daemon.prepare()

        async def counted() -> int:
            seen = await tg.scenario("look", chat=tg.found["target"])
            return len(seen["messages"])

        async def further(than: int) -> int | None:
            count = await counted()
            return count if count > than or not daemon.running else None

        reached, in_the_middle = 0, 0
        try:
            for number in range(kills):
                if faults:
                    await trouble(tg, chance, number, reached)
                await daemon.start()
                # Some kills fall into the start itself, the others after one copy more, and a moment later.
                if chance.random() < 0.75:
                    reached = await until(partial(further, reached), within=30, every=0.02)
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                await daemon.kill()
                reached = await counted()
                in_the_middle += 0 < reached < messages
            await tg.control("clear_faults")
            await daemon.start()
            await until(daemon.settled, within=120)
        except TimeoutError:
            status = await daemon.status()
            pytest.fail("\n".join([f"it stands: {status}", *list(daemon.log)[-60:]]))
        finally:
            await daemon.stop()
        found, again = (
            sum(words in line for line in daemon.log)
            for words in ("attempt found in the target", "sending again under the same random_id")
        )
        print(f"{in_the_middle} of {kills} kills in the middle; {found} attempts found, {again} repeated")
        assert in_the_middle >= kills // 2, "the kills came too early or too late to prove anything"
        login = await tg.session(tg.found["reader"])
        lines: list[str] = []
        async with Reader(login["telethon"], tg.public_key) as reader:
            chats = tg.found["source"], tg.found["target"]
            equal = await compare(reader, *chats, live_after=tg.found["last"], say=lines.append)
        assert equal, "\n".join([*lines, "what the daemon said last:", *list(daemon.log)[-40:]])
        counters = await tg.control("counters")
        assert counters["violations"] == []
        assert counters["bugs"] == []
