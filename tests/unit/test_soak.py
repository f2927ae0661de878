"""A soak's judgement: what rises is named, what only swings or warms up is not."""

from __future__ import annotations

from dataclasses import replace

from tests.soak.flat import MIB, Sample, judge

FLAT = [
    Sample(
        at=60.0 * n,
        messages=100 * n,
        waiting=3,
        rss=80 * MIB + (n % 3) * MIB,
        descriptors=30 + n % 2,
        ledger=300 * 100 * n,
        wal=4 * MIB,
        tasks=23,
        threads=3,
        objects=80_000 + n % 5,
    )
    for n in range(60)
]


def test_what_swings_is_flat() -> None:
    assert judge(FLAT).flat


def test_what_comes_with_the_load_and_goes_with_it_is_flat() -> None:
    """Busier towards the end: more connections, and their memory."""
    assert judge(
        [
            replace(s, rss=s.rss + n * MIB // 4 * (n % 3), descriptors=30 + n // 4 * (n % 3))
            for n, s in enumerate(FLAT)
        ]
    ).flat


def test_what_warms_up_in_the_first_half_is_flat() -> None:
    assert judge([replace(s, rss=s.rss - max(0, 25 - n) * MIB) for n, s in enumerate(FLAT)]).flat


def test_what_rises_slowly_is_named() -> None:
    assert judge([replace(s, rss=s.rss + n * MIB // 5) for n, s in enumerate(FLAT)]).wrong == ["rss"]
    assert judge([replace(s, tasks=23 + n // 10) for n, s in enumerate(FLAT)]).wrong == ["tasks"]
    assert judge([replace(s, descriptors=30 + n // 8) for n, s in enumerate(FLAT)]).wrong == ["descriptors"]
    assert judge([replace(s, objects=80_000 + 50 * n) for n, s in enumerate(FLAT)]).wrong == ["objects"]


def test_a_ledger_that_keeps_texts_is_named() -> None:
    """A row for each message is what it is for; what was said in it is not."""
    assert judge([replace(s, ledger=3 * s.ledger) for s in FLAT]).wrong == ["ledger"]
