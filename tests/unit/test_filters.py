"""Filters: which posts are not copied."""

from __future__ import annotations

from typing import Any

import pytest

from tgstreamd.domain.messages import Account, Chat, Filter, Media, Message, Mirror
from tgstreamd.policy.filters import dropped
from tgstreamd.policy.plan import plan

SOURCE = Chat(id=-1001, title="Source", kind="supergroup")
MIRROR = Mirror(id=1, name="m", source=-1001, target=-1002)


def message(text: str = "", kind: str = "", **more: Any) -> Message:
    media = Media(kind=kind, size=more.pop("size", 1000)) if kind else None  # type: ignore[arg-type]  # any kind
    fields: dict[str, Any] = {"sender": "Ana  Bé", "sender_id": 7, "username": "Ana_B", **more}
    return Message(chat=-1001, id=1, date=0, text=text, media=media, **fields)


def asked(question: str) -> Message:
    return Message(chat=-1001, id=1, date=0, media=Media(kind="poll", words=question))


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ({"kinds": ("sticker", "gif")}, message(kind="gif"), message("gif")),
        ({"kinds": ("text",)}, message("hi"), message("hi", "photo")),
        ({"larger_than": 999}, message(kind="file"), message(kind="file", size=999)),
        ({"larger_than": 0}, message(kind="file"), message("words only")),
        ({"smaller_than": 1001}, message(kind="file"), message(kind="poll", size=0)),
        ({"text": ("Buy  now", "x")}, message("please BUY\nNOW!"), message("buy it now")),
        ({"text": ("lunch",)}, asked("Lunch?"), message()),
        ({"regex": r"(?i)\bkauf\w*"}, message("Jetzt KAUFEN"), message("verkauft")),
        ({"author": (7,)}, message("x"), message("x", sender_id=8)),
        ({"author": ("ana bé",)}, message("x"), message("x", sender="Bé")),
        ({"author": ("@ana_b",)}, message("x"), message("x", username="")),
        ({"topic": (5,)}, message("x", topic=5), message("x", topic=1)),
        ({"topic": (1,)}, message("x"), message("x", topic=5)),
        ({"kinds": ("photo",), "author": (7,)}, message(kind="photo"), message(kind="photo", sender_id=8)),
    ],
)  # fmt: skip
def test_conditions(condition: dict[str, Any], yes: Message, no: Message) -> None:
    drop = Filter(name="it", **condition)
    assert (dropped([yes], [drop]), dropped([no], [drop])) == ("it", "")
    keep = Filter(name="it", action="keep", **condition)
    assert (dropped([yes], [keep]), dropped([no], [keep])) == ("", "it")


def test_every_filter_has_to_let_a_post_through_and_the_first_that_does_not_is_named() -> None:
    wanted = [Filter(name="ads", text=("buy",)), Filter(name="photos", action="keep", kinds=("photo",))]
    assert dropped([message("buy", "photo")], wanted) == "ads"
    assert dropped([message("hi")], wanted) == "photos"
    assert dropped([message("hi", "photo")], wanted) == ""
    assert dropped([message()], []) == ""


def test_an_album_is_judged_as_a_whole() -> None:
    album = [message(kind="photo"), message("the second", "video", size=5000)]
    assert dropped(album, [Filter(name="v", kinds=("video",))]) == "v"
    assert dropped(album, [Filter(name="p", action="keep", kinds=("photo",))]) == ""
    assert dropped(album, [Filter(name="t", text=("second",))]) == "t"
    assert dropped(album, [Filter(name="s", larger_than=4000)]) == "s"
    assert dropped(album, [Filter(name="s", smaller_than=4000)]) == ""


def test_the_plan_says_which_filter() -> None:
    mirror = Mirror(
        id=1, name="m", source=-1001, target=-1002, filter=(Filter(name="no gifs", kinds=("gif",)),)
    )
    account = Account(id=1, name="me")

    def planned(*messages: Message) -> tuple[str, bool, int]:
        made = plan(
            messages,
            mirror=mirror,
            account=account,
            source=SOURCE,
            parent=None,
            backlog=False,
            same_account=True,
        )
        return made.skip, made.filtered, len(made.drafts)

    assert planned(message(kind="gif")) == ("filter no gifs", True, 0)
    assert planned(message("hi")) == ("", False, 1)
