"""Telegram does not know the login for some minutes: everything is held, told once, and goes on by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes import HANG
from tests.harness import House
from tests.logged import Logs
from tests.telegram.faults import Fault
from tgstreamd.alerts.service import AlertService
from tgstreamd.domain.errors import NotAuthorised

from .test_alerts import Mailbox, listening, watch

SEND = "messages.sendMessage"
HOW: dict[str, Fault] = {
    "401": Fault(None, code=401, message="AUTH_KEY_UNREGISTERED", times=None),
    "-404": Fault(None, "refuse", code=-404, times=None),
}


def refuse(house: House, how: str = "401") -> Fault:
    fault = HOW[how]
    return house.tg.faults.add(
        Fault(None, fault.action, code=fault.code, message=fault.message, times=None, account=house.me.id)
    )


async def learnt(house: House, known: bool = False) -> None:
    """Wait until the daemon's connection has learnt that the login is unknown, or is known again."""
    async with asyncio.timeout(HANG):
        while (house.daemon.connection.unknown_login is None) is not known:
            await house.real_moment()


async def at_work(house: House) -> None:
    """What the services do meanwhile, as far as it may end the process or lose something."""
    await house._moving(house.daemon.capture.step())
    await house._moving(house.daemon.sender.step())
    await house._moving(house.daemon.second.step())


@pytest.mark.parametrize("how", HOW)
async def test_nothing_is_lost_and_nothing_sent_twice(tmp_path: Path, how: str) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        house.post(source, "before")
        await house.run()
        house.post(source, "answered by a refusal")
        house.post(source, "with a file", media=house.world.media.document(size=600_000, dc_id=4))
        await house.read()
        # This one is carried out, and its answer is lost in the moment in which the login is.
        house.tg.faults.add(Fault(SEND, "apply-cut"))
        fault = refuse(house, how)
        house.clock.advance(10)
        await at_work(house)
        await learnt(house)
        for n in range(3):
            house.post(source, f"meanwhile {n}")
            house.clock.advance(120)
            await at_work(house)
        status = await house.status()
        assert status["note"].startswith("Telegram does not know this login, tried until 2023-")
        assert [hold["scope"] for hold in status["holds"]] == ["login"]
        assert status["mirrors"][0]["paused"] == ""
        house.tg.faults.remove(fault)
        await learnt(house, known=True)
        await house.run()
        meanwhile = [f"meanwhile {n}" for n in range(3)]
        assert house.texts(target) == ["before", "answered by a refusal", "with a file", *meanwhile]
        status = await house.status()
        assert (status["note"], status["holds"]) == ("", [])
        assert [state for number, state, _ in await house.jobs() if number > 1] == ["done"] * 6


async def test_it_ends_the_daemon_after_a_quarter_of_an_hour(tmp_path: Path) -> None:
    """And a start goes on with that time, as does one that begins with it."""
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        await house.start()
        house.post(source, "late")
        refuse(house)
        await at_work(house)
        await learnt(house)
        house.clock.advance(890)
        await at_work(house)
        assert "tried until" in await house.daemon.status_line()
        await house.stop()
        house.clock.advance(20)
        with pytest.raises(NotAuthorised, match="has not known this login since"):
            await house.start()
        house.tg.faults.clear()
        await house.start()
        await house.run()
        assert house.texts(target) == ["late"]


async def test_it_is_told_once_and_once_when_it_is_well_again(tmp_path: Path, logs: Logs) -> None:
    """By the command, over a restart, and not at each try; what follows from it is not told on top."""
    mailbox = Mailbox(tmp_path)
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        listening(house, mailbox, lag=300)
        await house.start()
        await house.run()
        await watch(house, 300)
        fault = refuse(house)
        house.post(source, "late")
        await at_work(house)
        await learnt(house)
        await watch(house, 800, every=30)
        [alert] = mailbox.all
        assert (alert["event"], alert["kind"]) == ("alert", "login unknown")
        assert "does not know this login, tried until" in alert["what"]
        assert "tgstreamd login" in alert["hint"]
        assert len(logs.of("alert")) == 1
        house.tg.faults.remove(fault)
        await learnt(house, known=True)
        await house.run()
        await house.restart()
        await house.run()
        await watch(house, 900, every=30)
        assert mailbox.short == ["alert login unknown", "recovered login unknown"]


async def test_it_is_told_at_a_start_too(tmp_path: Path) -> None:
    """Before anything else is known: what was told of the mirrors stays as it was."""
    mailbox = Mailbox(tmp_path)
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        listening(house, mailbox)
        await house.start()
        await house.run()
        house.world.chats.ban(source, house.me)
        await house.run()
        await watch(house, 120)
        assert mailbox.short == ["alert access lost"]
        store, alerts = house.store, house.config().alerts
        for _ in range(2):
            starting = AlertService(alerts, store, house.clock, directory=tmp_path)
            for sentence in (None, "unknown", "unknown", "", None):
                await starting.step_starting(sentence)
                house.clock.advance(60)
        assert mailbox.short == ["alert access lost", "alert login unknown"]
        await house.restart()
        await watch(house, 900)
        assert mailbox.short[2:] == ["recovered login unknown"]
