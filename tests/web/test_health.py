"""`/healthz` beside the whole daemon: what Telegram does to the account, and a service that stands still."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.harness import House
from tgstreamd.domain.errors import NotAuthorised
from tgstreamd.web.health import illness
from tgstreamd.web.prometheus import render
from tgstreamd.web.reading import Meter, Reading
from tgstreamd.web.routes import _ours


def meter_of(house: House) -> Meter:
    """A meter as the process would make it."""
    daemon = house.daemon
    daemon.state = "running"
    ledger = daemon.config.paths.ledger
    meter = Meter(ledger, lambda: daemon.desk.answer({"verb": "status"}), house.clock)
    meter.hand_over(daemon.connection, daemon.watchdog.overdue)
    return meter


async def seen(house: House, meter: Meter) -> Reading:
    house.clock.advance(2.0)
    return await meter.read()


async def test_a_healthy_daemon_and_one_whose_account_is_frozen(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.mirror(source, target)
        house.post(source, "hello")
        await house.start()
        await house.run()
        meter = meter_of(house)
        reading = await seen(house, meter)
        assert illness(reading) == ""
        assert reading.connected
        assert reading.requests["messages.sendMessage", "ok"] == 1
        assert reading.ledger_bytes > 4096
        assert reading.answered_at > 0
        house.me.frozen = True
        house.post(source, "to nobody")
        await house.run(600)
        reading = await seen(house, meter)
        assert illness(reading).startswith("the account is frozen, a person must appeal in the app: ")
        assert reading.requests["messages.sendMessage", "limited"] == 1
        assert b'tgstreamd_hold_seconds{scope="account"} 2' in render(reading, "")[0]


async def test_a_login_that_was_ended_elsewhere(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        await house.start()
        meter = meter_of(house)
        assert illness(await seen(house, meter)) == ""
        house.tg.revoke(house.me)
        with pytest.raises(NotAuthorised):
            await house.daemon.connection.account()
        assert "tgstreamd login" in illness(await seen(house, meter))


async def test_a_service_that_does_not_keep_its_word(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        await house.start()
        meter = meter_of(house)
        beat = house.daemon.watchdog.beat("send")
        assert illness(await seen(house, meter)) == ""
        house.clock.advance(61)
        assert illness(await seen(house, meter)) == "services are overdue: send"
        beat(30)
        assert illness(await seen(house, meter)) == ""


@settings(max_examples=50)
@example("[::1%evil.example]", ":9187")
@example("::1%evil.example", "")
@given(
    st.text(st.characters(codec="latin-1"), max_size=40), st.sampled_from(("", ":9187", ".", "@evil.example"))
)
def test_no_name_but_ours_is_answered(name: str, end: str) -> None:
    if _ours(name + end, frozenset({"monitor.example"})):
        # An address, which nobody can make point elsewhere.
        assert set((name + end).lower()) <= set("0123456789abcdef.:[]")
