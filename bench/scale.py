"""Measures a large ledger: start, lease, settle, insert, size and memory, at growing numbers of messages.

The first thousand messages pass through the store as in the daemon; the rest are copies of their rows (half
of them done, half waiting), made in SQL. A fresh process then opens the ledger and uses only the store.
`python -m bench.scale measure PATH` is that process.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.machine import peak_rss_mb, told
from tgstreamd.domain.messages import Box, Draft, Media, Message, Piece
from tgstreamd.ledger import READER, Job, Store

SOURCE, TARGET = -1_000_000_000_001, -1_000_000_000_002
TEMPLATE = 1000
PAGE = 100
#: Repetitions of each measured step.
TIMES = 40
#: Columns that differ between copies of a row.
SHIFTED = {
    "job": {"id", "ord", "first_id", "follows", "group_id"},
    "item": {"source_id", "job", "random_id"},
    "send": {"job"},
    "copy": {"random_id", "job", "source_id", "target_id"},
}


def message(number: int) -> Message:
    """Return a typical post: a line or two, every fourth with a photo, occasionally an album."""
    media = None
    if number % 4 == 0:
        media = Media(kind="photo", id=number, size=300_000, dc=2, mime="image/jpeg", raw=bytes(220))
    album = number // 200 + 1 if number % 200 < 4 and number % 4 == 0 else None
    return Message(
        chat=SOURCE,
        id=number,
        date=1_700_000_000 + number * 60,
        text=f"Post number {number}: " + "words of an ordinary length, " * (number % 7),
        media=media,
        group=album,
        sender="Somebody",
        sender_id=7,
    )


async def _begin(store: Store) -> None:
    """Insert the thousand messages of which the others are copies."""
    ids = itertools.count(1)
    now = time.time()
    await store.bear(
        name="bench", source=SOURCE, source_topic=None, target=TARGET, target_topic=None, history="all",
        start=0, newest=1_000_000_000, box_chat=SOURCE, box=Box(pts=1), count=1_000_000_000, since=0,
        waiting="", now=now,
    )  # fmt: skip
    (gap,) = await store.gaps()
    for first in range(1, TEMPLATE + 1, PAGE):
        page = [message(number) for number in range(first, first + PAGE)]
        await store.take_page(
            gap, page, upto=page[-1].id, ended=False, wanted=lambda _: True, now=now, new_id=lambda: next(ids)
        )
    for number in range(1, TEMPLATE // 2 + 1):
        job = (await store.heads(1)).backlog
        assert job is not None
        await send(store, job, 10_000 + number, lambda: next(ids))


async def send(store: Store, job: Job, target_id: int, new_id: Callable[[], int]) -> None:
    """Make the writes of the sender for one job, from its plan to its end."""
    messages = await store.messages(job.id)
    pieces = tuple(Piece(source_id=m.id, text=m.text, media=m.media) for m, _ in messages)
    draft = Draft(pieces=pieces)
    random_ids = [new_id() for _ in pieces]
    await store.plan_sends(job.id, [draft], [random_ids], [["fingerprint"] * len(pieces)])
    await store.attempt(
        job.id, 0, draft=draft, committed=[None] * len(pieces), fingerprints=["fingerprint"] * len(pieces),
        floor_id=1, run="bench", now=time.time(),
    )  # fmt: skip
    await store.settle(
        job.id, 0, ids={random_id: target_id * 16 + n for n, random_id in enumerate(random_ids)},
        scheduled={}, target=TARGET, backlog=True, now=time.time(),
    )  # fmt: skip


def multiply(path: Path, rows: int) -> None:
    """Copy the template's rows until there are `rows` messages."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -1000000")
    have = TEMPLATE
    while have < rows:
        number = min(have, rows - have)
        db.execute("BEGIN")
        for table, shifted in SHIFTED.items():
            columns = [str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")]
            values = [
                f'"{c}" + {have * 16 if c in ("random_id", "target_id") else have}'
                if c in shifted
                else f'"{c}"'
                for c in columns
            ]
            key = "id" if table == "job" else "job"
            names = ", ".join(f'"{c}"' for c in columns)
            db.execute(
                f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table} WHERE {key} <= ?",
                (number,),
            )
        db.execute("COMMIT")
        have += number
    db.execute("UPDATE gap SET next_id = ?", (rows,))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


