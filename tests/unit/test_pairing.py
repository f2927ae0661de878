"""Pairing copies with their originals where the map is lost: nothing that stands is left over."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.messages import Account, Chat, Media, Message, Mirror, Reply
from tgstreamd.policy.captions import is_ours
from tgstreamd.policy.chain import Option, best_chain
from tgstreamd.policy.pairing import pair_copies
from tgstreamd.policy.plan import Plan
from tgstreamd.policy.slots import slots_of, ways

SOURCE, TARGET = -1001, -1002
MIRROR = Mirror(id=1, name="m", source=SOURCE, target=TARGET)
PHOTO = Media(kind="photo", width=1280, height=960, size=5000)
SQUARE = Media(kind="photo", width=800, height=800, size=4000)
VIDEO = Media(kind="video", width=640, height=480, size=900_000, mime="video/mp4")


def post(id: int, text: str = "", media: Media | None = None, **more: object) -> Message:
    fields = {"chat": SOURCE, "date": id, "text": text, "media": media}
    return Message(id=id, **(fields | more))  # type: ignore[arg-type]  # fields by name


def copy(id: int, text: str = "", media: Media | None = None, **more: object) -> Message:
    return post(id, text, media, **({"chat": TARGET, "date": 10_000 + id, "out": True} | more))


def ways_of(messages: Sequence[Message]) -> list[Plan]:
    source = Chat(id=SOURCE, title="S", kind="supergroup")
    return ways(
        messages,
        mirror=MIRROR,
        account=Account(id=1, name="me"),
        source=source,
        same_account=False,
        links=None,
    )


def pairs(
    jobs: Sequence[Sequence[Message]], copies: Sequence[Message], topics: dict[int, int] | None = None
) -> dict[int, list[int]]:
    """The copies of each original, by its id."""
    slots = [slots_of(job, ways_of(job), MIRROR) for job in jobs]
    found: dict[int, list[int]] = {}
    for pair in pair_copies(slots, copies, ours=is_ours, topics=topics):
        found.setdefault(slots[pair.job][pair.slot].message.id, []).append(pair.copy)
    return found


def album(first: int, *items: tuple[str, Media]) -> list[Message]:
    return [post(first + n, text, media, group=first) for n, (text, media) in enumerate(items)]


def copied(first: int, *items: tuple[str, Media] | None) -> list[Message]:
    """An album of the target; None: its copy is gone."""
    return [copy(first + n, *item, group=first) for n, item in enumerate(items) if item is not None]


WORDLESS = ("", PHOTO)


def test_words_go_before_their_absence() -> None:
    """An item without words resembles every photo of its size; the one with the same words is its own."""
    there = [album(91, WORDLESS, WORDLESS, ("z", PHOTO))]
    assert pairs(there, copied(500, WORDLESS, None, ("z", PHOTO))) == {91: [500], 93: [502]}
    assert pairs(there, copied(500, None, None, ("z", PHOTO))) == {93: [502]}


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_the_ids_of_an_album_tell_which_item_is_missing(gone: int) -> None:
    """All three look the same; before and behind them stands something of ours."""
    jobs = [[post(1, "before")], album(10, WORDLESS, WORDLESS, WORDLESS), [post(20, "behind")]]
    items = [None if n == gone else WORDLESS for n in range(3)]
    found = pairs(jobs, [copy(499, "before"), *copied(500, *items), copy(503, "behind")])
    assert found == {1: [499], 20: [503]} | {10 + n: [500 + n] for n in range(3) if n != gone}


def test_two_albums_alike() -> None:
    """The one with a hole does not borrow from the other."""
    jobs = [album(10, WORDLESS, WORDLESS, WORDLESS), album(20, WORDLESS, WORDLESS, WORDLESS)]
    copies = [*copied(500, WORDLESS, None, WORDLESS), *copied(510, WORDLESS, WORDLESS, WORDLESS)]
    assert pairs(jobs, copies) == {10: [500], 12: [502], 20: [510], 21: [511], 22: [512]}


def test_an_album_that_stands_at_the_end_stays_together() -> None:
    """Holes that look like its items, before it in the source, are not filled with them."""
    jobs = [
        [post(1, media=PHOTO)], [post(2, "words")], album(10, WORDLESS, WORDLESS), [post(20, "last words")],
    ]  # fmt: skip
    copies = [copy(500, "words"), copy(503, "last words"), *copied(510, WORDLESS, WORDLESS)]
    assert pairs(jobs, copies) == {2: [500], 10: [510], 11: [511], 20: [503]}


def test_what_stands_elsewhere_is_found_too() -> None:
    """Made by `resend`: at the end; by hand, or a live post that overtook: anywhere."""
    jobs = [[post(n, f"number {n}")] for n in range(1, 9)]
    copies = [copy(500 + at, f"number {n}") for at, n in enumerate([1, 2, 4, 5, 8, 7, 3, 6])]
    assert pairs(jobs, copies) == {
        1: [500],
        2: [501],
        4: [502],
        5: [503],
        8: [504],
        7: [505],
        3: [506],
        6: [507],
    }


def test_the_same_words_twice() -> None:
    jobs = [[post(1, "a")], [post(2, "ok")], [post(3, "b")], [post(4, "ok")], [post(5, "c")]]
    copies = [copy(500, "a"), copy(503, "b"), copy(504, "ok"), copy(505, "c"), copy(510, "ok")]
    assert pairs(jobs, copies) == {1: [500], 2: [510], 3: [503], 4: [504], 5: [505]}


def test_no_copy_is_older_than_its_original() -> None:
    jobs = [[post(1, "good morning")], [post(2, "good morning", date=20_000)]]
    assert pairs(jobs, [copy(500, "good morning")]) == {1: [500]}
    assert pairs(jobs[1:], [copy(500, "good morning")]) == {}


def test_lines_of_ours_do_not_hide_it() -> None:
    """Who said it, what it answered, where; a sentence that only holds its words is another one."""
    said = [post(1, "ok", sender="Ada"), post(2, media=PHOTO, sender="Ada"), post(3, "ok")]
    copies = [
        copy(500, "Ada\nok"),
        copy(501, "Ada · 2026-01-31 12:30", PHOTO),
        copy(502, "↪ it was gone\nok"),
    ]
    assert pairs([[one] for one in said], copies) == {1: [500], 2: [501], 3: [502]}
    assert pairs([[post(1, "ok")]], [copy(500, "it is ok"), copy(501, "ok\nthen")]) == {}


def test_a_text_in_parts() -> None:
    """Whole, in part, and the rest of a caption; ids of the source go on in the copies."""
    long = " ".join(f"word {n}" for n in range(1200))
    jobs = [[post(1, long)], [post(2, long[:3000], PHOTO)], [post(3, "end")]]
    whole = [
        copy(500, long[:4095].rpartition(" ")[0]),
        copy(501, long[len(long[:4095].rpartition(" ")[0]) :].strip()),
    ]
    caption = long[:1024].rpartition(" ")[0]
    rest = [copy(502, caption, PHOTO), copy(503, long[len(caption) : 3000].strip()), copy(504, "end")]
    assert pairs(jobs, [*whole, *rest]) == {1: [500, 501], 2: [502, 503], 3: [504]}
    assert pairs(jobs, [whole[1], *rest]) == {1: [501], 2: [502, 503], 3: [504]}
    # Where the account may write longer captions now, or could before.
    assert pairs(jobs, [*whole, copy(502, long[:3000], PHOTO), copy(504, "end")])[2] == [502]


def test_notes() -> None:
    """What cannot be copied, and what the target would not have."""
    dice = Media(kind="dice", note="a dice that shows 4")
    sticker = Media(kind="sticker", size=5, mime="image/webp", name="x.webp")
    copies = [
        copy(500, "[a dice that shows 4 — not copied]"),
        copy(501, '[a sticker "x.webp", not allowed here — not copied]'),
        copy(502, "[a photo, not allowed here — not copied]\nsee"),
    ]
    jobs = [[post(1, media=dice)], [post(2, media=sticker)], [post(3, "see", PHOTO)]]
    assert pairs(jobs, copies) == {1: [500], 2: [501], 3: [502]}


def test_lines_behind_what_takes_no_words() -> None:
    """They answer it, and belong to it."""
    sticker = Media(kind="sticker", size=5, mime="image/webp")
    line = copy(501, "Ada", reply=Reply(id=500))
    job = [post(1, media=sticker, sender="Ada")]
    assert pairs([job], [copy(500, media=sticker), line]) == {1: [500, 501]}
    assert pairs([job], [copy(500, media=sticker), copy(501, "nice", reply=Reply(id=500))]) == {1: [500]}


def test_by_reference_the_file_tells() -> None:
    """Two photos that look the same, and one whose words were changed since."""
    jobs = [
        [post(n, text, msgspec.structs.replace(PHOTO, id=70 + n))]
        for n, text in ((1, ""), (2, ""), (3, "new"))
    ]
    copies = [
        copy(500, "", msgspec.structs.replace(PHOTO, id=72)),
        copy(501, "old words", msgspec.structs.replace(PHOTO, id=73)),
    ]
    assert pairs(jobs, copies) == {2: [500], 3: [501]}


def test_what_was_edited_since_is_found_by_what_is_left_of_it() -> None:
    """Between two that are sure, by Telegram's word that it was edited, and where it is still like itself."""
    said = "the meeting begins at nine in the hall"
    jobs = [[post(1, "before")], [post(2, said, edited=90_000)], [post(3, "behind")]]
    old = copy(501, "the meeting begins at ten in the hall")
    around = [copy(500, "before"), copy(502, "behind")]
    assert pairs(jobs, [*around, old]) == {1: [500], 2: [501], 3: [502]}
    assert pairs(jobs, [*around, copy(501, "something of ours that is not like it")]) == {1: [500], 3: [502]}
    assert pairs(jobs, [*around, msgspec.structs.replace(old, id=503)]) == {1: [500], 3: [502]}
    jobs[1] = [post(2, said)]
    assert pairs(jobs, [*around, old]) == {1: [500], 3: [502]}
    jobs[1] = [post(2, "with other words", PHOTO, edited=90_000)]
    assert pairs(jobs, [*around, copy(501, "as it was", PHOTO)]) == {1: [500], 2: [501], 3: [502]}


