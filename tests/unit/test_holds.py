"""Telegram's waits: which bind what, how long, and that nobody but their owner judges them."""

from __future__ import annotations

import ast
import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import tgstreamd
from tests.fakes import FakeClock
from tgstreamd.domain.errors import FloodWait
from tgstreamd.domain.holds import FOREVER, Hold, Scope, is_permanent
from tgstreamd.ledger import READER, Store, messages_to
from tgstreamd.limits.holds import DIFFERENCES, HISTORIES, Holds, StoredHolds
from tgstreamd.policy.retry import HoldAccount

ROOT = Path(tgstreamd.__file__).parent
NOW = 1_700_000_000.0
MIRROR, TARGET, OTHER = 3, -1001, -1002
WRITTEN = {
    "account": Scope.account(),
    "method:messages.sendMedia": Scope.method("messages.sendMedia"),
    "method:upload.saveFilePart": Scope.method("upload.saveFilePart"),
    "method:messages.getHistory": Scope.method("messages.getHistory"),
    f"chat:{TARGET}": Scope.chat(TARGET),
    f"chat:{OTHER}": Scope.chat(OTHER),
    f"mirror:{MIRROR}": Scope.mirror(MIRROR),
    "mirror:4": Scope.mirror(4),
    "login:-77": Scope.login(-77),
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "ledger.db")
    yield opened
    await opened.close()


def held(*texts: str, until: float = NOW + 60, step: int = 0) -> Holds:
    found = [Scope.parse(text) for text in texts]
    return Holds(
        {scope: Hold(account=READER, scope=scope, until=until, reason="why", step=step) for scope in found}
    )


@pytest.mark.parametrize("text", WRITTEN)
def test_a_scope_is_read_as_it_is_written(text: str) -> None:
    assert Scope.parse(text) == WRITTEN[text]
    assert str(WRITTEN[text]) == text


def test_a_logins_key_is_shown_to_nobody() -> None:
    assert str(Scope.login(-77).shown) == "login"
    assert Scope.parse("login").is_login
    assert str(Scope.chat(TARGET).shown) == f"chat:{TARGET}"


@pytest.mark.parametrize("text", WRITTEN)
def test_what_a_hold_binds(text: str) -> None:
    holds = held(text)
    # For people, and for the day's line: whatever the method by which messages are sent.
    binds = text in ("account", "method:messages.sendMedia", f"chat:{TARGET}", f"mirror:{MIRROR}")
    assert (holds.on_messages(MIRROR, TARGET, NOW) is not None) == binds
    # The sender asks for its own method.
    assert bool(holds.before_message(MIRROR, TARGET, "messages.sendMedia")) == binds
    other = bool(holds.before_message(MIRROR, TARGET, "messages.sendMessage"))
    assert other == (binds and text != "method:messages.sendMedia")
    # What is no new message does not wait for a chat's word.
    changes = bool(holds.before_call(TARGET, "messages.sendMedia"))
    assert changes == (binds and not text.startswith("mirror"))
    assert holds.on_transfers(NOW) == (text in ("account", "method:upload.saveFilePart"))
    assert (holds.on_account(NOW) is not None) == (text == "account")
    assert (holds.flood(HISTORIES | DIFFERENCES, NOW) is not None) == (text == "method:messages.getHistory")


@pytest.mark.parametrize("text", WRITTEN)
def test_one_that_is_over_binds_nothing(text: str) -> None:
    holds = held(text, until=NOW)
    assert holds.on_messages(MIRROR, TARGET, NOW) is None
    assert not holds.on_transfers(NOW)
    assert holds.on_account(NOW) is None
    assert holds.flood(HISTORIES, NOW) is None
    assert holds.of(Scope.parse(text), NOW) is None
    assert holds.seconds_left(Scope.parse(text), NOW) == 0.0
    assert holds.in_force(NOW) == []
    assert holds.ends_of_methods(NOW) == []
    # The pace takes the latest of all times, so that one of the past is none.
    assert all(at <= NOW for at in holds.before_message(MIRROR, TARGET, "messages.sendMedia"))


def test_the_longest_counts() -> None:
    short, long = held("account"), held("method:messages.sendMedia", "method:messages.search", until=NOW + 90)
    both = Holds({**short.held, **long.held, **held("method:messages.getHistory").held})
    found = both.on_messages(MIRROR, TARGET, NOW)
    assert found is not None
    assert str(found.scope) == "method:messages.sendMedia"
    flood = both.flood(HISTORIES, NOW + 0.5)
    assert flood is not None
    assert (flood.method, flood.seconds) == ("messages.search", 90)
    assert both.seconds_left(Scope.method("messages.search"), NOW + 0.5) == 89.5
    assert [str(hold.scope) for hold in both.in_force(NOW)] == sorted(str(scope) for scope in both.held)
    assert sorted(both.ends_of_methods(NOW)) == [NOW + 60, NOW + 90, NOW + 90]


