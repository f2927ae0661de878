"""The campaign: worlds in which the daemon lives many short lives, each ended at the point least tried yet.

A world is a source, a target and one state directory, of one of the kinds. Its lives are drawn from the seed;
then the weather calms down, the daemon gets its time, and the two chats are compared. A world that is given
aims ends each life at the first of those that it comes to and that no life has ended at.
"""

from __future__ import annotations

import asyncio
import io
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.kinds import KINDS, Kind
from tests.chaos.operator import Operator
from tests.chaos.points import Mortal, Point
from tests.chaos.promises import DRAW, promises
from tests.chaos.rare import RARE
from tests.chaos.said import word
from tests.chaos.verdict import Verdict, judge
from tests.chaos.weather import Weather
from tests.harness import House
from tests.telegram.faults import ALBUM, Fault

LIVES = 12
#: Of a world with aims, at most: it ends when there is none left.
AIMED_LIVES = 20
#: Points at which a life may end, at most. Where there are many, every life ends at its first steps.
CHOSEN = 3
#: And at the latest at a point whose number is drawn evenly by its logarithm, up to ten to this power.
LATEST = 3.3
#: Real seconds of a life; none takes so long.
HANG = 300.0
#: Deeds after which nothing is copied for longer than floods last.
HOURS = ("hours pass", "account limited", "clock set", "deleted unseen")
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
    #: The same as `seen`, of each kind of world.
    where: defaultdict[str, Counter[Point]] = field(default_factory=lambda: defaultdict(Counter))
    worlds: int = 0
    messages: int = 0
    #: Of each world: the points chosen for each life, so that it can be lived again.
    plans: dict[int, Plan] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    #: How many worlds had which promises.
    promises: Counter[str] = field(default_factory=Counter)
    longest_start: float = 0.0
    longest_silence: float = 0.0
    #: By the seed of its world.
    wrong: dict[int, Verdict] = field(default_factory=dict)

    @property
    def kills(self) -> int:
        return self.killed.total()

    def choose(self, chance: random.Random, kind: str) -> set[Point]:
        """Some of the points that this kind of world passes, those tried least first; a life ends at the
        first that it meets."""
        points = sorted(
            self.where[kind] or self.seen,
            key=lambda p: (self.killed[p] + self.tried[p] / 4, chance.random()),
        )
        return set(points[: chance.randint(1, CHOSEN)])

    def kind(self, chance: random.Random) -> Kind:
        """One that there was not yet, or as often as its weight says."""
        if new := [kind for name, kind in KINDS.items() if name not in self.where]:
            return new[0]
        return chance.choices(list(KINDS.values()), [kind.weight for kind in KINDS.values()])[0]

    def missed(self) -> set[Point]:
        """What was passed, and no life ended at."""
        return {point for point in self.seen if not self.killed[point]}


async def world(
    seed: int,
    tally: Tally,
    *,
    kind: Kind | None = None,
    lives: int = LIVES,
    aims: Collection[Point] = (),
    killing: bool = True,
    plan: Plan | None = None,
    early: bool = True,
    random_ids: str = DRAW,
    say: Callable[..., None] = lambda *_: None,
) -> None:
    """One world from its first post to the comparison. A `plan` says where its lives are to end. Without
    `killing` they end by themselves, which shows what this kind of world passes; so they may in a world that
    is not `early`, where they do not come to such a point. `random_ids`: as `promises` has it."""
    chance = random.Random(seed)
    choice = random.Random(-seed - 1)
    kind = kind or tally.kind(choice)
    tally.where[kind.name]  # from now on it is one that there was
    plan = plan or []
    lived = tally.plans.setdefault(seed, [])
    tally.kinds[seed] = kind.name
    with tempfile.TemporaryDirectory(prefix="tgstreamd-chaos-") as folder:
        async with House(Path(folder)) as house:
            house.options["pace"] = {"interval": kind.interval}
            kept = promises(seed, random_ids)
            kept.hold_in(house)
            tally.promises[kept.name] += 1
            say("---- promises:", kept)
            weather = Weather(house, chance, kind, say=say)
            operator = Operator(weather, kind)
            source = weather.source if kind.name != "coming and going" else "@thesource"
            house.mirror(source, weather.target, **{"deletes": "mirror", "order": "source", **kind.options})
            for _ in range(chance.randint(4, 10)):
                weather.turn(rare=False)
            if aims:
                lives = AIMED_LIVES
            for number in range(lives):
                if not killing:
                    points = set()
                elif plan:
                    points = set(plan[number])
                elif aims:
                    points = {point for point in aims if not tally.killed[point]}
                    if not points:
                        break
                else:
                    points = tally.choose(choice, kind.name)
                lived.append(sorted(points))
                if number == lives // 4 and kind.name == "older ledger":
                    await _keep_ledger(house)
                if number == lives // 3 and kind.name in ("lost ledger", "older ledger"):
                    await _lose_ledger(house, weather, operator)
                # Never as late as that nobody waits for it any more: of such a one nobody may ever hear.
                RARE["video published"](weather)
                life = Life(house, weather, operator, tally, kind, chance)
                ended = await life.live(points, early=killing and early)
                kept.time_passed(house)
                say("---- a life ended at", ended)
                for _ in range(chance.randint(2, 6)):
                    weather.turn()
            house.tg.faults.clear()
            RARE["source back"](weather)
            await house.start()
            left = await operator.calm()
            born = await house.store.born_to(1, weather.source.marked_id)
            weather.history = {word(m) for m in weather.posted if min(m.ids.values(), default=0) <= born}
            verdict = judge(weather, facts=bool(kind.options.get("chat")))
            verdict.different += left
            if verdict:
                verdict.about.append(f"kind: {kind.name}, moved {weather.moved}, given up {weather.given_up}")
                for side, messages in (("source", weather.posted), ("target", weather.copies())):
                    verdict.about += [f"{side} {next(iter(m.ids.values()), 0)}: {word(m)}" for m in messages]
                verdict.about += [f"{job}" for job in await house.jobs() if job[1] != "done"]
                for row in await house.store.copies_between(weather.target.marked_id, 0, 1 << 31):
                    verdict.about.append(f"ledger: {row.source_id} is {row.target_id}")
            status = await operator.status()
            if status["paused"] or status["parked"] or status["backlog"] or status["held_deletions"]:
                verdict.different.append(f"the mirror: {status}")
    tally.worlds += 1
    tally.deeds += weather.deeds
    tally.messages += len(weather.posted)
    if verdict:
        tally.wrong[seed] = verdict


