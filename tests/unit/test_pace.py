"""The pace: intervals add up over marks and holds, and a clock set back costs one interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.messages import Mark
from tgstreamd.policy.pacing import (
    CALM,
    WIDEST,
    BacklogInterval,
    Pace,
    anchored,
    arrival,
    behind,
    calmed,
    eta,
    flooded,
    not_before,
    overtakes,
    rate,
)

NOW = 1_700_000_000.0


def due(
    *,
    now: float = NOW,
    backlog: bool = False,
    target: Mark | None = None,
    account: Mark | None = None,
    backlog_mark: Mark | None = None,
    backlog_interval: float = 3.5,
    holds: tuple[float, ...] = (),
    pace: Pace | None = None,
) -> float:
    return not_before(
        pace or Pace(),
        now=now,
        backlog=backlog,
        target=target,
        account=account,
        backlog_mark=backlog_mark,
        backlog_interval=backlog_interval,
        holds=holds,
    )


def test_the_first_send_may_go_at_once() -> None:
    assert due() <= NOW


@pytest.mark.parametrize(
    ("cost", "wait"), [(1, 3.5), (2, 7.0), (10, 35.0)]
)  # an album of N costs N, also after a restart: only the mark is asked
def test_an_album_costs_its_items(cost: int, wait: float) -> None:
    assert due(target=Mark(at=NOW, cost=cost)) == NOW + wait


def test_another_target_waits_for_the_account_only() -> None:
    assert due(account=Mark(at=NOW)) == NOW + 1.0
    assert due(account=Mark(at=NOW), pace=Pace(account_interval=0)) == NOW


def test_all_backlogs_share_one_interval() -> None:
    other = Mark(at=NOW, cost=3)
    assert due(backlog=True, backlog_mark=other) == NOW + 10.5
    assert due(backlog=True, backlog_mark=other, backlog_interval=14.0) == NOW + 42.0
    assert due(backlog=False, backlog_mark=other) <= NOW


def test_holds_are_kept_to_the_second() -> None:
    assert due(target=Mark(at=NOW), holds=(NOW + 3600, NOW - 5)) == NOW + 3600


def test_a_clock_set_back_costs_one_interval() -> None:
    future = Mark(at=NOW + 7200)
    assert due(target=future) == NOW + 3.5
    stored = anchored(future, NOW)
    assert due(target=stored, now=NOW + 3.5) == NOW + 3.5
    assert anchored(Mark(at=NOW - 1, cost=2), NOW) == Mark(at=NOW - 1, cost=2)


@given(
    st.floats(NOW - 1e6, NOW + 1e6),
    st.integers(1, 10),
    st.lists(st.floats(NOW - 100, NOW + 1e5), max_size=3),
)
def test_never_early_and_never_stalled(at: float, cost: int, holds: list[float]) -> None:
    answer = due(target=Mark(at=at, cost=cost), holds=tuple(holds))
    assert answer >= min(at, NOW) + cost * 3.5
    assert all(answer >= hold for hold in holds)
    assert answer <= max([NOW + cost * 3.5, *holds])


def test_long_floods_widen_the_backlog_and_calm_narrows_it() -> None:
    tempo = BacklogInterval(interval=3.5)
    assert flooded(tempo, 59, NOW) == tempo
    once = flooded(tempo, 60, NOW)
    assert once == BacklogInterval(interval=7.0, changed=NOW)
    many = once
    for _ in range(5):
        many = flooded(many, 3600, NOW)
    assert many.interval == WIDEST
    assert calmed(once, Pace(), NOW + CALM - 1) == once
    assert calmed(once, Pace(), NOW + CALM).interval == 3.5
    # Twelve hours halve once; a day and a half later three steps have been made.
    assert calmed(many, Pace(), NOW + CALM).interval == 15.0
    assert calmed(many, Pace(), NOW + 3 * CALM).interval == 3.75
    assert calmed(many, Pace(), NOW + 30 * CALM).interval == 3.5


def test_a_configured_interval_above_the_widest_is_left_alone() -> None:
    assert flooded(BacklogInterval(interval=60.0), 600, NOW).interval == 60.0


def test_tempo_after_the_clock_was_set_back() -> None:
    assert calmed(BacklogInterval(interval=7.0, changed=NOW + 9e6), Pace(), NOW) == BacklogInterval(
        interval=7.0, changed=NOW
    )


@pytest.mark.parametrize(
    ("waiting", "interval", "incoming", "seconds"),
    [
        (0, 3.5, 99.0, 0.0),
        (100, 3.5, 0.0, 350.0),
        (60, 6.0, 5.0, 720.0),
        (60, 3.5, 24.0, None),
        (60, 6.0, 10.0, None),
        (5, 0.0, 1.0, 0.0),
    ],
)
def test_eta(waiting: int, interval: float, incoming: float, seconds: float | None) -> None:
    answer = eta(waiting, interval, incoming=incoming)
    assert answer == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("files", "seconds"),
    [
        ([], 0.0),
        ([(60_000_000, 868_000.0)], 69.1),
        ([(60_000_000, 868_000.0), (1000, 10.0), (5, 5.0)], 100.0),
        ([(60_000_000, 0.0), (10, 5.0)], 2.0),
    ],
)
def test_what_is_on_its_way_takes_as_long_as_its_slowest_file(
    files: list[tuple[int, float]], seconds: float
) -> None:
    assert arrival(files) == pytest.approx(seconds, abs=0.1)


def test_falling_behind_is_said() -> None:
    assert behind(24, 17.1) == "falling behind: 24/min in, 17/min out"
    assert behind(3, 17) == ""


def test_rate_counts_the_window() -> None:
    assert rate([NOW - 700, NOW - 599, NOW - 1, NOW, NOW + 5], NOW) == pytest.approx(0.3)


def test_live_posts_overtake_a_long_backlog_only() -> None:
    assert overtakes(300, 3.5)
    assert not overtakes(250, 3.5)
