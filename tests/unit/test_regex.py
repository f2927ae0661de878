"""An operator's regular expressions mean what Python means, and none of them stalls the daemon."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.policy.regex import SEARCH_MAX, TEXT_MAX, Refused, occurs, try_out

ONE = r"a b ä 😀 . \d \w \s \. [ab] [^a] []a] [^]] [a-c1] [\d\-] ^ $ \b \A \Z { a{ (?:) \x61 \n"
ATOMS = st.sampled_from(ONE.split())
REPEATS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{,2}", "{1,2}?"])


def rows(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.builds("{}{})".format, st.sampled_from(["(", "(?:", "(?=", "(?!"]), inner)
    return st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{}|{}".format, inner, inner),
        group,
        st.builds("({}){}".format, inner, REPEATS),
    )


PATTERNS = st.builds(
    "{}{}".format,
    st.sampled_from(["", "(?i)", "(?s)", "(?m)", "(?im)"]),
    st.recursive(ATOMS, rows, max_leaves=8),
)
TEXTS = st.text(st.sampled_from([*"abcAB1 .]-{\n", "ä", "Ä", "😀"]), max_size=12)


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=4))
def test_it_means_what_python_means(pattern: str, texts: list[str]) -> None:
    python = re.compile(pattern)
    for text in texts:
        assert occurs(pattern, text) == (python.search(text) is not None), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("(a", r"missing \)"),
        ("*", "nothing to repeat"),
        ("[a", "unterminated"),
        ("\\", "bad escape"),
        ("(?V1)a", "incompatible"),
        ("a" * 501, "longer"),
        ("a*", "empty text"),
        ("((a{1000}){1000}){1000}", "multiply"),
        ("((a{,1000}){,1000}){,1000}b", "multiply"),
        ("(a+)+$", "takes longer"),
        (r"(.*a){12}b", "takes longer"),
        ("(a|aa)+$", "takes longer"),
    ],
)
def test_what_is_no_pattern_or_never_ends_is_refused(pattern: str, word: str) -> None:
    with pytest.raises(Refused, match=word):
        try_out(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?i)\bsale\b",
        ".*sale.*now.*",
        ".*a.*b.*c",
        r"\d{1,20}([.,]\d{1,20}){1,20}",
        "(?=a)b",
        r"(\w)\1\1",
        r"\p{Lu}{3}",
        "(?x) buy  # or sell",
    ],
)
def test_what_is_written_every_day_is_taken(pattern: str) -> None:
    try_out(pattern)


def test_a_text_that_makes_a_pattern_slow_ends_the_search() -> None:
    pattern = "a.*b.*a.*c"
    try_out(pattern)
    began = time.process_time()
    with pytest.raises(TimeoutError):
        occurs(pattern, "ab" * 4000)
    # Of the processor's time, whatever else the machine does.
    assert time.process_time() - began < 4 * SEARCH_MAX


def test_only_the_beginning_is_looked_at() -> None:
    assert occurs("b", "a" * (TEXT_MAX - 1) + "b")
    assert not occurs("b", "a" * TEXT_MAX + "b")
    assert occurs("a$", "a" * (TEXT_MAX + 5))
