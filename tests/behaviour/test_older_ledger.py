"""An older ledger put back: what it knows as refused, put off or parked may stand in the target since.

A `random_id` may last no longer than until then; then only what is recognised in the target tells.
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness import House
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

pytestmark = pytest.mark.thorough

SEND = "messages.sendMessage"
WAYS = {"C1 alone": (True, False), "C2 alone": (False, True)}


async def put_back(
    house: House, name: str, before: Callable[[Chat], Awaitable[None]], after: Callable[[], Awaitable[None]]
) -> Chat:
    """The ledger as it was after `before`, where the truth has gone on with `after`."""
    source, target = house.supergroup("Source"), house.own_supergroup("Target")
    for n in range(6):
        house.post(source, f"number {n}")
    house.mirror(source, target)
    await before(target)
    await house.stop()
    kept = house.folder / "kept"
    kept.mkdir()
    for file in house.folder.glob("ledger.db*"):
        shutil.copy(file, kept)
    await house.start()
    await after()
    house.post(source, "the newest")
    await house.run()
    assert sorted(house.texts(target)) == [*(f"number {n}" for n in range(6)), "the newest"]
    await house.stop()
    for file in house.folder.glob("ledger.db*"):
        file.unlink()
    for file in kept.iterdir():
        shutil.copy(file, house.folder)
    ids = house.world.chats.random_ids
    ids.lasting, ids.told = WAYS[name]
    if not ids.lasting:
        ids.forget()
    await house.start()
    await house.run()
    return target


@pytest.mark.parametrize("answer", ["rebuild", "resume"])
@pytest.mark.parametrize("name", WAYS)
async def test_what_had_to_wait_then(tmp_path: Path, name: str, answer: str) -> None:
    """A flood made it wait when the copy of the ledger was taken; it was sent after that."""
    async with House(tmp_path) as house:

        async def before(target: Chat) -> None:
            flood = Fault(SEND, "flood", seconds=50, when=lambda _, request: request.message == "number 1")
            house.tg.faults.add(flood)
            await house.start()
            await house.run(until=lambda: flood.hits > 0)

        async def after() -> None:
            await house.run()

        target = await put_back(house, name, before, after)
        await answered(house, answer)
        assert house.texts(target) == [*(f"number {n}" for n in range(6)), "the newest"]


@pytest.mark.parametrize("name", WAYS)
async def test_what_was_parked_then(tmp_path: Path, name: str) -> None:
    """It was sent by `retry` after that; now `rebuild` knows it again, and a retry has nothing to do."""
    async with House(tmp_path) as house:

        async def before(target: Chat) -> None:
            refused = Fault(SEND, message="MESSAGE_NOT_WANTED", when=lambda _, r: r.message == "number 1")
            house.tg.faults.add(refused)
            await house.start()
            await house.run(until=lambda: house.texts(target) == ["number 0", "number 2"])

        async def after() -> None:
            await house.verb("retry", ids=None)
            await house.run()

        target = await put_back(house, name, before, after)
        await answered(house, "rebuild")
        await house.verb("retry", ids=None)
        await house.run()
        assert sorted(house.texts(target)) == [*(f"number {n}" for n in range(6)), "the newest"]


async def answered(house: House, answer: str) -> None:
    """What the operator does about a mirror that waits."""
    (mirror,) = (await house.status())["mirrors"]
    assert "already holds copies" in mirror["paused"]
    if answer == "rebuild":
        await house.verb("rebuild", mirror="m1", write=False)
        await house.verb("rebuild", mirror="m1", write=True)
    else:
        await house.verb("resume", mirror="m1")
    await house.run()
