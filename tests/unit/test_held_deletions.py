"""Deletions that wait for the operator: what releases them is decided by a code, whatever the reason says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tgstreamd.domain.messages import Box
from tgstreamd.ledger import Store

NOW = 1_700_000_000.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "ledger.db")
    await opened.bear(
        name="main",
        source=-1001,
        source_topic=None,
        target=-1002,
        target_topic=None,
        history="all",
        start=0,
        newest=0,
        box_chat=-1001,
        box=Box(pts=1),
        count=0,
        since=0,
        waiting="",
        now=NOW,
    )
    yield opened
    await opened.close()


async def held(store: Store) -> str:
    (row,) = await store.mirror_list()
    return row.held


async def test_a_timers_are_released_for_good(store: Store) -> None:
    assert await store.hold_deletions(1, "timer", "auto-delete is on")
    assert not await store.hold_deletions(1, "timer", "said otherwise")
    assert await held(store) == "auto-delete is on"
    assert await store.resume(1, NOW) == ("auto-delete is on", [])
    assert not await store.hold_deletions(1, "timer", "auto-delete is on")
    # Too many at once are another matter.
    assert await store.hold_deletions(1, "mass", "51 deletions")
    assert await held(store) == "51 deletions"


async def test_a_mass_is_released_alone(store: Store) -> None:
    """A word of its reason decides nothing."""
    for _ in range(2):
        assert await store.hold_deletions(1, "mass", "51 deletions, perhaps by a timer")
        assert (await store.resume(1, NOW))[0] == "51 deletions, perhaps by a timer"
    assert await store.hold_deletions(1, "timer", "auto-delete is on")
