"""The campaign: worlds in which the daemon lives many short lives, each ended at the point least tried yet.

A world is a source, a target and one state directory. Its lives are drawn from the seed; then the weather
calms down, the daemon gets its time, and the two chats are compared.
"""

from __future__ import annotations

import asyncio
import io
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.points import Mortal, Point
from tests.chaos.verdict import Verdict, judge, word
from tests.chaos.weather import Weather
from tests.house import House
from tests.telegram.faults import ALBUM, Fault

LIVES = 12
#: Points at which a life may end, at most. Where there are many, every life ends at its first steps.
CHOSEN = 3
#: And at the latest at a point whose number is drawn evenly by its logarithm, up to ten to this power.
LATEST = 3.3
#: Real seconds of a life; none takes so long.
HANG = 60.0
#: Besides the deaths: what goes wrong on the wire.
WIRE = (
    ("cut", 400, ""),
    ("apply-cut", 400, ""),
    ("apply-half", 400, ""),
    ("twice", 400, ""),
    ("error", 500, "RPC_CALL_FAIL"),
    ("apply-error", 500, "RPC_CALL_FAIL"),
    ("apply-error", 503, "TIMEOUT"),
    ("apply-part", 0, ""),
    ("apply-part", 500, "RPC_CALL_FAIL"),
    ("error", 400, "FILE_REFERENCE_EXPIRED"),
)
METHODS = (
    "messages.sendMessage",
    "messages.sendMedia",
    "messages.sendMultiMedia",
    "messages.editMessage",
    "messages.createForumTopic",
    "messages.updatePinnedMessage",
    "channels.deleteMessages",
    "updates.getChannelDifference",
    "upload.saveFilePart",
    "upload.saveBigFilePart",
    "upload.getFile",
    "messages.uploadMedia",
)
PARTS = ("upload.saveFilePart", "upload.saveBigFilePart")

Plan = list[list[Point]]


@dataclass
class Tally:
    """What a campaign has tried so far, and what came of it."""

    seen: Counter[Point] = field(default_factory=Counter)
    killed: Counter[Point] = field(default_factory=Counter)
    tried: Counter[Point] = field(default_factory=Counter)
    wire: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    worlds: int = 0
    messages: int = 0
    #: Of each world: the points chosen for each life, so that it can be lived again.
    plans: dict[int, Plan] = field(default_factory=dict)
    longest_start: float = 0.0
    longest_silence: float = 0.0
    #: By the seed of its world.
    wrong: dict[int, Verdict] = field(default_factory=dict)

    @property
    def kills(self) -> int:
        return self.killed.total()

    def choose(self, chance: random.Random) -> set[Point]:
        """Some of the points passed ever, those tried least first; a life ends at the first that it meets."""
        points = sorted(self.seen, key=lambda p: (self.killed[p] + self.tried[p] / 4, chance.random()))
        return set(points[: chance.randint(1, CHOSEN)])


async def world(
    seed: int,
    tally: Tally,
    *,
    lives: int = LIVES,
    plan: Plan | None = None,
    say: Callable[..., None] = lambda *_: None,
) -> None:
    """One world from its first post to the comparison. A `plan` says where its lives are to end."""
    chance = random.Random(seed)
    choice = random.Random(-seed - 1)
    plan = plan or []
    lived = tally.plans.setdefault(seed, [])
    with tempfile.TemporaryDirectory(prefix="tgstreamd-chaos-") as folder:
        async with House(Path(folder)) as house:
            weather = Weather(house, chance, forum=chance.random() < 0.6, say=say)
            house.mirror(weather.source, weather.target, deletes="mirror", order="source")
            for _ in range(chance.randint(4, 10)):
                weather.turn()
            for number in range(lives):
                points = set(plan[number]) if plan else tally.choose(choice)
                lived.append(sorted(points))
                ended = await _live(house, weather, tally, chance, points)
                say("---- a life ended at", ended)
                for _ in range(chance.randint(2, 6)):
                    weather.turn()
            house.tg.faults.clear()
            await house.start()
            if weather.paused:
                await house.verb("resume", mirror="m1")
            await house.run()
            house.clock.advance(700)
            await house.run()
            verdict = judge(weather)
            if verdict:
                verdict.about += [f"source {m.ids[0]}: {word(m)}" for m in weather.posted]
                verdict.about += [f"target {m.ids[0]}: {word(m)}" for m in house.messages(weather.target)]
                verdict.about += [f"{job}" for job in await house.jobs() if job[1] != "done"]
            status = (await house.status())["mirrors"][0]
            if status["paused"] or status["parked"] or status["backlog"]:
                verdict.different.append(f"the mirror: {status}")
    tally.worlds += 1
    tally.deeds += weather.deeds
    tally.messages += len(weather.posted)
    if verdict:
        tally.wrong[seed] = verdict


