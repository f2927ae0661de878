"""What an operator is told: each fact once, recoveries once, and no sequence of pictures makes a loop."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.policy.alert_conditions import OFFLINE, Limits, Motion, Picture, View, facts, moved, stalled
from tgstreamd.policy.alert_state import CALM, QUIET, REMINDER, Alert, Known, failed, line, tell

NOW = 1_700_000_000.0
HOUR, DAY = 3600.0, 86_400.0
LIMITS = Limits()


class Operator:
    """Sees one picture after the other, as the daemon does, and hears what is said."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.now = NOW
        self.heard: list[Alert] = []

    def sees(self, *, after: float = 30.0, account: dict[str, Any] | None = None, **view: Any) -> list[str]:
        """Time goes on; what is said of one mirror in this state."""
        self.now += after
        picture = Picture(at=self.now, mirrors=(View(name="main", **view),), **(account or {}))
        alerts, self.known = tell(self.known, picture, LIMITS)
        self.heard += alerts
        return [f"{alert.event} {alert.kind}" for alert in alerts]


def test_a_fact_is_told_once_and_once_when_it_is_well_again() -> None:
    operator = Operator()
    assert operator.sees(parked=1) == ["alert parked"]
    assert operator.sees(parked=1) == []
    assert operator.sees(parked=3) == []
    assert operator.sees() == []
    assert operator.sees(after=CALM) == ["recovered parked"]
    assert operator.sees() == []
    assert operator.known == {} or all(not known.told_at for known in operator.known.values())


def test_what_lasts_is_told_again_once_a_day() -> None:
    operator = Operator()
    said = [operator.sees(after=600, lost="no access") for _ in range(6 * 24 * 3)]
    assert [one for one in said if one] == [
        ["alert access lost"],
        ["reminder access lost"],
        ["reminder access lost"],
    ]


def test_a_flicker_is_neither_well_nor_news() -> None:
    operator = Operator()
    operator.sees(lost="no access")
    for _ in range(20):
        assert operator.sees(after=CALM / 2) == []
        assert operator.sees(after=CALM / 2, lost="no access") == []


def test_an_operators_own_pause_is_told_only_once_it_may_be_forgotten() -> None:
    operator = Operator()
    assert operator.sees(hold="paused by the operator") == []
    assert operator.sees(hold="paused by the operator", after=HOUR) == ["alert paused"]
    assert Operator().sees(waiting="70,412 messages, 68 h") == ["alert paused"]


def test_lag_counts_from_the_threshold() -> None:
    operator = Operator()
    assert operator.sees(late=HOUR - 1) == []
    assert operator.sees(late=HOUR + 1) == ["alert lagging"]


def test_what_follows_from_the_account_is_not_told_on_top() -> None:
    operator = Operator()
    account = {"limited_until": NOW + 6 * HOUR}
    assert operator.sees(account=account) == ["alert account limited"]
    assert operator.sees(account=account, late=2 * HOUR) == []
    assert operator.sees(account={}, late=2 * HOUR) == ["alert lagging"]
    frozen = {"frozen": True, "limited_until": 4e9}
    assert Operator().sees(account=frozen, lost="the account is frozen") == ["alert account frozen"]


def test_a_line_that_is_down_is_a_fact_after_a_while() -> None:
    operator = Operator()
    assert operator.sees(account={"connected": False}) == []
    assert operator.sees(account={"connected": False}, after=OFFLINE) == ["alert unreachable"]


def test_a_mirror_that_is_no_longer_configured_is_not_well_again() -> None:
    operator = Operator()
    operator.sees(parked=1)
    for _ in range(50):
        alerts, operator.known = tell(operator.known, Picture(at=operator.now), LIMITS)
        assert alerts == []
    assert operator.known == {}


def test_a_disk_that_is_almost_full_is_said_with_what_is_left() -> None:
    [fact] = facts(Picture(at=NOW, free=150_000_000, directory="/var/lib/tgstreamd"), LIMITS)
    assert "150 MB left for /var/lib/tgstreamd" in fact.text
    assert facts(Picture(at=NOW, free=200_000_000), LIMITS) == []


