"""Reasons that name something are read as they were written, whatever the name; others name nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.reasons import by_filter, filter_of, is_too_slow, tells, told_by, too_slow


@given(st.text(min_size=1, max_size=64))
def test_what_is_written_is_read(name: str) -> None:
    assert filter_of(by_filter(name)) == name
    assert told_by(tells(name)) == name
    assert is_too_slow(too_slow(name))


def test_nothing_else_names_a_filter_or_a_service_message() -> None:
    others = ("", "protected", "deleted before its turn", "skipped by the operator: filter x", "filters")
    for reason in others:
        assert filter_of(reason) == told_by(reason) == ""
    assert not is_too_slow("a call took too long")
    assert told_by(by_filter("x")) == filter_of(tells("PinMessage")) == ""
