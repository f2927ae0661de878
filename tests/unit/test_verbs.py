"""What the verbs answer, over a real ledger: the same from the daemon's desk and beside a stopped daemon."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tgstreamd.control import commands, status
from tgstreamd.control.commands import CommandHandler
from tgstreamd.control.lookup import message_link
from tgstreamd.control.parked_hints import remedy
from tgstreamd.control.status import Live, Unborn
from tgstreamd.control.telegram_commands import VERBS
from tgstreamd.domain.errors import TgstreamdError
from tgstreamd.domain.holds import Scope
from tgstreamd.domain.messages import Account, Box
from tgstreamd.ledger import READER, Store
from tgstreamd.policy.pacing import Pace

NOW = 1_700_000_000.0
SOURCE, TARGET = -1001000000001, -1001000000002


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "ledger.db")
    yield store
    await store.close()


async def bear(store: Store, name: str, source: int, target: int, count: int = 0) -> int:
    return await store.bear(
        name=name,
        source=source,
        source_topic=None,
        target=target,
        target_topic=None,
        history="all",
        start=0,
        newest=count,
        box_chat=source,
        box=Box(pts=1),
        count=count,
        since=0,
        waiting="",
        now=NOW,
    )


async def seen(store: Store | None, live: Live | None = None, pace: Pace | None = None) -> dict[str, Any]:
    answer = await status.status(store, live or Live(), pace=pace or Pace(), now=NOW)
    return dict(json.loads(json.dumps(answer)))


async def test_before_anything_ran() -> None:
    answer = await seen(None)
    assert (answer["state"], answer["mirrors"], answer["account"]) == ("stopped", [], None)


async def test_the_contract_of_status(store: Store) -> None:
    await bear(store, "main", SOURCE, TARGET, count=100)
    account = Account(id=7, name="Alice", premium=True)
    await store.note_titles({SOURCE: "News"})
    answer = await seen(store, Live(state="running", account=account, memory_rss=5))
    assert set(answer) >= {"version", "state", "account", "mirrors", "transfers", "memory_rss"}
    assert answer["account"] == {"id": 7, "name": "Alice", "premium": True}
    (mirror,) = answer["mirrors"]
    assert set(mirror) >= {
        "name", "source", "target", "done", "skipped", "parked", "backlog",
        "lag_seconds", "eta_seconds", "hold_until", "last_error",
    }  # fmt: skip
    assert (mirror["backlog"], mirror["eta_seconds"]) == (100, 350)
    assert (mirror["source_title"], mirror["hold_until"]) == ("News", None)


async def test_backlogs_share_the_interval(store: Store) -> None:
    for index, count in enumerate((10, 100, 50)):
        await bear(store, f"m{index}", SOURCE - 10 * index, TARGET - 10 * index, count)
    etas = [mirror["eta_seconds"] for mirror in (await seen(store, pace=Pace(interval=1.0)))["mirrors"]]
    assert etas == [30, 160, 110]


async def test_a_hold_is_told_until_it_ends(store: Store) -> None:
    await bear(store, "main", SOURCE, TARGET)
    await store.hold_until(READER, Scope.chat(TARGET), NOW + 30, "slow mode")
    await store.hold_until(READER, Scope.method("messages.sendMedia"), NOW + 60, "FLOOD_WAIT_60")
    await store.hold_until(READER, Scope.method("upload.saveFilePart"), NOW + 600, "FLOOD_WAIT_600")
    await store.hold_until(READER, Scope.chat(SOURCE), NOW + 900, "elsewhere")
    (mirror,) = (await seen(store))["mirrors"]
    assert (mirror["hold_until"], mirror["hold_reason"]) == (NOW + 60, "FLOOD_WAIT_60")


async def test_a_source_faster_than_the_pace(store: Store) -> None:
    mirror_id = await bear(store, "main", SOURCE, TARGET, 5)
    live = Live(state="running", incoming={mirror_id: 24.0}, outgoing={mirror_id: 17.0})
    (mirror,) = (await seen(store, live))["mirrors"]
    assert mirror["note"] == "falling behind: 24/min in, 17/min out"


async def test_a_mirror_that_could_not_begin_is_shown(store: Store) -> None:
    await bear(store, "main", SOURCE, TARGET)
    unborn = Unborn(name="b", source="@nobody", target=TARGET, why="nobody is called @nobody")
    first, second = (await seen(store, Live(unborn=(unborn,))))["mirrors"]
    assert set(first) == set(second)
    assert (second["state"], second["last_error"]) == ("paused", "nobody is called @nobody")


async def test_pause_and_resume(store: Store) -> None:
    mirror_id = await bear(store, "main", SOURCE, TARGET)
    assert (await commands.pause(store, "main", ["main"]))["changed"]
    assert not (await commands.pause(store, "main", ["main"]))["changed"]
    assert (await seen(store))["mirrors"][0]["paused"] == "paused by the operator"
    await store.pause(mirror_id, "waiting", "long backlog")
    first = await commands.resume(store, "main", ["main"], NOW)
    assert (first["released"], first["waiting"]) == ("paused by the operator", ["long backlog"])
    second = await commands.resume(store, "main", ["main"], NOW)
    assert (second["released"], second["waiting"]) == ("long backlog", [])
    third = await commands.resume(store, "main", ["main"], NOW)
    assert (third["released"], third["waiting"]) == ("", [])
    with pytest.raises(TgstreamdError) as caught:
        await commands.pause(store, "mian", ["main", "later"])
    assert caught.value.line() == 'no mirror is named "mian" (there is main, later)'


async def test_a_mirror_that_has_not_begun_is_paused_too(store: Store) -> None:
    """It begins paused, also when it is born much later; or `resume` takes that back."""
    unborn = Live(unborn=(Unborn(name="main", source=SOURCE, target=TARGET, why="not found"),))
    first = await commands.pause(store, "main", ["main"])
    assert (first["changed"], first["begun"]) == (True, False)
    assert not (await commands.pause(store, "main", ["main"]))["changed"]
    assert (await seen(store, unborn))["mirrors"][0]["paused"] == "paused by the operator; not found"
    released = await commands.resume(store, "main", ["main"], NOW)
    assert (released["released"], released["begun"]) == ("paused by the operator", False)
    assert (await seen(store, unborn))["mirrors"][0]["paused"] == "not found"
    await commands.pause(store, "main", ["main"])
    await bear(store, "main", SOURCE, TARGET)
    assert (await seen(store))["mirrors"][0]["paused"] == "paused by the operator"
    assert (await commands.resume(store, "main", ["main"], NOW))["released"] == "paused by the operator"
    await bear(store, "other", SOURCE - 1, TARGET)
    assert (await seen(store))["mirrors"][1]["paused"] == ""


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("deletion held", "`tgstreamd parked retry 7` copies it"),
        ("cannot be read at this layer", "`tgstreamd parked skip 7` gives it up"),
        ("its outcome stayed unknown", "looks in the target first"),
        ("filter slow took too long", "`sudo systemctl reload tgstreamd`, then `tgstreamd parked retry 7`"),
        ("timeout, for 31 minutes", "the trouble may have passed"),
        ("MEDIA_INVALID", "`tgstreamd parked retry 7` sends it again, `tgstreamd parked skip 7` gives it up"),
    ],
)
def test_what_is_parked_comes_with_what_to_do(reason: str, words: str) -> None:
    assert words in remedy(7, reason)


async def test_ids_that_are_not_parked_change_nothing(store: Store) -> None:
    with pytest.raises(TgstreamdError, match="not parked: 3, 4"):
        await commands.retry(store, [3, 4])
    with pytest.raises(TgstreamdError, match="not parked: 3"):
        await commands.skip(store, [3], NOW)
    assert await commands.retry(store, None) == {"retried": []}
    assert await commands.parked(store) == {"parked": []}


def test_links_open_where_there_are_some() -> None:
    assert message_link(-1001234567890, 5) == "https://t.me/c/1234567890/5"
    assert message_link(-55, 5) == ""


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def desk(store: Store, rung: list[str]) -> CommandHandler:
    async def asked(*_: object) -> dict[str, Any]:
        return {"ok": True}

    return CommandHandler(
        store,
        live=lambda: Live(state="running"),
        pace=Pace,
        now=lambda: NOW,
        changed=lambda: rung.append("rung"),
        chats=asked,
        check=asked,
        configured=lambda: ["main", "later"],
        rebuild=asked,
        asking=dict.fromkeys(VERBS, asked),
    )


async def test_the_desk_answers_and_wakes(store: Store, desk: CommandHandler, rung: list[str]) -> None:
    await bear(store, "main", SOURCE, TARGET)
    assert (await desk.answer({"verb": "status"}))["state"] == "running"
    assert await desk.answer({"verb": "parked"}) == {"parked": []}
    assert await desk.answer({"verb": "check"}) == {"ok": True}
    assert rung == []
    await desk.answer({"verb": "pause", "mirror": "main"})
    await desk.answer({"verb": "resume", "mirror": "main"})
    await desk.answer({"verb": "retry", "ids": None})
    assert len(rung) == 3


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"verb": "explode"},
        {"verb": "pause"},
        {"verb": "pause", "mirror": 3},
        {"verb": "retry", "ids": "all"},
        {"verb": "retry", "ids": [True]},
        {"verb": "skip", "ids": None},
    ],
)
async def test_the_desk_refuses_nonsense(desk: CommandHandler, request_: dict[str, Any]) -> None:
    with pytest.raises(TgstreamdError, match="does not know"):
        await desk.answer(request_)
