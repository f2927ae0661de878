"""The schema in the documentation is that of the answer: nothing missing, nothing undocumented."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.schema import undescribed, violations
from tgstreamd.control.status import Live, Unborn, status
from tgstreamd.domain.holds import Scope
from tgstreamd.domain.messages import Account, Box, Message
from tgstreamd.ledger import READER, Store, messages_to
from tgstreamd.policy.pacing import Pace
from tgstreamd.transfer.transfer import Transfer

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "status.schema.json").read_text())
NOW = 1_700_000_000.0
SOURCE, TARGET = -1001000000001, -1001000000002


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "ledger.db")
    await store.bear(
        name="main", source=SOURCE, source_topic=None, target=TARGET, target_topic=None, history="all",
        start=0, newest=4, box_chat=SOURCE, box=Box(pts=1), count=4, since=0, waiting="", now=NOW,
    )  # fmt: skip
    yield store
    await store.close()


async def answer(store: Store | None, live: Live | None = None) -> dict[str, Any]:
    said = await status(store, live or Live(), pace=Pace(), now=NOW)
    return dict(json.loads(json.dumps(said)))


def test_every_key_is_explained() -> None:
    assert list(undescribed(SCHEMA)) == []


async def test_a_running_a_stopped_and_an_unborn_one(store: Store) -> None:
    unborn = Unborn(name="b", source="@nobody", target=TARGET, why="nobody is called @nobody")
    transfer = Transfer(
        mirror="main", source_id=8, name="a", size=9, transferred=1, bytes_per_second=1.5
    )  # fmt: skip
    await store.hold_until(READER, Scope.account(), NOW + 60, "FLOOD_WAIT_60")
    await store.set_marks(READER, [messages_to(TARGET)], NOW, 1)
    running = Live(
        state="running", account=Account(id=1, name="A"), transfers=(transfer,), window=3, buffer_parts=4,
        memory_rss=5, unborn=(unborn,), refusals={("messages.sendMedia", "MEDIA_EMPTY", "rejected"): 2},
    )  # fmt: skip
    for live in (running, Live(state="starting"), Live()):
        assert list(violations(await answer(store, live), SCHEMA)) == []
    assert list(violations(await answer(None), SCHEMA)) == []
    assert await answer(store, running) != await answer(store)


def test_a_wrong_answer_is_noticed() -> None:
    wrong = list(violations({"version": 3, "more": 1}, SCHEMA))
    assert "$.version: 3 is no string" in wrong
    assert "$: more is not documented" in wrong
    assert "$: mirrors is missing" in wrong


async def test_what_was_skipped_is_told_by_reason(store: Store) -> None:
    """The reasons are counted as they come and go, up to their first colon; the sum is the count."""
    ids = iter(range(1, 100))
    (gap,) = await store.gaps()
    posts = [
        Message(chat=SOURCE, id=1, date=1, service="PinMessage"),
        Message(chat=SOURCE, id=2, date=1, service="ChatAddUser"),
        Message(chat=SOURCE, id=3, date=1, text="buy"),
        Message(chat=SOURCE, id=4, date=1, text="parked, and then given up"),
    ]
    await store.take_page(
        gap, posts, upto=4, ended=True, wanted=lambda _: True, now=NOW, new_id=lambda: next(ids)
    )
    third = (await store.heads(1)).backlog
    assert third is not None
    await store.finish(third.id, "skipped", "filter ads", NOW)
    fourth = (await store.heads(1)).backlog
    assert fourth is not None
    await store.finish(fourth.id, "parked", "TROUBLE: of some kind", NOW)
    await store.skip_parked([fourth.id], NOW)
    (mirror,) = (await answer(store))["mirrors"]
    assert mirror["skipped_by"] == {"filter ads": 1, "service message": 2, "skipped by the operator": 1}
    assert (mirror["skipped"], mirror["settled"], mirror["total"], mirror["position"]) == (4, 4, 4, 4)


async def test_nothing_is_done_before_the_file_on_its_way(store: Store) -> None:
    """One message is a matter of seconds, but not while its 60 MB are still coming."""
    moving = Transfer(
        mirror="main", source_id=1, name="a", size=60_000_000, transferred=0, bytes_per_second=868e3
    )
    (mirror,) = (await answer(store, Live(state="running", transfers=(moving,))))["mirrors"]
    assert mirror["eta_seconds"] == 69
    (mirror,) = (await answer(store))["mirrors"]
    assert mirror["eta_seconds"] == 14


async def test_chats_are_known_by_their_titles_when_no_daemon_runs(store: Store) -> None:
    await store.note_titles({SOURCE: "News", TARGET: "Old"})
    await store.note_titles({TARGET: "Copy of News"})
    (mirror,) = (await answer(store))["mirrors"]
    assert (mirror["source_title"], mirror["target_title"]) == ("News", "Copy of News")
