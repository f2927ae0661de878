"""The ledger may hold ten million messages: nothing that is done for each of them reads all of them."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tgstreamd.domain.messages import Box, Draft, Media, Message, Piece, Topic, Upload
from tgstreamd.domain.updates import Difference
from tgstreamd.ledger import READER, PendingCheck, Store, encode

SOURCE, TARGET, MOVED = -1_000_000_000_001, -1_000_000_000_002, -1_000_000_000_003
#: A scan of a table that grows with what was mirrored. One by way of a partial index is none.
GROWS = re.compile(
    r"SCAN (job|item|send|copy|j|i|s|c)\b(?!.* USING)|SEARCH item USING PRIMARY KEY \(mirror=\?\)"
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "ledger.db")
    yield opened
    await opened.close()


def post(number: int, group: int | None = None) -> Message:
    media = Media(kind="photo", id=number, size=10, raw=b"x")
    return Message(chat=SOURCE, id=number, date=number, text="words", media=media, group=group)


async def test_no_query_of_the_daily_round_reads_the_whole_ledger(store: Store) -> None:
    asked: set[str] = set()
    ids = itertools.count(1)

    def trace(db: sqlite3.Connection) -> None:
        db.set_trace_callback(asked.add)

    await store.bear(
        name="m", source=SOURCE, source_topic=None, target=TARGET, target_topic=None, history="all", start=0,
        newest=100, box_chat=SOURCE, box=Box(pts=1), count=100, since=0, waiting="", now=1.0,
    )  # fmt: skip
    await store.run(trace)
    (gap,) = await store.gaps()
    await store.take_page(
        gap, [post(1), post(2, 5), post(3, 5), post(4)], upto=4, ended=False, wanted=lambda _: True, now=1.0,
        new_id=lambda: next(ids),
    )  # fmt: skip
    await store.ingest_push(post(101), mirrors=[1], pts=2, now=1.0, new_id=lambda: next(ids))
    await store.take_difference(
        SOURCE,
        Difference(box=Box(pts=5), messages=(post(102, 6),), edits=(post(1),), deleted=((SOURCE, (4,)),)),
        takers=lambda _: [1], deletes=lambda _: [(1, True)], pins=lambda _: [1], newest={}, now=1.0,
        new_id=lambda: next(ids),
    )  # fmt: skip
    await store.due_changes(1.0)
    await store.take_missed(1, [post(103)], now=1.0, new_id=lambda: next(ids))
    await store.skip_unreadable(gap, 50, reason="unreadable", now=1.0, new_id=lambda: next(ids))
    await store.take_deleted(0, [103], deletes=[(1, None)], now=1.0)
    await store.titles()
    await store.next_seal(SOURCE)
    await store.others_spoke(TARGET, 0, 5, own=True)
    await store.open_polls(1, SOURCE)
    await store.made_topics(1, SOURCE)
    await store.doubts()
    doubt = PendingCheck(mirror=1, chat=SOURCE)
    await store.doubtful(doubt, mirrored=True)
    await store.answer_doubt(doubt, [4], deletes=[(1, True)], settled=True, now=1.0)
    await store.open_job(TARGET)
    await store.live_floor(1)
    await store.pace(READER)
    await store.standings()
    assert await store.count_ahead(1, "backlog", 1) == 1
    job = (await store.heads(1)).backlog
    assert job is not None
    await store.job(job.id)
    await store.messages(job.id)
    await store.committed(job.id)
    await store.begin_upload(job.id, 1, Upload(file_id=9, size=10), media_id=1, key=3)
    await store.acknowledge(9, [0])
    await store.commit_upload(job.id, 1, media_id=1, raw=b"y")
    draft = Draft(pieces=(Piece(source_id=1, text="words"),))
    await store.plan_sends(job.id, [draft], [[77]], [["print"]])
    await store.attempt(
        job.id, 0, draft=draft, committed=[None], fingerprints=["print"], floor_id=1, run="r", now=1.0
    )
    await store.sends(job.id)
    await store.open_prints(TARGET)
    await store.settle(
        job.id, 0, ids={}, scheduled={77: 12}, target=TARGET, backlog=True, now=2.0
    )  # fmt: skip
    await store.published(TARGET, 12, 900, 3.0)
    await store.origin(1, SOURCE, 1)
    await store.entries(1, SOURCE, 0, 100)
    await store.copies_between(TARGET, 0, 1000)
    await store.first_of(1, TARGET)
    await store.feeds(1)
    await store.album_of(1, SOURCE, 2)
    await store.out_of_date(1, SOURCE, 1)
    await store.pause_not_created("later", "why")
    await store.first_copy(job.id)
    await store.mapped(TARGET, [900, 901])
    await store.highest_copy(TARGET)
    await store.unsent(1)
    await store.take_topics(1, SOURCE, [Topic(id=7, title="Tea")], heard=0, now=1.0)
    await store.place_topic(1, Topic(id=7, title="Tea"), before=job.id, now=1.0, new_id=lambda: next(ids))
    await store.topic(1, SOURCE, 7)
    await store.topic_settled(1, SOURCE, 7)
    await store.move_source(1, MOVED, end=10, newest=10, box=Box(pts=1))
    await store.move_target(1, MOVED)
    await store.finish(job.id, "skipped", "filter: x", 3.0)
    for _ in range(2):
        await store.send_again(1, [post(1)], standing=[900], now=1.0, new_id=lambda: next(ids))
        (replaced,) = [change for change in (await store.due_changes(9.0))[0] if change.replaces]
        assert await store.copies_of_change(replaced) == (TARGET, [900])
        await store.deletion_refused(replaced, [900], "why", 1.0)
    await store.send_anew(msgspec.structs.replace(replaced, payload=encode(post(1))), lambda: next(ids), 1.0)
    (replaced,) = [change for change in (await store.due_changes(9.0))[0] if change.replaces]
    await store.deleted([replaced], 0.0)
    await store.found_again(1, post(102), [(901, "print")], now=1.0, new_id=lambda: next(ids))
    await store.parked()

    def scans(db: sqlite3.Connection) -> list[str]:
        db.set_trace_callback(None)
        found = []
        for query in asked:
            if query.split(maxsplit=1)[0] in ("SELECT", "UPDATE", "DELETE"):
                plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
                found += [f"{step}: {query}" for step in plan if GROWS.search(step)]
        return found

    assert len(asked) > 40
    assert await store.run(scans) == []
