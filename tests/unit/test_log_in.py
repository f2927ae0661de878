"""A hint to log in works where it is followed: for this configuration, and beside `TG_SESSION`."""

from __future__ import annotations

import pytest

from tgstreamd.domain.log_in import COMMAND, UNKNOWN, remedy
from tgstreamd.telegram.error_messages import HINTS, RECOVER

VARIABLE = "put the string of a new session into TG_SESSION, or take TG_SESSION away and: "


@pytest.mark.parametrize(
    ("hint", "file", "variable"),
    [
        (COMMAND, "tgstreamd login --config x", f"{VARIABLE}tgstreamd login --config x"),
        (
            "`tgstreamd login --again` with a person's account",
            "`tgstreamd login --config x --again` with a person's account",
            f"{VARIABLE}`tgstreamd login --config x --again` with a person's account",
        ),
        (
            HINTS["AUTH_KEY_DUPLICATED"],
            "stop the other program that uses this session, then: tgstreamd login --config x",
            f"stop the other program that uses this session, then: {VARIABLE}tgstreamd login --config x",
        ),
        ("make room", "make room", "make room"),
        ("", "", ""),
    ],
)
def test_the_hint_for_each_way(hint: str, file: str, variable: str) -> None:
    assert remedy(hint, by_variable=False) == hint
    assert remedy(hint, by_variable=False, option=" --config x") == file
    assert remedy(hint, by_variable=True, option=" --config x") == variable


@pytest.mark.parametrize("hint", [COMMAND, UNKNOWN, RECOVER, *sorted(set(HINTS.values()))])
@pytest.mark.parametrize("option", ["", " --config x"])
@pytest.mark.parametrize("by_variable", [False, True])
def test_a_hint_is_told_right_only_once(hint: str, option: str, by_variable: bool) -> None:
    """Whoever hands an error on may not know who did so before."""
    once = remedy(hint, by_variable=by_variable, option=option)
    assert remedy(once, by_variable=by_variable, option=option) == once
