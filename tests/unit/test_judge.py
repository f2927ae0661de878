"""Whether a mirror may run: protection, rights, topics; and mirrors that feed themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgstreamd.domain.errors import SourceLost, TargetLost
from tgstreamd.domain.messages import Chat, Mirror, Topic
from tgstreamd.policy.mirror_checks import Edge, backlog_words, cycle, judge, may_run, refusal, refused, span

A, B, C, D = -1001, -1002, -1003, -1004


def chat(id: int, **more: object) -> Chat:
    fields = {"title": f"chat {-id - 1000}", "kind": "supergroup", "may_pin": True, **more}
    return Chat(id=id, **fields)  # type: ignore[arg-type]  # the tests name fields freely


def mirror(**more: object) -> Mirror:
    return Mirror(**{"id": 1, "name": "main", "source": A, "target": B, **more})  # type: ignore[arg-type]  # same


def edge(
    name: str, source: int, target: int, source_topic: int | None = None, target_topic: int | None = None
) -> Edge:
    return Edge(name=name, source=source, target=target, source_topic=source_topic, target_topic=target_topic)


def test_all_is_well() -> None:
    found = judge(mirror(), chat(A), chat(B))
    assert [f.level for f in found] == ["ok", "ok"]
    assert may_run(found)
    assert refusal(found) == ""


@pytest.mark.parametrize(
    ("options", "source", "target", "says"),
    [
        ({}, chat(A, protected=True), chat(B), "protects its content"),
        ({}, SourceLost("chat 1 is private"), chat(B), "chat 1 is private"),
        ({}, chat(A), TargetLost("banned"), "banned"),
        ({}, chat(A), chat(B, write_refusal="only administrators may post"), "only administrators"),
        ({}, chat(A, forum=True), chat(B, forum=True), "create topics"),
        ({}, chat(A, migrated_to=C), chat(B), str(C)),
        ({}, chat(A), chat(B, migrated_to=C), str(C)),
        ({"target_topic": 7}, chat(A), chat(B), "no topics"),
        ({"target_topic": 7}, chat(A), chat(B, forum=True), "no topic 7"),
        ({"source_topic": 7}, chat(A, forum=True), chat(B), "no topic 7"),
        ({"target_topic": 5}, chat(A), chat(B, forum=True), "closed"),
        ({"target": A}, chat(A), chat(A), "the same"),
        ({"source": B, "target": C}, chat(B), chat(C, kind="channel", linked=B), "discussion"),
    ],
)
def test_what_pauses_a_mirror(options: dict[str, object], source: Chat, target: Chat, says: str) -> None:
    topics = [Topic(id=1, title="General"), Topic(id=5, title="Old", closed=True)]
    found = judge(mirror(**options), source, target, source_topics=topics, target_topics=topics)
    assert not may_run(found)
    assert says in refusal(found)


@pytest.mark.parametrize(
    ("options", "source", "target", "says"),
    [
        ({}, chat(A, protected=True, may_unprotect=True), chat(B), "lift"),
        ({}, chat(A, member=False), chat(B), "polled"),
        ({}, chat(A), chat(B, slow_mode=30), "30 s"),
        ({}, chat(A), chat(B, auto_delete=86400), "24 h"),
        ({}, chat(A), chat(B, may_pin=False), "48 hours"),
        ({}, chat(A, forum=True), chat(B), "all go into one chat"),
        ({"deletes": "mirror"}, chat(A, auto_delete=60), chat(B), "held"),
    ],
)
def test_what_is_worth_a_warning(options: dict[str, object], source: Chat, target: Chat, says: str) -> None:
    found = judge(mirror(**options), source, target)
    assert may_run(found)
    assert any(says in f.text for f in found if f.level == "warn")


def test_two_topics_of_one_forum_are_two_places() -> None:
    forum = chat(A, forum=True, may_manage_topics=True)
    topics = [Topic(id=5, title="x"), Topic(id=7, title="y")]
    options = {"target": A, "source_topic": 5, "target_topic": 7}
    assert may_run(judge(mirror(**options), forum, forum, source_topics=topics, target_topics=topics))


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ([edge("one", A, B), edge("two", B, C)], None),
        ([edge("one", A, B), edge("two", A, C)], None),
        ([edge("one", A, B), edge("two", B, A)], ["one", "two"]),
        ([edge("one", A, A)], ["one"]),
        (
            [edge("x", D, A), edge("one", A, B), edge("two", B, C), edge("three", C, A)],
            ["one", "two", "three"],
        ),
        ([edge("one", A, B, None, 5), edge("two", B, A, 5)], ["one", "two"]),
        ([edge("one", A, B, None, 5), edge("two", B, A)], ["one", "two"]),
        ([edge("one", A, B), edge("two", B, A, 5)], ["one", "two"]),
        ([edge("one", A, B, None, 5), edge("two", B, A, 6)], None),
        ([edge("one", A, A, 5, 6)], None),
        ([edge("one", A, A, None, 6)], ["one"]),
    ],
)
def test_circles(edges: list[Edge], found: list[str] | None) -> None:
    assert cycle(edges) == found


def test_a_channel_feeds_its_discussion_group() -> None:
    edges = [edge("one", A, B), edge("two", C, A)]
    assert cycle(edges) is None
    assert cycle(edges, {B: C}) == ["one", "two"]


def test_the_last_in_the_file_of_each_circle_is_refused() -> None:
    edges = [edge("back", B, A), edge("there", A, B), edge("apart", C, D), edge("again", C, D)]
    reasons = refused(edges)
    assert set(reasons) == {"there", "again"}
    assert reasons["there"] == "it feeds itself: there → back → there"
    assert '"apart"' in reasons["again"]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_what_is_left_feeds_nothing_in_a_circle(pairs: list[tuple[int, int]]) -> None:
    edges = [edge(str(n), a, b) for n, (a, b) in enumerate(pairs)]
    reasons = refused(edges)
    left = [e for e in edges if e.name not in reasons]
    # An independent judge: what has nothing above it goes first, until nothing is left.
    while left:
        free = [e for e in left if all(o.target != e.source for o in left)]
        assert free
        left = [e for e in left if e not in free]


@pytest.mark.parametrize(
    ("count", "date", "words"),
    [
        (70412, 1551657600, "70,412 messages since 2019-03-04, 68 h at 3.5 s"),
        (1, 1551657600, "1 message since 2019-03-04, 4 s at 3.5 s"),
        (0, 0, "no messages"),
        (100, 0, "100 messages, 6 min at 3.5 s"),
        (1_000_000, 0, "1,000,000 messages, 41 days at 3.5 s"),
    ],
)
def test_the_words_for_a_backlog(count: int, date: int, words: str) -> None:
    assert backlog_words(count, date, 3.5) == words


def test_spans() -> None:
    assert [span(s) for s in (0, 89, 91, 5400, 345600)] == ["0 s", "89 s", "2 min", "2 h", "4 days"]
