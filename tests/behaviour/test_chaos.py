"""The short form of `make chaos`: two worlds, killed a dozen times, end as their sources."""

from __future__ import annotations

import pytest

from tests.chaos.campaign import Tally, world
from tests.chaos.kinds import KINDS

pytestmark = pytest.mark.thorough


async def test_a_world_in_which_the_daemon_dies_again_and_again() -> None:
    """Texts, albums, small and big media, edits, deletions, pins and topics in flight."""
    tally = Tally()
    for seed, kind in ((4, "plain"), (5, "forum")):
        await world(seed, tally, kind=KINDS[kind], lives=9)
    assert tally.kills >= 8
    assert not tally.wrong, [verdict.lines() for verdict in tally.wrong.values()]
