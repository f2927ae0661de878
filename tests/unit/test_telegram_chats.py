"""The local Telegram's pure parts: how it cuts pages, treats texts and sums up what happened."""

from __future__ import annotations

import bisect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types

from tests.telegram.dispatch import RpcError
from tests.telegram.world import World
from tests.telegram.world.paging import page
from tests.telegram.world.text import cut, prepare, units

TEXTS = st.text(alphabet="ab 👋\n·é", max_size=30)


@given(st.sets(st.integers(1, 400), max_size=250), st.integers(1, 100))
def test_walking_back_by_offset_id_sees_everything_once(ids: set[int], limit: int) -> None:
    ordered, seen = sorted(ids), list[int]()
    while got := page(ordered, offset_id=seen[-1] if seen else 0, limit=limit):
        seen += got
    assert seen == ordered[::-1]


@given(st.sets(st.integers(1, 400), max_size=250), st.integers(1, 100))
def test_walking_forth_by_a_negative_offset_sees_everything_once(ids: set[int], limit: int) -> None:
    ordered, seen = sorted(ids), list[int]()
    while got := page(ordered, offset_id=(seen[-1] if seen else 0) + 1, add_offset=-limit, limit=limit):
        seen += got[::-1]
    assert seen == ordered


@given(st.sets(st.integers(1, 60)), st.integers(1, 70), st.integers(-20, 20), st.integers(1, 20))
def test_the_window_is_where_the_offset_says(ids: set[int], offset: int, add: int, limit: int) -> None:
    ordered = sorted(ids)
    newest_first = ordered[::-1]
    start = len(ordered) - bisect.bisect_left(ordered, offset) + add
    expected = newest_first[max(0, start) : max(0, start + limit)]
    assert page(ordered, offset_id=offset, add_offset=add, limit=limit) == expected


@given(TEXTS, st.integers(0, 30), st.integers(1, 30))
def test_trimming_keeps_what_an_entity_covers(text: str, offset: int, length: int) -> None:
    bold = types.MessageEntityBold(offset, length)
    raw = text.encode("utf-16-le")
    halves = [at for at in range(units(text)) if 0xDC <= raw[at * 2 + 1] <= 0xDF]
    if offset + length > units(text) or offset in halves or offset + length in halves:
        with pytest.raises(RpcError, match="ENTITY_BOUNDS_INVALID"):
            prepare(text, [bold], premium=True)
        return
    kept, entities = prepare(text, [bold], premium=True)
    assert kept == text.strip()
    assert (bold.offset, bold.length) == (offset, length), "the request's own entity is left alone"
    found = [e for e in entities if isinstance(e, types.MessageEntityBold)]
    covered = cut(text, offset, length)
    if not found:
        assert not covered.strip()
    else:
        assert found[0].offset + found[0].length <= units(kept)
        assert cut(kept, found[0].offset, found[0].length).strip() == covered.strip()


def test_only_a_hundred_entities_stay() -> None:
    bold = [types.MessageEntityBold(i, 1) for i in range(150)]
    emoji = [types.MessageEntityCustomEmoji(i, 1, 7) for i in range(150)]
    _, kept = prepare("x" * 150, [*bold, *emoji], premium=True)
    assert sum(isinstance(e, types.MessageEntityBold) for e in kept) == 100
    assert sum(isinstance(e, types.MessageEntityCustomEmoji) for e in kept) == 150


@pytest.mark.parametrize(
    ("text", "kind", "covered"),
    [
        ("see https://example.com/a?b=c.", types.MessageEntityUrl, ["https://example.com/a?b=c"]),
        ("t.me/chat and example.org", types.MessageEntityUrl, ["t.me/chat", "example.org"]),
        ("mail a.b@example.com now", types.MessageEntityEmail, ["a.b@example.com"]),
        ("@alice_1, not x@alice", types.MessageEntityMention, ["@alice_1"]),
        ("#tag #2 #два", types.MessageEntityHashtag, ["#tag", "#два"]),
        ("/start or and/or", types.MessageEntityBotCommand, ["/start"]),
        ("$TON $x", types.MessageEntityCashtag, ["$TON"]),
        ("+4366012345678", types.MessageEntityPhone, ["+4366012345678"]),
    ],
)
def test_what_the_server_finds(text: str, kind: Any, covered: list[str]) -> None:
    kept, entities = prepare(text, [], premium=False)
    assert [cut(kept, e.offset, e.length) for e in entities if type(e) is kind] == covered


def test_nothing_is_found_inside_of_code() -> None:
    _, entities = prepare("#tag", [types.MessageEntityCode(0, 4)], premium=False)
    assert [type(e) for e in entities] == [types.MessageEntityCode]


@given(st.lists(st.sampled_from(["post", "edit", "delete", "pin"]), max_size=40), st.integers(1, 9))
def test_differences_in_slices_lead_to_the_same_chat(acts: list[str], limit: int) -> None:
    """Whoever applies all slices holds exactly the messages that there are, in their final form."""
    world = World(now=lambda: 1_700_000_000.0, seed=5)
    alice = world.peers.add_account("Alice")
    chat = world.chats.add_supergroup("Group", alice)
    for number, act in enumerate(acts):
        alive = [m for m in chat.box.messages.values() if m.action is None]
        if act == "post" or not alive:
            world.chats.post(chat, alice, f"m{number}")
        elif act == "edit":
            world.chats.edit(alive[number % len(alive)], f"e{number}")
        elif act == "delete":
            world.chats.delete(alive[number % len(alive)])
        else:
            world.chats.pin(alive[number % len(alive)], pinned=not alive[number % len(alive)].pinned)
    held: dict[int, str] = {}
    pts = 1
    while events := chat.box.after(pts)[:limit]:
        summary = chat.box.summary(events)
        held |= {m.ids[0]: m.text for m in summary.new}
        for event in summary.events:
            if event.kind == "delete":
                for message_id in event.ids:
                    held.pop(message_id, None)
            elif event.kind == "edit":
                held[event.ids[0]] = chat.box.messages[event.ids[0]].text
        pts = events[-1].pts
    assert held == {i: m.text for i, m in chat.box.messages.items()}
    assert pts == chat.box.pts
