"""A soak in miniature: the daemon's services for ten minutes of a mirror's time.

It shows that the soak itself works and that source and target agree; whether all is flat takes `make soak`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import accelerated, realtime
from tests.soak.flat import judge


async def test_ten_minutes_in_accelerated_time(tmp_path: Path) -> None:
    samples, found = await accelerated.soak(tmp_path / "d", 1 / 6, every=60.0, say=print)
    assert found == []
    assert len(samples) >= 10
    assert samples[-1].messages >= 25
    # What warms up in these minutes (connections, memory, the log of the ledger) is not judged; a look may
    # fall into the middle of a transfer, which has tasks of its own.
    tasks = [sample.tasks or 0 for sample in samples]
    assert 0 < min(tasks[5:]) <= min(tasks[:5]) + 1


@pytest.mark.slow
async def test_two_minutes_in_real_time(tmp_path: Path) -> None:
    samples, found = await realtime.soak(tmp_path / "d", 120.0, interval=0.25, every=5.0, say=print)
    assert found == []
    assert not {"threads"} & set(judge(samples).wrong)
