"""`/healthz` beside the whole daemon: what Telegram does to the account, and a service that stands still."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.behaviour.test_login_unknown import HOW, learnt, refuse
from tests.harness import House
from tests.telegram.faults import Fault
from tgstreamd.domain import log_in
from tgstreamd.domain.errors import NotAuthorised, TelegramError
from tgstreamd.web.health import illness
from tgstreamd.web.prometheus import render
from tgstreamd.web.reading import Meter, Reading
from tgstreamd.web.routes import _is_own_host, answers
from tgstreamd.web.server import listening

from .test_listener import get


def meter_of(house: House, **options: Any) -> Meter:
    """A meter as the process would make it."""
    daemon = house.daemon
    daemon.state = "running"
    ledger = daemon.config.paths.ledger
    meter = Meter(ledger, lambda: daemon.desk.answer({"verb": "status"}), house.clock, **options)
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


@pytest.mark.parametrize("how", HOW)
async def test_a_login_that_telegram_does_not_know(tmp_path: Path, how: str) -> None:
    """Over HTTP: 503 with what there is to do for as long as it lasts, whatever the line does, then 200."""
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        await house.start()
        meter = meter_of(house)
        app = answers(meter, page=True, hosts=())
        async with listening(("127.0.0.1", 0), app) as (_, port):

            async def healthz() -> tuple[int, dict[str, Any]]:
                house.clock.advance(2.0)
                status, _, body = await get(port, "/healthz")
                return status, json.loads(body)

            assert (await healthz())[0] == 200
            fault = refuse(house, how)
            with contextlib.suppress(TelegramError):
                await house.daemon.connection.account()
            await learnt(house)
            for _ in range(2):
                status, said = await healthz()
                assert (status, said["healthy"], said["connected"]) == (503, False, False)
                assert said["reason"].startswith("Telegram does not know this login, tried until 2023-")
                assert "for a new login stop tgstreamd, then: tgstreamd login" in said["reason"]
                shown = json.loads((await get(port, "/status.json"))[2])
                assert shown["illness"] == said["reason"]
                assert b"tgstreamd_healthy 0.0" in (await get(port, "/metrics"))[2]
                # The line breaks as well: that does not make the login known.
                house.tg.faults.remove(fault)
                fault = house.tg.faults.add(Fault(None, "cut", times=None, account=house.me.id))
                while not fault.hits:
                    await house.real_moment()
            house.tg.faults.remove(fault)
            await learnt(house, known=True)
            status, said = await healthz()
            assert (status, said["reason"], said["connected"]) == (200, "", True)


async def test_what_to_do_works_where_a_variable_gives_the_login(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        house.mirror(house.supergroup("Source"), house.own_supergroup("Target"))
        await house.start()
        meter = meter_of(
            house, remedy=lambda hint: log_in.remedy(hint, by_variable=True, option=" --config x")
        )
        house.tg.revoke(house.me)
        with pytest.raises(NotAuthorised):
            await house.daemon.connection.account()
        assert illness(await seen(house, meter)).endswith(
            "this login was ended from another device (SESSION_REVOKED) (put the string of a new session "
            "into TG_SESSION, or take TG_SESSION away and: tgstreamd login --config x)"
        )


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
    if _is_own_host(name + end, frozenset({"monitor.example"})):
        # An address, which nobody can make point elsewhere.
        assert set((name + end).lower()) <= set("0123456789abcdef.:[]")
