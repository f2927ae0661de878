"""What `check` says: a line for every doubt, whatever goes wrong with one chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from tgstreamd.config import Config, build
from tgstreamd.control import chats as listing
from tgstreamd.control import check
from tgstreamd.domain.errors import NotAuthorised, Rejected, SourceLost, TelegramError
from tgstreamd.domain.holds import Scope
from tgstreamd.domain.messages import Account, Box, Chat, Topic
from tgstreamd.domain.ports import Source, Target
from tgstreamd.ledger import READER, Store

NOW = 1_700_000_000.0
A, B, C = -1001000000001, -1001000000002, -1001000000003


class Side:
    """As much of a Source and a Target as a check asks for."""

    def __init__(self, chats: dict[int, Chat], me: Account) -> None:
        self.chats = chats
        self.me = me
        self.counted: list[int] = []

    async def account(self) -> Account:
        return self.me

    async def chat(self, chat: int) -> Chat:
        if chat not in self.chats:
            raise SourceLost("this chat cannot be seen", error="CHANNEL_PRIVATE")
        return self.chats[chat]

    async def topics(self, chat: int) -> tuple[Topic, ...]:
        return (Topic(id=1, title="General"), Topic(id=5, title="News"))

    async def newest(self, chat: int, topic: int | None = None) -> int:
        return 1000

    async def first_since(self, chat: int, date: int, topic: int | None = None) -> int:
        return 1000 - max(0, int(NOW - date) // 86400)

    async def count(self, chat: int, topic: int | None = None, *, after: int = 0) -> tuple[int, int]:
        self.counted.append(after)
        return 1000 - after, 1_600_000_000


class Reached:
    """A connection to these chats."""

    def __init__(self, *chats: Chat, names: dict[str, int] | None = None, bot: bool = False) -> None:
        self.side = Side({chat.id: chat for chat in chats}, Account(id=7, name="Alice", bot=bot))
        self.names = names or {}
        self.skew = 0.0

    @property
    def source(self) -> Source:
        return cast("Source", self.side)

    @property
    def target(self) -> Target:
        return cast("Target", self.side)

    async def resolve(self, ref: int | str) -> int:
        if isinstance(ref, int):
            return ref
        if ref not in self.names:
            raise Rejected(f"nobody is called {ref}", hint="look again")
        return self.names[ref]

    async def dialogs(self) -> Sequence[Chat]:
        return list(self.side.chats.values())

    async def server_time(self) -> float:
        return NOW - self.skew


def chat(id: int, title: str, **more: Any) -> Chat:
    return Chat(id=id, title=title, kind=more.pop("kind", "supergroup"), may_pin=True, **more)


def config(*mirrors: dict[str, Any]) -> Config:
    tables = [{"name": f"m{n}", **mirror} for n, mirror in enumerate(mirrors)]
    tree = {"telegram": {"api_id": 1, "api_hash": "0" * 32}, "mirror": tables}
    return build(tree, {"HOME": "/x"}, where=None, place_of=Path("/x/config.toml"))


async def checked(
    reach: Reached, *mirrors: dict[str, Any], store: Store | None = None
) -> tuple[bool, list[tuple[str, str, str]]]:
    """Whether it is ok, and the lines about mirrors."""
    answer = await check.check(config(*mirrors), reach, store, now=NOW)
    lines = [(line["level"], line["subject"], line["text"]) for line in answer["lines"] if line["mirror"]]
    return answer["ok"], lines


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "ledger.db")
    yield store
    await store.close()


async def test_all_is_well() -> None:
    ok, lines = await checked(Reached(chat(A, "a"), chat(B, "b")), {"source": A, "target": B})
    assert ok
    assert lines[-1] == ("ok", "history", "1,000 messages since 2020-09-13, 58 min at 3.5 s")


async def test_a_group_that_became_a_supergroup_is_followed() -> None:
    """As a start does; where the account was not let in, it is the end."""
    group, became = chat(-5, "old", kind="group", migrated_to=A), chat(A, "new")
    ok, lines = await checked(Reached(group, became, chat(B, "b")), {"source": -5, "target": B})
    assert ok
    assert any(level == "warn" and str(A) in text for level, _, text in lines)
    ok, lines = await checked(Reached(group, chat(B, "b")), {"source": B, "target": -5})
    assert not ok
    assert any(level == "fail" and str(A) in text for level, _, text in lines)


@pytest.mark.parametrize(
    ("history", "after"), [("none", None), ("900", 899), ("10d", 989), ("2023-11-04", 989), ("all", 0)]
)
async def test_the_history_that_is_counted(history: str, after: int | None) -> None:
    reach = Reached(chat(A, "a"), chat(B, "b"))
    ok, lines = await checked(reach, {"source": A, "target": B, "history": history})
    assert ok
    assert reach.side.counted == ([] if after is None else [after])
    assert after is not None or lines[-1][2] == "no history: new posts only"


async def test_one_lost_chat_is_a_line() -> None:
    reach = Reached(chat(A, "a"), chat(B, "b"))
    ok, lines = await checked(
        reach,
        {"source": C, "target": B},
        {"source": "@gone_chat", "target": B},
        {"source": A, "target": B},
    )
    assert not ok
    failed = [(subject, text) for level, subject, text in lines if level == "fail"]
    assert failed == [
        ("source", "this chat cannot be seen"),
        ("source", "nobody is called @gone_chat"),
    ]
    assert lines[-1][1] == "history"


async def test_a_lost_login_is_no_line() -> None:
    class Ended(Reached):
        async def resolve(self, ref: int | str) -> int:
            raise NotAuthorised("the session was ended")

    with pytest.raises(NotAuthorised):
        await checked(Ended(chat(A, "a"), chat(B, "b")), {"source": A, "target": B})


async def test_a_bot_cannot_read() -> None:
    answer = await check.check(
        config({"source": A, "target": B}), Reached(chat(A, "a"), chat(B, "b"), bot=True), None, now=NOW
    )
    assert not answer["ok"]
    assert "bots cannot read histories" in answer["lines"][1]["text"]


async def test_a_name_that_now_means_another_chat(store: Store) -> None:
    await store.remember_name("@news", A)
    reach = Reached(chat(A, "a"), chat(B, "b"), chat(C, "c"), names={"@news": C})
    ok, lines = await checked(reach, {"source": "@news", "target": B}, store=store)
    assert not ok
    assert lines[0] == (
        "fail",
        "source",
        f"@news now means {C}; the mirror stays with {A}",
    )


async def test_a_circle_that_only_telegram_shows() -> None:
    channel = chat(B, "channel", kind="channel", linked=A)
    ok, lines = await checked(
        Reached(chat(A, "a"), channel, chat(C, "c")),
        {"source": A, "target": C},
        {"source": C, "target": B},
    )
    assert not ok
    assert [line for line in lines if line[1] == "loop"] == [
        ("fail", "loop", "it feeds itself: m1 → m0 → m1")
    ]


@pytest.mark.parametrize(
    ("at_birth", "now", "level"), [("90d", "90d", "ok"), ("90d", "30d", "warn"), ("30d", "90d", "fail")]
)
async def test_history_counts_at_birth(store: Store, at_birth: str, now: str, level: str) -> None:
    await store.bear(
        name="m0", source=A, source_topic=None, target=B, target_topic=None, history=at_birth, start=0,
        newest=0, box_chat=A, box=Box(pts=1), count=0, since=0, waiting="", now=NOW,
    )  # fmt: skip
    reach = Reached(chat(A, "a"), chat(B, "b"))
    ok, lines = await checked(reach, {"source": A, "target": B, "history": now}, store=store)
    assert (lines[-1][0], ok) == (level, level != "fail")


async def test_chats_and_topics() -> None:
    class Closed(Side):
        async def topics(self, chat: int) -> tuple[Topic, ...]:
            raise TelegramError("no")

    forum = chat(A, "forum", forum=True)
    reach = Reached(forum, chat(7, "somebody", kind="user"), chat(-5, "old", kind="group", migrated_to=B))
    (listed,) = (await listing.chats(reach))["chats"]
    assert [topic["title"] for topic in listed["topics"]] == ["General", "News"]
    reach.side = Closed(reach.side.chats, reach.side.me)
    (listed,) = (await listing.chats(reach))["chats"]
    assert (listed["id"], listed["topics"]) == (A, [])


async def test_a_clock_that_is_wrong_is_said_with_the_command(store: Store) -> None:
    reach = Reached(chat(A, "a"), chat(B, "b", slow_mode=30))
    wanted = config({"source": A, "target": B})
    for skew, level in ((2.0, "ok"), (-90.0, "warn"), (40.0, "warn")):
        reach.skew = skew
        answer = await check.check(wanted, reach, store, now=NOW)
        (clock,) = [line for line in answer["lines"] if line["subject"] == "clock"]
        assert clock["level"] == level
        assert bool(clock["remedy"]) == (level == "warn")
        assert answer["ok"]  # a warning does not fail
    assert "40 s ahead of Telegram's: `delay` and what status says of lags" in clock["text"]
    (slow,) = [line for line in answer["lines"] if "slow mode" in line["text"]]
    assert slow["remedy"] == "administrators are not bound by it"


async def test_an_account_on_hold_is_said(store: Store) -> None:
    await store.hold_until(READER, Scope.account(), NOW + 3600, "PEER_FLOOD")
    reach = Reached(chat(A, "a"), chat(B, "b"))
    wanted = config({"source": A, "target": B})
    answer = await check.check(wanted, reach, store, now=NOW)
    assert any("nothing is sent: PEER_FLOOD" in line["text"] for line in answer["lines"])
    answer = await check.check(wanted, reach, store, now=NOW + 3600)
    assert not any("nothing is sent" in line["text"] for line in answer["lines"])
