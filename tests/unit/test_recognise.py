"""Recognising our own messages: after an unknown outcome, and where the ledger is lost."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.messages import Entity, Media, Message, Piece
from tgstreamd.policy.matching import fingerprint, holds_copies, known_copies, matches


def message(id: int, text: str = "", media: Media | None = None) -> Message:
    return Message(chat=-1001, id=id, date=1, text=text, media=media)


PHOTO = Media(kind="photo", id=5, width=1280, height=960, size=5000)
VIDEO = Media(kind="video", id=6, width=640, height=480, size=900_000, mime="video/mp4")


@pytest.mark.parametrize(
    ("piece", "committed", "found", "same"),
    [
        (Piece(source_id=1, text="hi"), 0, message(9, "hi"), True),
        (Piece(source_id=1, text="  hi\n\n there "), 0, message(9, "hi there"), True),
        (Piece(source_id=1, text="hi"), 0, message(9, "ho"), False),
        (Piece(source_id=1, text="hi"), 0, message(9, "hi", PHOTO), False),
        (Piece(source_id=1, media=PHOTO), 5, message(9, media=PHOTO), True),
        (Piece(source_id=1, media=PHOTO), 6, message(9, media=PHOTO), False),
        (
            Piece(source_id=1, media=PHOTO),
            0,
            message(9, media=msgspec.structs.replace(PHOTO, id=8, size=4)),
            True,
        ),
        (
            Piece(source_id=1, media=PHOTO),
            0,
            message(9, media=msgspec.structs.replace(PHOTO, width=8)),
            False,
        ),
        (Piece(source_id=1, media=PHOTO), 5, message(9), False),
        (Piece(source_id=1, media=PHOTO, text="a"), 5, message(9, "b", PHOTO), False),
        (
            Piece(source_id=1, media=VIDEO),
            0,
            message(9, media=msgspec.structs.replace(VIDEO, kind="gif")),
            True,
        ),
        (Piece(source_id=1, media=VIDEO), 0, message(9, media=msgspec.structs.replace(VIDEO, size=1)), False),
    ],
)
def test_fingerprints(piece: Piece, committed: int, found: Message, same: bool) -> None:
    assert matches(found, fingerprint(piece, committed)) is same


@given(st.text(max_size=200), st.text(st.sampled_from(" \n\t"), max_size=5))
def test_a_trimmed_text_without_entities_is_the_same(text: str, space: str) -> None:
    bold = (Entity(kind="bold", offset=0, length=1),)
    print_ = fingerprint(Piece(source_id=1, text=space + text + space, entities=bold))
    assert matches(message(3, text.strip()), print_)


def test_a_fingerprint_holds_no_words() -> None:
    assert "secret" not in fingerprint(Piece(source_id=1, text="secret"))


def test_copies_are_found_in_order() -> None:
    jobs = [[message(n, f"message {n}")] for n in range(10)]
    copies = [message(100 + n, f"message {n}") for n in (2, 4, 3, 7)]
    pairs = known_copies(jobs, copies)
    assert len(pairs) == 3
    assert pairs[0] == (2, 100 + 2)
    assert pairs[-1] == (7, 107)
    assert [job for job, _ in pairs] == sorted(job for job, _ in pairs)


def test_a_line_of_ours_does_not_hide_a_copy() -> None:
    jobs = [[message(1, "good morning")], [message(2, "ok")]]
    assert known_copies(jobs, [message(50, "Ada, 2019-03-04\ngood morning")]) == [(0, 50)]
    assert known_copies(jobs, [message(50, "look")]) == []


def test_the_first_part_of_a_split_text_is_recognised() -> None:
    long = "word " * 1000
    assert known_copies([[message(1, long)]], [message(50, long[:4000])]) == [(0, 50)]
    parts = [message(50, long[:4000]), message(51, long[4000:])]
    assert known_copies([[message(1, long)], [message(2, "ok")]], parts) == [(0, 50), (0, 51)]


def test_files_by_size_and_type_photos_by_dimensions() -> None:
    other = Media(kind="file", id=77, size=900_000, mime="video/mp4", name="x.mp4")
    jobs = [[message(1, "see", PHOTO)], [message(2, media=VIDEO)]]
    again = msgspec.structs.replace(PHOTO, id=99, size=4711)
    assert known_copies(jobs, [message(50, "Ada\nsee", again), message(51, media=other)]) == [
        (0, 50),
        (1, 51),
    ]
    assert known_copies(jobs, [message(50, "other words", again)]) == []


def test_an_album_matches_item_by_item() -> None:
    album = [message(n, media=msgspec.structs.replace(VIDEO, size=n)) for n in (1, 2, 3)]
    jobs = [[message(9, "before")], album, [message(10, "after")]]
    copies = [message(40 + n, media=msgspec.structs.replace(VIDEO, size=n)) for n in (1, 2, 3)]
    pairs = known_copies(jobs, [*copies, message(60, "after")])
    assert pairs == [(1, 41), (1, 42), (1, 43), (2, 60)]


def test_service_messages_are_nobodys_copies() -> None:
    assert known_copies([[message(1)]], [message(50)]) == []


@given(st.lists(st.integers(0, 5), max_size=12), st.lists(st.integers(0, 5), max_size=12))
def test_the_chain_is_the_longest(source: list[int], target: list[int]) -> None:
    pairs = known_copies(
        [[message(n, f"word{w}")] for n, w in enumerate(source)],
        [message(100 + n, f"word{w}") for n, w in enumerate(target)],
    )
    # An independent measure: the longest common subsequence, by the textbook.
    table = [[0] * (len(target) + 1) for _ in range(len(source) + 1)]
    for i, a in enumerate(source):
        for j, b in enumerate(target):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    assert len(pairs) == table[-1][-1]
    assert all(source[job] == target[copy - 100] for job, copy in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))


@pytest.mark.parametrize(
    ("pairs", "jobs", "candidates", "holds"),
    [
        ([], 0, 0, False),
        ([], 100, 50, False),
        ([(1, 1), (2, 2)], 100, 50, False),
        ([(1, 1), (2, 2), (3, 3)], 100, 50, True),
        ([(1, 1), (2, 2)], 100, 2, True),
        ([(1, 1)], 1, 50, True),
        ([(1, 1), (1, 2), (1, 3)], 100, 50, True),
        ([(1, 1), (1, 2)], 100, 50, False),
    ],
)
def test_three_matches_or_all(pairs: list[tuple[int, int]], jobs: int, candidates: int, holds: bool) -> None:
    assert holds_copies(pairs, jobs=jobs, candidates=candidates) is holds
