"""What Telegram does to an account or to one of its chats: one lost chat stops no other, nothing restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.harness import House
from tests.logged import Logs
from tests.telegram.faults import Fault
from tests.telegram.world.chats import Chat

SEND = "messages.sendMessage"
Loss = Callable[[House, Chat], None]


async def states(house: House) -> dict[str, str]:
    """Why each mirror does not run, by name; empty where it does."""
    return {mirror["name"]: mirror["paused"] for mirror in (await house.status())["mirrors"]}


def four(house: House) -> list[tuple[Chat, Chat]]:
    """Four mirrors, each with one old post."""
    pairs = []
    for n in range(4):
        source = house.supergroup(f"Source {n}")
        target = house.world.chats.add_supergroup(f"Target {n}", house.other, [house.me])
        house.post(source, "old")
        house.mirror(source, target, name=f"m{n}")
        pairs.append((source, target))
    return pairs


def let_back_in(house: House, chat: Chat) -> None:
    house.world.chats.unban(chat, house.me)
    house.world.chats.join(chat, house.me)


SOURCES_LOST: dict[str, tuple[Loss, Loss]] = {
    "banned": (
        lambda house, chat: house.world.chats.ban(chat, house.me),
        let_back_in,
    ),
    "removed": (
        lambda house, chat: house.world.chats.kick(chat, house.me),
        lambda house, chat: house.world.chats.join(chat, house.me),
    ),
    "protected": (
        lambda house, chat: house.world.chats.set_noforwards(chat, True),
        lambda house, chat: house.world.chats.set_noforwards(chat, False),
    ),
}


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("how", SOURCES_LOST)
async def test_one_lost_source_among_four(tmp_path: Path, how: str, restart: bool) -> None:
    """Its mirror pauses with the reason, the others go on; readmitted, it goes on where it stopped."""
    lose, give_back = SOURCES_LOST[how]
    async with House(tmp_path) as house:
        pairs = four(house)
        await house.start()
        await house.run()
        lost, its_target = pairs[1]
        lose(house, lost)
        if restart:
            await house.restart()
        for source, _ in pairs:
            house.post(source, "new")
        await house.run()
        why = await states(house)
        assert [name for name, reason in why.items() if reason] == ["m1"]
        assert why["m1"].startswith("source")
        for source, target in pairs:
            assert house.texts(target) == (["old"] if source is lost else ["old", "new"])
        if restart:
            await house.restart()
            await house.run()
            assert [name for name, reason in (await states(house)).items() if reason] == ["m1"]
        give_back(house, lost)
        house.clock.advance(600)
        await house.ask_again()
        await house.run()
        assert set((await states(house)).values()) == {""}
        assert house.texts(its_target) == ["old", "new"]


async def test_a_readmitted_source_is_read_at_once(tmp_path: Path) -> None:
    """The ten minutes after which a lost source is asked again end with its readmission."""
    async with House(tmp_path) as house:
        pairs = four(house)
        await house.start()
        await house.run()
        lost, its_target = pairs[1]
        house.world.chats.kick(lost, house.me)
        house.post(lost, "new")
        await house.run(60)
        assert (await states(house))["m1"].startswith("source")
        house.world.chats.join(lost, house.me)
        await house.ask_again()
        await house.run(60)
        assert house.texts(its_target) == ["old", "new"]


TARGETS_LOST: dict[str, tuple[Loss, Loss]] = {
    "banned": SOURCES_LOST["banned"],
    "restricted": (
        lambda house, chat: house.world.chats.restrict(chat, house.me, "send_messages", "send_plain"),
        lambda house, chat: house.world.chats.restrict(chat, house.me),
    ),
}


@pytest.mark.parametrize("how", TARGETS_LOST)
async def test_one_lost_target_among_four(tmp_path: Path, how: str) -> None:
    """Nothing is parked for it: what came meanwhile goes out when it can be written to again."""
    lose, give_back = TARGETS_LOST[how]
    async with House(tmp_path) as house:
        pairs = four(house)
        await house.start()
        await house.run()
        _, lost = pairs[2]
        lose(house, lost)
        for source, _ in pairs:
            for n in range(3):
                house.post(source, f"new {n}")
        await house.run()
        await house.restart()
        await house.run()
        assert [name for name, reason in (await states(house)).items() if reason] == ["m2"]
        assert (await house.verb("parked"))["parked"] == []
        give_back(house, lost)
        await house.ask_again()
        await house.run()
        for _, target in pairs:
            assert house.texts(target) == ["old", "new 0", "new 1", "new 2"]


async def test_a_lost_chat_at_the_first_start_is_told_and_waited_for(tmp_path: Path) -> None:
    """A mirror that cannot be born stands in the status with its reason; the others begin."""
    async with House(tmp_path) as house:
        pairs = four(house)
        lost, its_target = pairs[3]
        house.world.chats.kick(lost, house.me)
        await house.start()
        await house.run()
        status = await house.status()
        assert "m3" in str(status)
        assert all(house.texts(target) == ["old"] for source, target in pairs if source is not lost)
        house.world.chats.join(lost, house.me)
        await house.hear()
        await house.ask_again()
        await house.run()
        assert house.texts(its_target) == ["old"]


async def test_a_limited_account_waits_longer_each_time(tmp_path: Path, logs: Logs) -> None:
    """PEER_FLOOD: an hour, six hours, a day; kept across restarts; said loudly; no message is lost."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.me.spam_limited = True
        house.post(source, "patient")
        for expected in (3600, 6 * 3600, 24 * 3600, 24 * 3600):
            tries = house.tg.log.count(SEND)
            begun = house.clock.now()
            await house.run(until=lambda tries=tries: house.tg.log.count(SEND) > tries)  # type: ignore[misc]  # bound per round
            hold = (await house.status())["mirrors"][0]["hold_until"]
            assert abs(hold - house.clock.now() - expected) <= 1
            assert house.clock.now() >= begun
            await house.restart()
        assert any(e["log_level"] == "critical" and "limited" in e["event"] for e in logs)
        house.me.spam_limited = False
        await house.run()
        assert house.texts(target) == ["patient"]
        assert (await house.status())["mirrors"][0]["hold_until"] is None


