"""A soak in miniature: the daemon's services for a quarter of an hour of a mirror's time.

It shows that the soak itself works and that source and target agree; whether all is flat takes `make soak`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import accelerated, realtime
from tests.soak.flat import judge


async def test_a_quarter_of_an_hour_in_accelerated_time(tmp_path: Path) -> None:
    samples, found = await accelerated.soak(tmp_path / "d", 0.25, every=90.0, say=print)
    assert found == []
    assert len(samples) >= 10
    assert samples[-1].messages >= 40
    # What warms up in these minutes (connections, memory) is not judged; what must never grow is.
    assert not {"tasks", "threads", "wal"} & set(judge(samples).wrong)


@pytest.mark.slow
async def test_two_minutes_in_real_time(tmp_path: Path) -> None:
    samples, found = await realtime.soak(tmp_path / "d", 120.0, interval=0.25, every=5.0, say=print)
    assert found == []
    assert not {"threads", "wal"} & set(judge(samples).wrong)