async def _timed(times: int, step: Callable[[], Awaitable[Any]]) -> float:
    """Return the median of `times` repetitions, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await step()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


async def measure(path: Path) -> dict[str, float]:
    """Measure, in a fresh process, what the daemon does with the ledger at a start and for each message."""
    began = time.perf_counter()
    store = await Store.open(path)
    await store.uncheck_all()
    await store.activate(1, name="bench", was_away=False, newest=0, box_chat=SOURCE, box=Box(pts=1))
    await store.mirror_list()
    await store.gaps()
    await store.highest_copy(TARGET)
    await store.open_prints(TARGET)
    await store.standings()
    await store.holds(READER)
    start = (time.perf_counter() - began) * 1000
    ids = itertools.count(1 << 60)
    targets = itertools.count(1 << 40)

    def forget() -> None:
        """Drop cached reads, as a write does."""
        store._answers.clear()

    async def status() -> None:
        forget()
        await store.standings()

    async def seal() -> None:
        forget()
        await store.next_seal(SOURCE)

    async def lease() -> Job:
        """Read what choosing the next job needs."""
        forget()
        await store.open_job(TARGET)
        job = (await store.heads(1)).backlog
        assert job is not None
        await store.messages(job.id)
        await store.committed(job.id)
        return job

    async def settle() -> None:
        job = (await store.heads(1)).backlog
        assert job is not None
        await send(store, job, next(targets), lambda: next(ids))

    async def insert() -> None:
        (gap,) = await store.gaps()
        page = [message(number) for number in range(gap.next_id + 1, gap.next_id + 1 + PAGE)]
        await store.take_page(
            gap, page, upto=page[-1].id, ended=False, wanted=lambda _: True, now=time.time(),
            new_id=lambda: next(ids),
        )  # fmt: skip

    await lease()
    found = {
        "start_ms": start,
        "lease_ms": await _timed(TIMES * 5, lease),
        "settle_ms": await _timed(TIMES, settle),
        "insert_per_s": PAGE * 1000 / await _timed(TIMES, insert),
        "status_ms": await _timed(TIMES, status),
        "seal_ms": await _timed(TIMES, seal),
        "peak_rss_mb": peak_rss_mb(),
    }
    await store.close()
    return found


async def at(rows: int) -> dict[str, float]:
    """Return all figures of a ledger with `rows` messages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        store = await Store.open(path)
        await _begin(store)
        await store.close()
        began = time.perf_counter()
        multiply(path, rows)
        filled = time.perf_counter() - began
        size = path.stat().st_size
        found = await told(0, "-m", "bench.scale", "measure", str(path))
    return {"rows": rows, **found, "bytes_per_message": size / rows, "size_mb": size / 1e6, "fill_s": filled}


def line(row: dict[str, float]) -> str:
    """Format one result for the terminal."""
    return (
        f"{row['rows']:>10,.0f} messages: start {row['start_ms']:.1f} ms, lease {row['lease_ms']:.2f} ms, "
        f"settle {row['settle_ms']:.2f} ms, {row['insert_per_s']:,.0f} inserts/s, "
        f"{row['bytes_per_message']:.0f} bytes each ({row['size_mb']:.0f} MB), "
        f"{row['peak_rss_mb']:.0f} MB of memory"
    )


if __name__ == "__main__":
    if sys.argv[1] == "measure":
        print(json.dumps(asyncio.run(measure(Path(sys.argv[2])))))
    else:
        for argument in sys.argv[1:]:
            print(line(result := asyncio.run(at(int(argument)))), f"(filled in {result['fill_s']:.0f} s)")