async def test_a_frozen_account_stays_up_and_asks_nothing(tmp_path: Path, logs: Logs) -> None:
    """It says that a person must appeal, sends nothing more, and a start after the appeal goes on."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        await house.run()
        house.me.frozen = True
        house.post(source, "after the appeal", media=house.world.media.photo())
        house.post(source, "and this")
        await house.run(48 * 3600)
        assert any(e["log_level"] == "critical" and "appeal" in e["event"] for e in logs)
        sent = house.tg.log.counts.copy()
        await house.run(48 * 3600)
        for method in (SEND, "messages.sendMedia", "upload.saveFilePart"):
            assert house.tg.log.counts[method] == sent[method]
        assert (await house.status())["mirrors"][0]["hold_reason"]
        house.me.frozen = False
        await house.restart()
        await house.run()
        assert house.texts(target) == ["after the appeal", "and this"]


async def test_a_frozen_account_that_may_not_read_stays_up_too(tmp_path: Path) -> None:
    """Reading is refused as well, from the first call of a start on."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        for method in ("updates.getChannelDifference", "messages.getHistory"):
            house.tg.faults.add(Fault(method, code=420, message="FROZEN_METHOD_INVALID", times=None))
        await house.start()
        await house.run(3600)
        assert house.texts(target) == []
        house.tg.faults.clear()
        await house.restart()
        await house.run()
        assert house.texts(target) == ["old"]


@pytest.mark.parametrize("method", ["channels.getFullChannel", "messages.getHistory"])
async def test_a_start_in_a_flood_of_hours_waits_and_says_so(tmp_path: Path, method: str) -> None:
    """Not before READY, and not by restarting: each wait is told at least every thirty seconds."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        house.tg.faults.add(Fault(method, "flood", seconds=3 * 3600))
        begun = house.clock.now()
        await house.start()
        await house.run()
        assert house.texts(target) == ["old"]
        assert house.clock.now() - begun >= 3 * 3600
        assert house.tg.faults.violations == []
        if house.waits:
            gaps = [before - after for (before, _), (after, _) in pairwise(house.waits)]
            assert max(gaps) <= 30
            assert "wait" in house.waits[0][1]


async def test_a_flood_of_the_questions_binds_who_comes_after(tmp_path: Path) -> None:
    """It is kept in the ledger: neither the next round nor a restart asks before it ends."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        house.world.chats.ban(source, house.me)
        await house.run(60)
        assert (await house.status())["mirrors"][0]["paused"]
        house.world.chats.unban(source, house.me)
        house.world.chats.join(source, house.me)
        house.post(source, "since")
        house.tg.faults.add(Fault("channels.getFullChannel", "flood", seconds=3600))
        await house.ask_again()
        house.clock.advance(700)
        await house.ask_again()
        await house.restart()
        await house.run()
        assert house.texts(target) == ["since"]
        assert house.tg.faults.violations == []


async def test_a_start_without_a_network_waits_for_it(tmp_path: Path) -> None:
    """Connecting is tried again and again, each wait is told; then it begins as if nothing had been."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        await house.tg.stop()
        starting = asyncio.ensure_future(house.start(patiently=True))
        while len(house.waits) < 2:
            assert not starting.done()
            await house.real_moment()
        await house.tg.start()
        await starting
        await house.run()
        assert house.texts(target) == ["old"]


@pytest.mark.parametrize(
    ("code", "name", "longest"),
    [(400, "NEVER_HEARD_OF", 600), (500, "RPC_CALL_FAIL", 60), (420, "FLOOD_WAIT_90", 90)],
)
async def test_a_start_asks_who_it_is_with_growing_waits(
    tmp_path: Path, code: int, name: str, longest: int
) -> None:
    """However long it is refused; each wait is told before systemd could take it for a hang."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        # The first is the connection's own, by which it is known to stand.
        question = Fault("users.getUsers", code=code, message=name, skip=1, times=12)
        house.tg.faults.add(question)
        begun = house.clock.monotonic()
        await house.start()
        waits = [seconds for seconds, why in house.waits if "waiting to learn who this account is" in why]
        assert len(waits) >= 12
        assert round(max(waits)) == longest
        assert house.clock.monotonic() - begun <= 25 * len(house.waits)
        await house.run()
        assert house.texts(target) == ["old"]
