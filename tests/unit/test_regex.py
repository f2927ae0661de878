"""Regular expressions that cannot stall mean what Python means, and refuse what they cannot mean."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.policy.regex import TEXT_MAX, Refused, Regex

ONE = r"a b ä 😀 . \d \w \s \. [ab] [^a] []a] [^]] [a-c1] [\d\-] ^ $ \b \B \A \Z { a{ (?:) \x61 \n"
ATOMS = st.sampled_from(ONE.split())
REPEATS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{,2}", "{,}", "{1,2}?"])


def rows(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.builds("{}{})".format, st.sampled_from(["(", "(?:"]), inner)
    return st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("{}|{}".format, inner, inner),
        group,
        st.builds("{}{}".format, group, REPEATS),
    )


PATTERNS = st.builds(
    "{}{}".format,
    st.sampled_from(["", "(?i)", "(?s)", "(?m)", "(?im)"]),
    st.recursive(ATOMS, rows, max_leaves=8),
)
TEXTS = st.text(st.sampled_from([*"abcAB1 .]-{\n", "ä", "Ä", "😀"]), max_size=12)


@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=4))
def test_it_means_what_python_means(pattern: str, texts: list[str]) -> None:
    try:
        python = re.compile(pattern)
    except re.error:
        with pytest.raises(Refused):
            Regex(pattern)
        return
    ours = Regex(pattern)
    for text in texts:
        # Messages have no white space at their ends, where alone the two differ (a `$` before a line's end).
        text = text.strip()
        if not text and r"\B" in pattern:
            continue  # of which Python thinks differently from version to version
        assert ours.occurs(text) == (python.search(text) is not None), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("(?=a)b", "cannot be used"),
        ("(?<!a)b", "cannot be used"),
        (r"(a)\1", "cannot be used"),
        ("(?P<x>a)(?P=x)", "cannot be used"),
        ("(?>a)", "cannot be used"),
        ("a*+b", "cannot be used"),
        ("(?i:a)", "cannot be used"),
        ("(?x)a", "flag"),
        ("(a", "unterminated"),
        ("*", "nothing to repeat"),
        (r"\N{DIGIT ONE}", "cannot be used|incomplete|missing"),
        ("a{5000}", "steps"),
        ("((a{40}){40})", "steps"),
        ("(" * 60 + "a" + ")" * 60, "brackets"),
        ("a" * 501, "longer"),
    ],
)
def test_what_needs_going_back_or_grows_too_large_is_refused(pattern: str, word: str) -> None:
    with pytest.raises(Refused, match=word):
        Regex(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(a*)*b", ".*a.*a.*a.*b", "(a|aa)+$", r"(\w+\s?)*;", r"\w{10,200}x"]
)
def test_no_text_makes_it_slow(pattern: str) -> None:
    """Python needs longer than the universe for some of these."""
    began = time.process_time()
    assert not Regex(pattern).occurs("a" * (TEXT_MAX - 1) + "!")
    assert time.process_time() - began < 3.0
