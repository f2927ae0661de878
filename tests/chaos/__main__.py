"""`python -m tests.chaos --seed 1 --kills 1000`: ends with a table, and fails where not all zeros are."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import structlog

from tests.chaos.campaign import Tally, world
from tests.chaos.kinds import KINDS
from tests.chaos.points import BESIDE, OUT_OF_REACH, Point, transactions
from tests.chaos.program import Killed, killed
from tests.chaos.promises import DRAW, WAYS

#: Worlds in which a point is aimed at, before it is given up.
TRIES = 8
#: Worlds of each kind in which is looked for points that were never passed.
SURVEYS = 2


async def campaign(
    seed: int,
    kills: int,
    *,
    abreast: int,
    worlds: int | None = None,
    minutes: float = math.inf,
    random_ids: str = DRAW,
) -> Tally:
    """Worlds one after the other, `abreast` at a time, until so many lives were ended."""
    tally = Tally()
    end = time.monotonic() + 60 * minutes
    number = 0

    async def worker() -> None:
        nonlocal number
        while tally.kills < kills and (worlds is None or number < worlds) and time.monotonic() < end:
            mine, number = seed * 100_000 + number, number + 1
            await lived(mine, tally, random_ids=random_ids)
            if tally.worlds % 10 == 0:
                print(f"{tally.worlds} worlds, {tally.kills} kills …", file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(abreast):
            group.create_task(worker())
    return tally


async def surveyed(
    seed: int, tally: Tally, *, abreast: int, minutes: float = math.inf, random_ids: str = DRAW
) -> None:
    """A world of each kind in which nobody is killed, while there are transactions that none has passed."""
    end = time.monotonic() + 60 * minutes
    kinds = iter([*KINDS.values()] * SURVEYS)
    number = 0

    async def worker() -> None:
        nonlocal number
        while unknown(tally) and time.monotonic() < end and (kind := next(kinds, None)):
            mine, number = seed * 100_000 + 30_000 + number, number + 1
            await lived(mine, tally, kind=kind, killing=False, lives=6, random_ids=random_ids)

    async with asyncio.TaskGroup() as group:
        for _ in range(abreast):
            group.create_task(worker())


async def aimed(
    seed: int, tally: Tally, *, abreast: int, minutes: float = math.inf, random_ids: str = DRAW
) -> None:
    """Worlds for the points that were passed and that no life has ended at, of the kinds that pass them,
    until all were hit or tried so often."""
    tries: Counter[Point] = Counter()
    end = time.monotonic() + 60 * minutes
    number = 0

    async def worker() -> None:
        nonlocal number
        while time.monotonic() < end:
            left = {point for point in tally.missed() if tries[point] < TRIES}
            kind = max(KINDS, key=lambda name: len(left & tally.where[name].keys()))
            if not (aims := left & tally.where[kind].keys()):
                return
            mine, number = seed * 100_000 + 50_000 + number, number + 1
            tries.update(aims)
            await lived(mine, tally, kind=KINDS[kind], aims=sorted(aims), early=False, random_ids=random_ids)
            print(f"{len(tally.missed())} points not hit …", file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(abreast):
            group.create_task(worker())


async def lived(seed: int, tally: Tally, **options: Any) -> None:
    """One world; where it did not end well, what it was is kept as a file."""
    try:
        await world(seed, tally, **options)
    except BaseException as error:
        error.add_note(f"in the world of seed {seed}, {tally.kinds.get(seed)}: {tally.plans.get(seed)}")
        raise
    if seed in tally.wrong:
        kept = Path("build") / f"chaos-{seed}.json"
        kept.parent.mkdir(exist_ok=True)
        how = {name: options.get(name, True) for name in ("early", "killing")}
        how["random_ids"] = options.get("random_ids", DRAW)
        kept.write_text(json.dumps({"kind": tally.kinds[seed], "plan": tally.plans[seed], **how}))
        print(f"world {seed} ({kept}):", *tally.wrong[seed].lines(), sep="\n  ", flush=True)


def again(kept: Path) -> int:
    """The world of a file that a campaign left, with the daemon's log."""
    seed, tally = int(kept.stem.split("-")[1]), Tally()
    was = json.loads(kept.read_text())
    plan = [[(name, side) for name, side in points] for points in was["plan"]]
    how = {name: was[name] for name in ("early", "killing", "random_ids")}
    asyncio.run(world(seed, tally, kind=KINDS[was["kind"]], lives=len(plan), plan=plan, say=print, **how))
    print(*(line for verdict in tally.wrong.values() for line in verdict.lines()), sep="\n")
    return 1 if tally.wrong else 0


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--sigkills", type=int, help="real processes killed besides; default: a tenth")
    options.add_argument("--abreast", type=int, default=3, help="worlds at a time")
    options.add_argument("--worlds", type=int, help="at most so many")
    options.add_argument("--minutes", type=float, default=math.inf, help="no new world after so many")
    options.add_argument(
        "--random-ids",
        choices=(DRAW, *WAYS),
        default=DRAW,
        help="Telegram keeps them for ever (c1), tells them in differences (c2), or both; default: drawn",
    )
    options.add_argument("--again", type=Path, metavar="FILE", help="live one world again, and say it all")
    given = options.parse_args()
    if given.sigkills is None:
        given.sigkills = given.kills // 10
    if given.again:
        return again(given.again)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    how = {"abreast": given.abreast, "minutes": given.minutes, "random_ids": given.random_ids}
    tally = asyncio.run(campaign(given.seed, given.kills, worlds=given.worlds, **how))
    asyncio.run(surveyed(given.seed, tally, **how))
    asyncio.run(aimed(given.seed, tally, **how))
    processes = asyncio.run(real_kills(given.seed, given.sigkills, given.random_ids))
    print(table(tally, processes, time.monotonic() - began))
    print(f"\npoints: {len(tally.seen)}, hit: {len(tally.seen) - len(tally.missed())}, never hit:", end=" ")
    print(", ".join(sorted(f"{side} {name}" for name, side in tally.missed())) or "none")
    print("transactions never passed:", ", ".join(unknown(tally)) or "none")
    for name, why in {**BESIDE, **OUT_OF_REACH}.items():
        print(f"no point: {name}: {why}")
    return 1 if tally.wrong or not all(seen.equal for seen in processes) else 0


