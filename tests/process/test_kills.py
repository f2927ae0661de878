"""kill -9 at random moments of a mixed backlog, again and again: the target equals the source.

Each start is the recovery of the last end, whatever it interrupted: a transfer, an attempt, a commit.
`make test` kills five times in 50 messages, `make proofs` twenty times in 200, and again with lost answers,
cut connections, expired references and live posts in between. `make chaos` does it a hundred times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.program import killed

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("messages", "kills", "faults"),
    [
        pytest.param(50, 5, False, id="50-messages"),
        pytest.param(200, 20, False, id="200-messages", marks=pytest.mark.slow),
        pytest.param(200, 20, True, id="200-messages-and-faults", marks=pytest.mark.slow),
    ],
)
async def test_kills_at_random_leave_target_and_source_equal(
    tmp_path: Path, messages: int, kills: int, faults: bool
) -> None:
    """Texts, small media of both data centres, albums and answers; nothing lost, nothing twice, in order."""
    seen = await killed(tmp_path, messages=messages, kills=kills, faults=faults)
    print(
        f"{seen.in_the_middle} of {kills} kills in the middle; {seen.found} found, {seen.repeated} repeated"
    )
    assert seen.in_the_middle >= kills // 2, "the kills came too early or too late to prove anything"
    assert seen.equal, "\n".join(seen.lines)
    assert seen.complaints == []