def test_a_topic_keeps_to_its_own() -> None:
    jobs = [[post(1, "ok", topic=7)], [post(2, "ok", topic=8)]]
    copies = [copy(500, "ok", topic=48), copy(501, "ok", topic=47)]
    assert pairs(jobs, copies, topics={7: 47, 8: 48}) == {1: [501], 2: [500]}


def test_others_may_stand_between() -> None:
    """Also one of ours that is nobody's copy: it stays alone."""
    jobs = [[post(n, f"number {n}")] for n in range(1, 5)]
    copies = [copy(500, "number 1"), copy(505, "hello"), copy(506, "number 2"), copy(507, "number 4")]
    assert pairs(jobs, copies) == {1: [500], 2: [506], 4: [507]}


#: Few words and shapes, so that much looks alike.
ITEM = st.tuples(st.sampled_from(["", "", "a", "b b"]), st.sampled_from([PHOTO, SQUARE, VIDEO]))
POST = st.one_of(
    st.tuples(st.tuples(st.sampled_from(["a", "ok", "c c"]), st.none())),
    st.tuples(ITEM),
    st.lists(ITEM, min_size=2, max_size=4).map(tuple),
)
#: What became of a copy: it stands in its place, it is gone, it was made anew at the end.
FATE = st.sampled_from(["stands"] * 5 + ["gone", "late"])


