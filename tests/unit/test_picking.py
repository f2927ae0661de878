"""Lists to pick from: what a search finds, and what a row says of a chat."""

from __future__ import annotations

from typing import Any

import pytest

from tgstreamd.cli.chats import searched
from tgstreamd.cli.prompts.options import CHOICES
from tgstreamd.cli.prompts.picker import drawable, matching
from tgstreamd.cli.prompts.wizard import chat_row
from tgstreamd.control.chats import row
from tgstreamd.domain.messages import Chat, Topic

NEWS = Chat(id=-1001, title="São Paulo Notícias", kind="supergroup", username="spnews", members=1204)
CLOSED = Chat(
    id=-1002, title="Archive", kind="channel", protected=True, write_refusal="only administrators may write"
)
FORUM = Chat(id=-1003, title="Fórum", kind="supergroup", forum=True)
LISTED = [row(NEWS), row(CLOSED), row(FORUM, [Topic(id=5, title="Óptica"), Topic(id=6, title="Calor")])]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", [-1001, -1002, -1003]),
        ("sao noti", [-1001]),  # without accents, words in any place
        ("SPNEWS", [-1001]),
        ("@spn", [-1001]),
        ("1002", [-1002]),
        ("um", [-1003]),
        ("nothing", []),
    ],
)
def test_what_a_search_finds(words: str, found: list[int]) -> None:
    rows = [chat_row(chat, "source") for chat in LISTED]
    assert [one.value["id"] for one in matching(rows, words)] == found
    assert [chat["id"] for chat in searched(LISTED, words)] == found


def test_a_search_among_chats_finds_topics_too() -> None:
    (found,) = searched(LISTED, "optica")
    assert (found["id"], [topic["id"] for topic in found["topics"]]) == (-1003, [5])
    (whole,) = searched(LISTED, "forum")
    assert len(whole["topics"]) == 2


def test_a_row_says_before_it_is_picked_what_a_chat_can_serve_for() -> None:
    news = chat_row(LISTED[0], "source")
    assert (news.marks, news.refusal) == (("supergroup", "  1,204", ""), "")
    assert news.detail == "-1001, @spnews, 1,204 members; read: yes; write: yes"
    closed: dict[str, Any] = LISTED[1]
    assert chat_row(closed, "source").refusal == "cannot be the source: its content is protected"
    assert chat_row(closed, "target").refusal == "cannot be the target: only administrators may write"
    assert chat_row(closed, "target").marks == ("channel", " " * 7, "protected, read only")
    assert chat_row(LISTED[2], "target").marks[2] == "2 topics"


def test_every_consequential_choice_is_asked() -> None:
    """`history` has a question of its own."""
    assert [choice.key for choice in CHOICES] == ["order", "deletes", "transfer", "attribution"]
    proposed = {choice.key: choice.options[choice.proposed("supergroup")][0] for choice in CHOICES}
    assert (proposed["transfer"], proposed["attribution"]) == ("reference", "author")
    assert CHOICES[3].options[CHOICES[3].proposed("channel")][0] == "none"


def test_without_a_terminal_nothing_is_drawn() -> None:
    assert not drawable({"TERM": "dumb"})