def test_an_alert_that_did_not_get_through_is_tried_again_ever_more_rarely() -> None:
    known: dict[str, Known] = {}
    tried = []
    for second in range(0, 24 * 3600, 30):
        picture = Picture(at=NOW + second, mirrors=(View(name="main", parked=1),))
        alerts, after = tell(known, picture, LIMITS)
        for alert in alerts:
            tried.append(second)
            after[alert.key] = failed(known.get(alert.key), after[alert.key], alert)
        known = after
    assert tried[:5] == [0, 60, 180, 420, 900]
    assert len(tried) < 32
    alerts, after = tell(known, Picture(at=NOW + DAY + HOUR, mirrors=(View(name="main", parked=1),)), LIMITS)
    assert [alert.event for alert in alerts] == ["alert"]


def test_a_recovery_that_did_not_get_through_is_told_later() -> None:
    operator = Operator()
    operator.sees(parked=1)
    operator.sees()
    before = operator.known
    assert operator.sees(after=CALM) == ["recovered parked"]
    alert = operator.heard[-1]
    operator.known[alert.key] = failed(before[alert.key], operator.known[alert.key], alert)
    assert operator.sees(after=30) == []
    assert operator.sees(after=60) == ["recovered parked"]
    assert operator.sees(after=60) == []


def test_a_clock_that_was_set_back_silences_nothing_for_ever() -> None:
    operator = Operator()
    operator.sees(parked=1)
    operator.now -= 400 * DAY
    operator.sees(parked=1)
    assert operator.sees(parked=1, after=REMINDER) == ["reminder parked"]


def test_the_line_says_what_and_what_to_do() -> None:
    operator = Operator()
    operator.sees(parked=2, last_error="message 7: too long")
    assert line(operator.heard[0]) == (
        'mirror "main" has parked 2 messages; the last trouble: message 7: too long (tgstreamd parked)'
    )
    operator.sees(after=2 * HOUR)
    operator.sees(after=CALM)
    assert line(operator.heard[1]).startswith('well again after 2 h: mirror "main" has parked')


views = st.builds(
    View,
    name=st.sampled_from(["main", "two"]),
    hold=st.sampled_from(["", "paused by the operator"]),
    waiting=st.sampled_from(["", "long backlog"]),
    lost=st.sampled_from(["", "", "no access"]),
    held=st.sampled_from(["", "", "51 deletions"]),
    parked=st.integers(0, 2),
    late=st.sampled_from([0.0, 10.0, 4000.0]),
    behind=st.sampled_from(["", "falling behind: 24/min in, 17/min out"]),
)
steps = st.lists(
    st.tuples(
        st.sampled_from([30.0, 30.0, 300.0, 1800.0, 7200.0]),
        st.lists(views, max_size=2, unique_by=lambda view: view.name),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, 10**9, 10]),
    ),
    max_size=120,
)


@given(steps)
def test_no_sequence_of_pictures_makes_a_loop(
    moments: list[tuple[float, list[View], bool, bool, int | None]],
) -> None:
    """Of one fact: alert and recovery take turns; and in any day there are few of them."""
    known: dict[str, Known] = {}
    now = NOW
    told: dict[str, list[Alert]] = {}
    for after, mirrors, frozen, connected, free in moments:
        now += after
        picture = Picture(at=now, mirrors=tuple(mirrors), frozen=frozen, connected=connected, free=free)
        alerts, known = tell(known, picture, LIMITS)
        assert len({alert.key for alert in alerts}) == len(alerts)
        for alert in alerts:
            told.setdefault(alert.key, []).append(alert)
    for alerts in told.values():
        for one in alerts:
            within = Counter(a.event for a in alerts if one.at <= a.at < one.at + DAY)
            assert within["reminder"] <= 1
        if not alerts[0].mirror:  # a mirror that is taken out and put back begins anew
            opened = False
            for one in alerts:
                assert (one.event == "alert") != opened
                opened = one.event != "recovered"
            for one in alerts:
                within = Counter(a.event for a in alerts if one.at <= a.at < one.at + DAY)
                assert within["alert"] <= 8