async def _live(
    house: House, weather: Weather, tally: Tally, chance: random.Random, points: set[Point]
) -> Point | None:
    tally.tried.update(points)
    last = round(10 ** chance.uniform(1.0, LATEST))
    life = Mortal(house, tally.seen, points, chance.randint(1, 2), last)
    life.begin()
    _bad_line(house, tally, chance)
    known = set(map(word, house.messages(weather.target)))
    waiting = any(word(message) not in known for message in house.messages(weather.source))
    born, began = time.monotonic(), house.clock.now()

    async def lives() -> None:
        await house.start()
        tally.longest_start = max(tally.longest_start, time.monotonic() - born)
        for seconds in (chance.choice([5.0, 15.0, 30.0]), chance.choice([15.0, 30.0]), 400.0):
            await house.run(seconds)
            weather.turn()
            await weather.operator()

    living = asyncio.ensure_future(lives())
    ending = asyncio.ensure_future(life.dead.wait())
    finished, _ = await asyncio.wait({living, ending}, return_when=asyncio.FIRST_COMPLETED, timeout=HANG)
    if not finished:
        raise hangs("a life goes on for ever")
    if life.point is not None:
        tally.killed[life.point] += 1
        living.cancel()
        if not (await asyncio.wait({living}, timeout=HANG))[0]:
            raise hangs(f"it did not die at {life.point}")
    else:
        ending.cancel()
        living.result()
    await house.stop()
    life.end()
    if waiting:
        news = [m.date for m in house.messages(weather.target) if word(m) not in known]
        if news:
            tally.longest_silence = max(tally.longest_silence, min(news) - began)
    return life.point


def hangs(what: str) -> AssertionError:
    """With where every task stands."""
    told = io.StringIO()
    for task in asyncio.all_tasks():
        task.print_stack(file=told)
    return AssertionError(f"{what}\n{told.getvalue()}")


def _bad_line(house: House, tally: Tally, chance: random.Random) -> None:
    """Random combinations: a death, and trouble on the wire before it."""
    if chance.random() < 0.6:
        return
    roll = chance.random()
    if roll < 0.1:
        house.world.files.expire_references()
        tally.wire["references expired"] += 1
    elif roll < 0.2:
        house.world.chats.forget_random_ids()
        house.clock.advance(1000)
        tally.wire["random ids forgotten"] += 1
    elif roll < 0.25:
        house.tg.faults.add(Fault(chance.choice(PARTS), "lose-part", skip=chance.randint(0, 2)))
        tally.wire["lost parts"] += 1
    elif roll < 0.35:
        method, seconds = chance.choice(METHODS), chance.choice([3, 70])
        house.tg.faults.add(Fault(method, "flood", seconds=seconds, skip=chance.randint(0, 1)))
        tally.wire["flood"] += 1
    else:
        action, code, message = chance.choice(WIRE)
        method = ALBUM if action == "apply-part" else chance.choice(METHODS)
        house.tg.faults.add(
            Fault(method, action, code, message, skip=chance.randint(0, 2), account=house.me.id)
        )
        tally.wire[action if not message else f"{action} {message}"] += 1