async def real_kills(seed: int, kills: int, random_ids: str = DRAW) -> list[Killed]:
    """Processes killed by SIGKILL, twenty times each, until there were so many."""
    seen: list[Killed] = []
    while (left := kills - sum(one.kills for one in seen)) > 0:
        number = min(20, left)
        with tempfile.TemporaryDirectory(prefix="tgstreamd-chaos-") as folder:
            seen.append(
                await killed(
                    Path(folder) / "daemon",
                    messages=number * 10,
                    kills=number,
                    faults=len(seen) % 2 == 0,
                    seed=seed + len(seen),
                    random_ids=random_ids,
                )
            )
        if not seen[-1].equal:
            print(f"processes, seed {seed + len(seen) - 1}:", *seen[-1].lines, sep="\n  ", flush=True)
        print(f"{sum(one.kills for one in seen)} processes killed …", file=sys.stderr, flush=True)
    return seen


def unknown(tally: Tally) -> list[str]:
    return sorted(transactions() - {name for name, _ in tally.seen})


def table(tally: Tally, processes: list[Killed], seconds: float) -> str:
    wrong = tally.wrong.values()
    kinds: dict[str, int] = {}
    for side in ("before", "after"):
        for room in ("ledger", "telegram"):
            at = {p: n for p, n in tally.killed.items() if p[1] == side and p[0].startswith(room)}
            what = "a transaction of the ledger" if room == "ledger" else "a request to Telegram"
            kinds[f"killed {side} {what} ({len(at)} kinds)"] = sum(at.values())
    rows: dict[str, float] = {
        **kinds,
        "killed by SIGKILL, a process of its own": sum(one.kills for one in processes),
        **{f"with it: {name}": count for name, count in sorted(tally.wire.items())},
        **{f"in the source: {name}": count for name, count in sorted(tally.deeds.items())},
        **{f"worlds of random ids: {name}": count for name, count in sorted(tally.promises.items())},
        "points that were passed and never hit": len(tally.missed()),
        "transactions that were never passed": len(unknown(tally)),
        "worlds": tally.worlds,
        "messages": tally.messages,
        "kills": tally.kills + sum(one.kills for one in processes),
        "lost": sum(len(v.lost) for v in wrong),
        "doubled": sum(len(v.doubled) for v in wrong),
        "out of order": sum(len(v.disordered) for v in wrong),
        "otherwise different": sum(len(v.different) for v in wrong),
        "processes that left the chats unequal": sum(not one.equal for one in processes),
        "longest start, s": round(tally.longest_start, 2),
        "longest from a start to the next copy, s of the mirror's time": round(tally.longest_silence),
        "took, s": round(seconds),
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value:>6}" for name, value in rows.items())


if __name__ == "__main__":
    sys.exit(main())
