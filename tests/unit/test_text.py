"""Text arithmetic: nothing is lost but white space, nothing is cut in two, everything stays in bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.messages import Entity
from tgstreamd.policy.text import Text, cut, join, sane, split, squeeze, trim, units

CHARS = st.sampled_from([*"ab é日 \n\t", "😀", "👨‍👩‍👧", "\u2003"])
TEXTS = st.lists(CHARS, max_size=120).map("".join)


@st.composite
def formatted(draw: st.DrawFn) -> Text:
    """A text whose entities begin and end between characters."""
    text = draw(TEXTS)
    bounds = [units(text[:i]) for i in range(len(text) + 1)]
    entities = []
    for _ in range(draw(st.integers(0, 6)) if text else 0):
        first = draw(st.integers(0, len(text) - 1))
        last = draw(st.integers(first + 1, len(text)))
        kind = draw(st.sampled_from(["bold", "text_url", "pre", "custom_emoji"]))
        if kind == "custom_emoji":
            last = first + 1
        entities.append(Entity(kind=kind, offset=bounds[first], length=bounds[last] - bounds[first]))
    return Text(text=text, entities=tuple(entities))


def shown(text: Text) -> list[tuple[str, str]]:
    """What each entity covers, without white space."""
    return [(e.kind, "".join(cut(text, e.offset, e.offset + e.length).text.split())) for e in text.entities]


def check(text: Text) -> None:
    text.text.encode("utf-16-le")  # a broken pair would not encode
    for entity in text.entities:
        assert entity.length > 0
        assert entity.offset >= 0
        assert entity.offset + entity.length <= text.units
        cut(text, entity.offset, entity.offset + entity.length).text.encode("utf-8")


@given(formatted(), st.integers(0, 20), st.integers(2, 20))
def test_split_keeps_everything_within_the_limits(whole: Text, first: int, rest: int) -> None:
    pieces = split(whole, first, rest)
    assert pieces
    for index, piece in enumerate(pieces):
        assert piece.units <= (first if index == 0 else rest)
        check(piece)
        assert trim(piece) == piece
    assert "".join("".join(p.text.split()) for p in pieces) == "".join(whole.text.split())


@given(formatted(), st.integers(2, 20))
def test_entities_cover_the_same_words_after_a_split(whole: Text, limit: int) -> None:
    pieces = split(whole, limit, limit)
    for kind in ("bold", "text_url", "pre", "custom_emoji"):
        before = sorted("".join(words for k, words in shown(whole) if k == kind))
        after = sorted("".join(words for p in pieces for k, words in shown(p) if k == kind))
        assert before == after


@given(formatted())
def test_trim_is_what_join_and_cut_agree_on(whole: Text) -> None:
    trimmed = trim(whole)
    check(trimmed)
    assert trimmed.text == whole.text.strip(" \t\n\v\f\r")
    assert trim(trimmed) == trimmed


@given(st.lists(formatted(), max_size=4))
def test_join_moves_entities_along(parts: list[Text]) -> None:
    whole = join(parts)
    check(whole)
    assert whole.text == "\n".join(part.text for part in parts if part.text)
    assert shown(whole) == [one for part in parts for one in shown(part)]


@given(TEXTS)
def test_units_are_utf16(text: str) -> None:
    assert units(text) == len(text.encode("utf-16-le")) // 2


@given(formatted(), st.data())
def test_cut_and_join_give_the_text_back(whole: Text, data: st.DataObject) -> None:
    at = units(whole.text[: data.draw(st.integers(0, len(whole.text)))])
    left, right = cut(whole, 0, at), cut(whole, at, whole.units)
    assert left.text + right.text == whole.text
    assert sum(e.length for p in (left, right) for e in p.entities) == sum(e.length for e in whole.entities)


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("one two three", 8, ["one two", "three"]),
        ("one\ntwo three", 9, ["one\ntwo", "three"]),
        ("first line\nsecond line", 14, ["first line", "second line"]),
        ("aaaaaaaaaaaa", 5, ["aaaaa", "aaaaa", "aa"]),
        ("😀😀😀", 3, ["😀", "😀", "😀"]),
        ("   \n  x  ", 3, ["x"]),
    ],
)
def test_where_a_text_is_cut(text: str, limit: int, pieces: list[str]) -> None:
    assert [piece.text for piece in split(Text(text=text), limit, limit)] == pieces


def test_an_entity_that_is_cut_becomes_two() -> None:
    whole = Text(text="aaaa bbbb", entities=(Entity(kind="bold", offset=2, length=5),))
    first, second = split(whole, 5, 5)
    assert [(e.offset, e.length) for e in first.entities] == [(2, 2)]
    assert [(e.offset, e.length) for e in second.entities] == [(0, 2)]


def test_a_custom_emoji_is_never_cut() -> None:
    family = "👨‍👩‍👧"
    whole = Text(text="abc" + family, entities=(Entity(kind="custom_emoji", offset=3, length=units(family)),))
    assert [p.text for p in split(whole, 8, 8)] == ["abc", family]


def test_squeeze_makes_white_space_alike() -> None:
    assert squeeze(" a\u2003b\n\n c ") == "a b c"


@pytest.mark.parametrize(
    "cluster", ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇺🇳", "e\u0301", "1️⃣", "🏴\U000e0067\U000e0062\U000e007f"]
)
def test_what_is_seen_as_one_character_is_not_cut(cluster: str) -> None:
    pieces = split(Text(text="x" + cluster * 400), 100, 100)
    assert "".join(piece.text for piece in pieces) == "x" + cluster * 400
    assert all(piece.units <= 100 for piece in pieces)
    for piece in pieces:
        assert len(piece.text.removeprefix("x")) % len(cluster) == 0


def test_a_run_that_never_ends_is_cut_anyway() -> None:
    endless = "a" + "\u0301" * 5000
    assert "".join(piece.text for piece in split(Text(text=endless), 100, 100)) == endless


@given(
    st.text(st.sampled_from("ab \n😀👨\u200d"), max_size=40),
    st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60)), max_size=8),
)
def test_entities_are_made_sane(text: str, spans: list[tuple[int, int]]) -> None:
    given_ = tuple(Entity(kind="bold", offset=start, length=length) for start, length in spans)
    made = sane(Text(text=text, entities=given_))
    raw = text.encode("utf-16-le")
    for entity in made.entities:
        assert 0 <= entity.offset < entity.offset + entity.length <= units(text)
        for at in (entity.offset, entity.offset + entity.length):
            raw[: 2 * at].decode("utf-16-le")
    whole = [e for e in given_ if e.offset >= 0 and e.length > 0 and e.offset + e.length <= units(text)]
    assert len(made.entities) >= len(whole)