async def _keep_ledger(house: House) -> None:
    """A copy, as it was when the last life ended."""
    await house.start()
    await house.store.copy_to(house.folder / "kept.db")
    await house.stop()


async def _lose_ledger(house: House, weather: Weather, operator: Operator) -> None:
    """All is copied, and then the ledger is gone, or the one that was kept is put in its place."""
    house.tg.faults.clear()
    await house.start()
    await operator.calm()
    await house.stop()
    for file in house.folder.glob("ledger.db*"):
        file.unlink()
    if (kept := house.folder / "kept.db").exists():
        kept.rename(house.folder / "ledger.db")
    weather.ledger_lost = True
    weather.deeds["ledger lost"] += 1


@dataclass
class Life:
    """One start of the daemon of a world, to its end."""

    house: House
    weather: Weather
    operator: Operator
    tally: Tally
    kind: Kind
    chance: random.Random

    async def live(self, points: set[Point], *, early: bool) -> Point | None:
        """`early`: it may also end anywhere else."""
        house, weather, tally, chance = self.house, self.weather, self.tally, self.chance
        tally.tried.update(points)
        last = round(10 ** chance.uniform(1.0, LATEST)) if early else 0
        passed: Counter[Point] = Counter()
        mortal = Mortal(house, passed, points, chance.randint(1, 2) if early else 1, last)
        mortal.begin()
        _bad_line(house, weather, tally, chance)
        known = set(map(word, weather.copies()))
        waiting = any(word(message) not in known for message in weather.originals())
        began = house.clock.now()
        living = asyncio.ensure_future(self._lives())
        ending = asyncio.ensure_future(mortal.dead.wait())
        finished, _ = await asyncio.wait({living, ending}, return_when=asyncio.FIRST_COMPLETED, timeout=HANG)
        if not finished:
            raise hangs("a life goes on for ever")
        if mortal.point is not None:
            tally.killed[mortal.point] += 1
            living.cancel()
            if not (await asyncio.wait({living}, timeout=HANG))[0]:
                raise hangs(f"it did not die at {mortal.point}")
            if not living.cancelled():
                living.exception()  # of the dead; it is nobody's affair
        else:
            ending.cancel()
            living.result()
        await house.stop()
        mortal.end()
        tally.seen += passed
        tally.where[self.kind.name] += passed
        if waiting and not any(weather.deeds[one] for one in HOURS) and self.kind.interval < 10:
            news = [m.date for m in weather.copies() if word(m) not in known]
            if news:
                tally.longest_silence = max(tally.longest_silence, min(news) - began)
        return mortal.point

    async def _lives(self) -> None:
        born, chance = time.monotonic(), self.chance
        await self.house.start()
        self.tally.longest_start = max(self.tally.longest_start, time.monotonic() - born)
        for seconds in (chance.choice([5.0, 15.0, 30.0]), chance.choice([15.0, 30.0]), 400.0):
            await self.house.run(seconds)
            self.weather.turn()
            await self.operator.turn()


def hangs(what: str) -> AssertionError:
    """With where every task stands."""
    told = io.StringIO()
    for task in asyncio.all_tasks():
        task.print_stack(file=told)
    return AssertionError(f"{what}\n{told.getvalue()}")


def _bad_line(house: House, weather: Weather, tally: Tally, chance: random.Random) -> None:
    """Random combinations: a death, and trouble on the wire before it."""
    if chance.random() < 0.6:
        return
    roll = chance.random()
    if roll < 0.1:
        house.world.files.expire_references()
        tally.wire["references expired"] += 1
    elif roll < 0.2:
        if not house.world.chats.random_ids.lasting:
            house.world.chats.forget_random_ids()
            tally.wire["random ids forgotten"] += 1
        house.clock.advance(1000)
        tally.wire["a quarter of an hour later"] += 1
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
        weather.in_part |= action == "apply-part"
        house.tg.faults.add(
            Fault(method, action, code, message, skip=chance.randint(0, 2), account=house.me.id)
        )
        tally.wire[action if not message else f"{action} {message}"] += 1