def test_the_worst_flapping_is_told_a_few_times_a_day() -> None:
    operator = Operator()
    for n in range(3 * 24 * 12):
        operator.sees(after=CALM, parked=n % 2)
        operator.sees(after=30, parked=n % 2)
    assert len(operator.heard) <= 2 * 3 * 8
    assert QUIET > CALM


# -- the dead man's switch


def motions(**views: Any) -> dict[str, Motion]:
    return moved({}, [View(name="main", **views)], 0.0)


def test_the_pulse_is_there_while_all_are_caught_up_or_get_on() -> None:
    idle = Picture(at=NOW, mirrors=(View(name="main", marks=(5,)),))
    seen = motions(marks=(5,))
    assert stalled(idle, seen, 1e6, 900) == ""
    busy = Picture(at=NOW, mirrors=(View(name="main", late=60.0, marks=(5,)),))
    assert stalled(busy, seen, 900, 900) == ""
    assert "has not moved" in stalled(busy, seen, 901, 900)
    seen = moved(seen, [View(name="main", late=60.0, marks=(6,))], 901)
    assert stalled(busy, seen, 1000, 900) == ""


def test_a_post_after_a_long_calm_is_no_stall() -> None:
    """Who had nothing to do has not stood still."""
    calm, post = View(name="main", marks=(5,)), View(name="main", late=1.0, marks=(5,))
    seen = moved({}, [calm], 0.0)
    for hour in range(1, 10):
        seen = moved(seen, [calm], hour * HOUR)
    seen = moved(seen, [post], 9 * HOUR + 30)
    assert stalled(Picture(at=NOW, mirrors=(post,)), seen, 9 * HOUR + 30, 900) == ""
    seen = moved(seen, [post], 9 * HOUR + 930)
    assert "has not moved" in stalled(Picture(at=NOW, mirrors=(post,)), seen, 9 * HOUR + 930, 900)


def test_a_source_that_cannot_be_read_is_not_caught_up() -> None:
    deaf = View(name="main", unread=True, marks=(5,))
    seen = moved({}, [deaf], 0.0)
    assert stalled(Picture(at=NOW, mirrors=(deaf,)), seen, 60.0, 900) == ""
    assert "has not moved" in stalled(Picture(at=NOW, mirrors=(deaf,)), seen, 1000.0, 900)
    operator = Operator()
    assert operator.sees(unread=True) == []
    assert operator.sees(unread=True, after=HOUR) == ["alert lagging"]


def test_a_mirror_that_begins_is_given_a_moment() -> None:
    operator = Operator()
    assert operator.sees(lost="not judged yet", begun=False) == []
    assert operator.sees(lost="not judged yet", begun=False, after=120) == ["alert access lost"]


def test_the_pulse_stops_for_what_stands() -> None:
    for view in (View(name="main", hold="x"), View(name="main", lost="x"), View(name="main", waiting="x")):
        assert "stands" in stalled(Picture(at=NOW, mirrors=(view,)), {}, 0.0, 900)
    assert stalled(Picture(at=NOW, connected=False), {}, 0.0, 900)
    assert stalled(Picture(at=NOW, frozen=True), {}, 0.0, 900)


def test_a_history_waits_its_turn_while_another_gets_on() -> None:
    both = Picture(at=NOW, mirrors=(View(name="a", history=9), View(name="b", history=9, marks=(1,))))
    seen = moved({}, both.mirrors, 0.0)
    seen = moved(seen, [both.mirrors[0], View(name="b", history=8, marks=(2,))], 5000.0)
    assert stalled(both, seen, 5000.0, 900) == ""
    assert "has not moved" in stalled(both, seen, 5901.0, 900)
