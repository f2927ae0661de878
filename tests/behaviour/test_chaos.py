"""The short form of `make chaos`: one world, killed a dozen times, ends as its source."""

from __future__ import annotations

from tests.chaos.campaign import Tally, world


async def test_a_world_in_which_the_daemon_dies_again_and_again() -> None:
    """Texts, albums, small and big media, edits, deletions, pins and topics in flight."""
    tally = Tally()
    for seed in (4, 5):
        await world(seed, tally, lives=9)
    assert tally.kills >= 8
    assert not tally.wrong, [verdict.lines() for verdict in tally.wrong.values()]