@given(st.lists(POST, max_size=12), st.data())
def test_nothing_that_stands_is_left_over(
    posts: list[tuple[tuple[str, Media | None], ...]], data: st.DataObject
) -> None:
    """Whatever is gone and whatever was sent again: each copy finds an original that looks like it."""
    ids, places = count(1), count(100)
    jobs: list[list[Message]] = []
    copies: list[Message] = []
    late: list[list[Message]] = []
    for items in posts:
        first = next(ids)
        numbers = [first, *(next(ids) for _ in items[1:])]
        group = first if len(items) > 1 else None
        jobs.append([post(n, *item, group=group) for n, item in zip(numbers, items, strict=True)])
        here = [(number, item, next(places)) for number, item in zip(numbers, items, strict=True)]
        if data.draw(FATE) == "late":
            late.append(jobs[-1])
            continue
        for number, item, place in here:
            fate = data.draw(FATE)
            if fate == "stands":
                copies.append(copy(place, *item, group=None if group is None else here[0][2]))
            elif fate == "late":
                late.append([post(number, *item)])
        if data.draw(st.booleans()):
            next(places)  # somebody else's
    for job in data.draw(st.permutations(late)):
        group = next(places) if len(job) > 1 else None
        copies += [copy(next(places), one.text, one.media, group=group) for one in job]
    originals = {one.id: one for job in jobs for one in job}
    found = pairs(jobs, copies)
    there = {one.id: one for one in copies}
    assert sorted(one for some in found.values() for one in some) == sorted(there)
    for original, some in found.items():
        (one,) = some
        assert (originals[original].text, originals[original].media) == (there[one].text, there[one].media)


@given(st.lists(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 5)), max_size=4), max_size=7))
def test_the_chain_is_the_heaviest(elements: list[list[tuple[int, int]]]) -> None:
    chain = best_chain(
        [[Option(((place, n),), weight) for place, weight in some] for n, some in enumerate(elements)], 8
    )
    # An independent measure, by trying everything.
    best = {-1: 0}
    for some in elements:
        for place, weight in [
            (place, weight + max(total for last, total in best.items() if last < place))
            for place, weight in some
        ]:
            best[place] = max(best.get(place, 0), weight)
    assert sum(option.weight for option in chain) == max(best.values())
    assert [option.pairs[0][1] for option in chain] == sorted({option.pairs[0][1] for option in chain})
    places = [option.first for option in chain]
    assert places == sorted(set(places))
