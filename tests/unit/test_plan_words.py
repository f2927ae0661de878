"""What `plan` says for people: a line for each post, words where Telegram has a name."""

from __future__ import annotations

from typing import Any

import pytest

from tgstreamd.cli.plan import line, summary


def post(**changes: Any) -> dict[str, Any]:
    usual = {
        "id": 1, "messages": [1], "date": 1_700_000_000, "author": "Otto", "kind": "text", "text": "",
        "ways": ["text"], "skip": "", "notes": [], "sends": 1, "bytes": 0, "reference_bytes": 0, "reply": "",
        "links": 0, "ledger": "",
    }  # fmt: skip
    return usual | changes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ChannelCreate", "chat created"),
        ("PinMessage", "message pinned"),
        ("SetMessagesTTL", "auto-delete timer set"),
        ("GiveawayLaunch", "giveaway launch"),
    ],
)
def test_a_service_message_is_said_in_words(name: str, words: str) -> None:
    shown = line(post(kind=name, ways=["skip"], sends=0, skip=f"service message: {name}"))
    assert shown.endswith(f"service     skip: {words}")
    assert name not in shown


def test_a_topic_that_is_made_is_no_skipped_one() -> None:
    assert line(post(kind="TopicCreate")).endswith("service     topic created")


def test_other_posts_stay_as_they_are() -> None:
    assert line(post(skip="filter no ads", text="buy")).endswith('text        skip: filter no ads  "buy"')


def test_the_sums_say_the_same() -> None:
    totals = {
        "posts": 3, "sends": 0, "bytes": 0, "reference_bytes": 0, "seconds": 0, "settled": 0, "ways": {},
        "skipped": {"service message: ChannelCreate": 1, "filter no ads": 2},
    }  # fmt: skip
    found = {"mirror": "main", "totals": totals, "interval": 3.5, "more": False, "next": None}
    assert summary(found)[1:] == [
        "  skipped, filter no ads: 2",
        "  skipped, service message: chat created: 1",
    ]
