"""The ledger's memory of what it was asked: never older than what was last written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import HANG
from tgstreamd.domain.holds import Scope
from tgstreamd.ledger import READER, Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "ledger.db")
    yield store
    await store.close()


class Fact:
    """What is asked; knows how often the database was."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, db: Any) -> str:
        self.read += 1
        row = db.execute("SELECT value FROM fact WHERE key = 'it'").fetchone()
        return row["value"] if row else ""


async def test_the_same_question_is_read_once_until_something_is_written(store: Store) -> None:
    fact = Fact()
    assert [await store.ask("it", fact) for _ in range(3)] == ["", "", ""]
    assert fact.read == 1
    await store.set_fact("it", "new")
    assert [await store.ask("it", fact) for _ in range(3)] == ["new", "new", "new"]
    assert fact.read == 2
    # Whoever asks of the store itself is told the same.
    assert await store.fact("it") == "new"
    await store.set_fact("it", "newer")
    assert (await store.fact("it"), await store.fact("another")) == ("newer", "")


async def test_a_transaction_that_writes_nothing_leaves_the_answers(store: Store) -> None:
    fact = Fact()
    await store.ask("it", fact)
    await store.lift_hold(READER, Scope.account())
    assert (await store.ask("it", fact), fact.read) == ("", 1)


async def test_one_that_fails_is_no_exception(store: Store) -> None:
    def fails(db: Any) -> None:
        db.execute("INSERT INTO fact VALUES ('it', 'half')")
        raise RuntimeError

    fact = Fact()
    await store.ask("it", fact)
    with pytest.raises(RuntimeError):
        await store.run(fails)
    assert (await store.ask("it", fact), fact.read) == ("", 2)


async def test_what_is_asked_beside_a_write_is_no_older_than_it(store: Store) -> None:
    """A question before it, one after it was handed in, and its own end, in any order of their ends."""
    reached, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    fact = Fact()

    def slow(db: Any) -> str:
        loop.call_soon_threadsafe(reached.set)
        assert go_on.wait(HANG)
        return fact(db)

    before = asyncio.ensure_future(store.ask("it", slow))
    await reached.wait()
    write = asyncio.ensure_future(store.set_fact("it", "new"))
    await asyncio.sleep(0)
    after = asyncio.ensure_future(store.ask("it", fact))
    await asyncio.sleep(0)
    go_on.set()
    assert list(await asyncio.gather(before, write, after)) == ["", None, "new"]
    assert (await store.ask("it", fact), fact.read) == ("new", 2)


async def test_who_is_cancelled_in_a_write_does_not_leave_the_old_answer(store: Store) -> None:
    reached, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(db: Any) -> None:
        loop.call_soon_threadsafe(reached.set)
        assert go_on.wait(HANG)
        db.execute("INSERT INTO fact VALUES ('it', 'new')")

    await store.fact("it")
    write = asyncio.ensure_future(store.run(slow))
    await reached.wait()
    write.cancel()
    await asyncio.wait([write])
    go_on.set()
    assert await store.fact("it") == "new"


async def test_who_may_only_read_sees_what_the_writer_writes(store: Store) -> None:
    reader = await Store.open_read_only(store.path)
    try:
        assert await reader.fact("it") == ""
        await store.set_fact("it", "new")
        assert await reader.fact("it") == "new"
    finally:
        await reader.close()


async def test_a_question_that_writes_is_refused(store: Store) -> None:
    def writes(db: Any) -> None:
        db.execute("INSERT INTO fact VALUES ('it', 'written')")

    with pytest.raises(AssertionError, match="it is no question"):
        await store.ask("it", writes)
    assert await store.fact("it") == ""


async def test_answers_do_not_gather(store: Store) -> None:
    for n in range(2000):
        await store.fact(f"{n}")
    assert len(store._answers) <= 500


async def test_an_answer_from_memory_gives_others_their_turn(store: Store) -> None:
    await store.fact("it")
    turns = await _beside(lambda: store.fact("it"))
    assert turns > 0


async def _beside(ask: Callable[[], Any]) -> int:
    """How often another task had its turn while the same was asked ten times."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    for _ in range(10):
        await ask()
    task.cancel()
    return turns