def test_frozen_limited_and_merely_flooded_are_three_things() -> None:
    flooded, limited, frozen = (
        held("account"),
        held("account", step=2),
        held("account", until=FOREVER, step=1),
    )
    assert [holds.is_frozen for holds in (flooded, limited, frozen)] == [False, False, True]
    assert [holds.limited_until for holds in (flooded, limited, frozen)] == [0.0, NOW + 60, 0.0]
    assert [holds.strikes for holds in (flooded, limited, frozen, Holds())] == [0, 2, 1, 0]
    assert is_permanent(round(FOREVER))
    assert not is_permanent(FOREVER - 1)


async def test_the_ledger_keeps_them_by_account(store: Store) -> None:
    """What one account is held from, and what it did last, is nothing to another."""
    clock = FakeClock(NOW)
    ours, another = StoredHolds(store, clock), StoredHolds(store, clock, account=2)
    await ours.remember(FloodWait(30, scope="method", method="messages.search"))
    await ours.hold_account(HoldAccount(until=NOW + 600, reason="PEER_FLOOD"))
    await another.hold(Scope.account(), NOW + 5, "FLOOD_WAIT_5")
    assert await another.flood(HISTORIES) is None
    assert (await another.look()).strikes == 0
    flood = await StoredHolds(store, clock).flood(HISTORIES)
    assert flood is not None
    assert flood.seconds == 30
    await another.lift_account()
    assert (await another.look()).held == {}
    assert (await ours.look()).limited_until == NOW + 600
    await store.set_marks(READER, [messages_to(TARGET), "account", "backlog"], NOW, 1)
    await store.set_marks(2, ["second"], NOW, 1)
    await store.set_tempo(2, "slow")
    # Of a target, people see how fast messages come, whoever writes them.
    assert (await store.pace(2))[0].keys() == {messages_to(TARGET), "second"}
    assert (await store.pace(READER))[0].keys() == {messages_to(TARGET), "account", "backlog"}
    assert [(await store.pace(account))[1] for account in (READER, 2)] == ["", "slow"]


async def test_one_that_was_longer_stays_and_a_person_lifts_what_is_permanent(store: Store) -> None:
    holds = StoredHolds(store, FakeClock(NOW))
    await holds.hold(Scope.chat(TARGET), NOW + 60, "first")
    await holds.hold(Scope.chat(TARGET), NOW + 5, "second")
    found = (await holds.look()).of(Scope.chat(TARGET), NOW)
    assert found is not None
    assert (found.until, found.reason) == (NOW + 60, "second")
    await holds.hold_account(HoldAccount(until=NOW + 60, reason="PEER_FLOOD"))
    await holds.lift_frozen()
    assert holds.seen.on_account(NOW) is not None
    await holds.hold_account(HoldAccount(until=math.inf, reason="FROZEN"))
    assert (holds.seen.is_frozen, holds.seen.strikes) == (True, 2)
    await holds.lift_frozen()
    assert holds.seen.on_account(NOW) is None


async def test_the_reader_is_known_by_its_last_login(store: Store) -> None:
    async def reader() -> int | None:
        query = "SELECT id FROM account WHERE number = 1"
        return await store.run(lambda db: db.execute(query).fetchone()["id"])

    assert await reader() is None
    for account in (77, 77, 78):
        await store.note_account(READER, account)
        assert await reader() == account


# -- nobody else -----------------------------------------------------------------------------------------

#: Who writes and reads scopes; the owner, who compares their ends with a time.
WRITERS = {"domain/holds.py"}
JUDGES = {"domain/holds.py", "limits/holds.py"}
BEGINNINGS = ("account:", "method:", "chat:", "mirror:", "login:", "messages.send", "upload.")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            yield node


def begins(node: ast.AST) -> bool:
    """Whether this is a text that begins as a scope does."""
    text = node.value if isinstance(node, ast.Constant) else ""
    return isinstance(text, str) and text.startswith(BEGINNINGS)


def end_of_hold(node: ast.AST) -> bool:
    """`hold.until` or `hold["until"]`, whatever the name is that the hold goes by."""
    if isinstance(node, ast.Attribute):
        return node.attr == "until" and "hold" in ast.unparse(node.value)
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.slice) in ("'until'", "'hold_until'")
    return False


def test_nobody_else_builds_or_takes_apart_a_scope() -> None:
    found = []
    for name, tree in modules():
        if name in WRITERS:
            continue
        texts = (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
        built = [text for text in texts if begins(text.values[0])]
        taken = [
            call
            for call in calls(tree, "startswith", "removeprefix", "partition", "split")
            if any(begins(arg) for arg in call.args) or "scope" in ast.unparse(call.func)
        ]
        found += [f"{name}:{node.lineno}" for node in [*built, *taken]]
    assert found == []


def test_nobody_else_judges_when_a_wait_ends() -> None:
    """Neither by comparing its end with a time, nor by knowing how the ledger keeps one without end."""
    found = []
    for name, tree in modules():
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if "FOREVER" in names and name not in JUDGES | {"ledger/limits.py", "web/routes.py"}:
            found.append(f"{name}: FOREVER")
        for node in ast.walk(tree) if name not in JUDGES else ():
            if isinstance(node, ast.Compare) and any(end_of_hold(side) for side in ast.walk(node)):
                found.append(f"{name}:{node.lineno}")
    assert found == []
    assert "FOREVER" not in (ROOT / "web" / "page.html").read_text()
