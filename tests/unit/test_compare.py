"""The comparison can fail: every deliberate difference is found, and a true copy has none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.compare import Seen, differences

SOURCE = [
    Seen(id=10, text="hello", entities=((0, 5, "Bold"),)),
    Seen(id=11, kind="photo", text="look", facts=(("dimensions", (640, 480)),), spoiler=True),
    Seen(id=12, kind="photo", facts=(("dimensions", (1, 2)),), group=77),
    Seen(id=13, kind="photo", facts=(("dimensions", (3, 4)),), group=77),
    Seen(id=15, kind="file", digest="aa", facts=(("name", "a.txt"), ("size", 3))),
    Seen(id=16, text="answer", reply_to=12, quote=("el", 1, ())),
    Seen(id=17, text="link", preview="http://example.org"),
]
#: A true copy: other ids, another album id.
TARGET = [
    replace(seen, id=at, group=seen.group and 5, reply_to=3 if seen.reply_to else None)
    for at, seen in enumerate(SOURCE, 1)
]


def test_a_true_copy_has_no_differences() -> None:
    assert differences(SOURCE, TARGET) == []


@pytest.mark.parametrize(
    ("at", "change", "said"),
    [
        (0, {"text": "hullo"}, "text is 'hullo', not 'hello'"),
        (0, {"entities": ((0, 4, "Bold"),)}, "entities is"),
        (0, {"entities": ()}, "entities is ()"),
        (1, {"facts": (("dimensions", (640, 481)),)}, "dimensions is (640, 481), not (640, 480)"),
        (1, {"kind": "file"}, "kind is 'file', not 'photo'"),
        (1, {"spoiler": False}, "spoiler is False"),
        (1, {"invert": True}, "invert is True"),
        (3, {"group": None}, "is in another album"),
        (3, {"group": 6}, "is in another album"),
        (1, {"group": 5}, "is in another album"),
        (4, {"digest": "ab"}, "digest is 'ab', not 'aa'"),
        (4, {"facts": (("name", "b.txt"), ("size", 3))}, "name is 'b.txt', not 'a.txt'"),
        (4, {"facts": (("size", 3),)}, "name is None, not 'a.txt'"),
        (5, {"reply_to": None}, "answers None, not 3"),
        (5, {"reply_to": 4}, "answers 4, not 3"),
        (0, {"reply_to": 1}, "answers 1, not None"),
        (5, {"quote": None}, "quote is None"),
        (6, {"preview": ""}, "preview is ''"),
    ],
)
def test_each_deliberate_difference_is_found(at: int, change: dict[str, object], said: str) -> None:
    target = [replace(seen, **change) if n == at else seen for n, seen in enumerate(TARGET)]  # type: ignore[arg-type]  # any field
    found = differences(SOURCE, target)
    assert any(said in line for line in found), found


def test_a_missing_a_second_and_a_foreign_message_are_told_apart() -> None:
    assert any("10 (text, 'hello'): is missing" in line for line in differences(SOURCE, TARGET[1:]))
    assert any("17 (text, 'link'): is missing" in line for line in differences(SOURCE, TARGET[:-1]))
    twice = [*TARGET, replace(TARGET[0], id=99)]
    assert differences(SOURCE, twice) == ["target 99 (text, 'hello'): is a second copy"]
    foreign = [*TARGET, Seen(id=99, text="spam")]
    assert differences(SOURCE, foreign) == ["target 99 (text, 'spam'): is nothing of the source"]


def test_two_messages_in_the_other_order_are_found() -> None:
    swapped = [TARGET[1], TARGET[0], *TARGET[2:]]
    assert any("stands in another place" in line for line in differences(SOURCE, swapped))


def test_an_empty_target_is_no_copy() -> None:
    assert len(differences(SOURCE, [])) == len(SOURCE)


def test_sound_is_compared_where_the_end_of_the_history_is_known() -> None:
    """Copies of the history are silent, live ones as their originals were."""
    silent = [replace(seen, silent=seen.id <= 5) for seen in TARGET]
    assert differences(SOURCE, silent, live_after=15) == []
    assert len(differences(SOURCE, TARGET, live_after=15)) == 5
    assert len(differences(SOURCE, silent, live_after=16)) == 1
