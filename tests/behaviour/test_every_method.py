"""Whatever method Telegram refuses for a while, and however long: nothing lost, nothing twice, nothing early.

The methods are not a list of ours: they are those that a mixed world makes the daemon use.
`make proofs` floods each of them by itself, from a second to a day.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.kinds import KINDS
from tests.chaos.verdict import judge
from tests.chaos.weather import Weather
from tests.fakes import HANG
from tests.harness import House
from tests.telegram.faults import Fault

#: What the world below uses; kept by the first test.
METHODS = (
    "auth.exportAuthorization", "channels.deleteMessages",
    "channels.getFullChannel", "channels.getMessages", "help.getAppConfig", "help.getConfig",
    "messages.createForumTopic", "messages.editMessage", "messages.getHistory", "messages.search",
    "messages.sendMedia", "messages.sendMessage", "messages.sendMultiMedia",
    "messages.updatePinnedMessage", "messages.uploadMedia", "updates.getChannelDifference",
    "upload.getFile", "upload.saveBigFilePart", "upload.saveFilePart", "users.getUsers",
)  # fmt: skip
#: Sent by the connection itself and answered by nobody, or before anybody is there.
WIRE = ("ping", "msgs_ack", "pingDelayDisconnect", "invokeWithLayer", "initConnection")
SECONDS = (1, 30, 600, 3600, 86400)
FOUR = {
    "FLOOD_PREMIUM_WAIT": (420, "FLOOD_PREMIUM_WAIT_7"),
    "500": (500, "INTERNAL_SERVER_ERROR"),
    "503": (503, "TIMEOUT"),
    "call fail": (500, "RPC_CALL_FAIL"),
}


async def live(folder: Path, faults: Sequence[Fault]) -> set[str]:
    """A mixed world from its first start to its calm end; the methods that were used in it."""
    async with asyncio.timeout(HANG), House(folder) as house:
        weather = Weather(house, random.Random(3), KINDS["forum"])
        house.mirror(weather.source, weather.target, deletes="mirror", order="source")
        for _ in range(12):
            weather.turn()
        weather.big_file()
        # The connection's own first calls are for `test_accounts`: their waits are by the real clock.
        await house.start()
        for fault in faults:
            fault.account = house.me.id
            house.tg.faults.add(fault)
        for _ in range(12):
            await house.read()
            house.world.files.expire_references()
            await house.run(30)
            weather.turn()
            weather.turn()
        await house.run(7 * 86400)
        # What was held for hours is due; what was tried in vain is tried again.
        house.clock.advance(86400)
        for _ in range(2):
            await house.ask_again()
            await house.run(7 * 86400)
        verdict = judge(weather)
        assert not verdict, verdict.lines()
        status = (await house.status())["mirrors"][0]
        assert (status["paused"], status["parked"], status["backlog"], status["changes"]) == ("", 0, 0, 0)
        # What was asked in the moment of the refusal was under way.
        assert [method for _, method, left in house.tg.faults.violations if left not in SECONDS] == []
        return {
            method
            for method in house.tg.log.counts
            if house.tg.log.count(method, account_id=house.me.id) or method.startswith("upload")
        }


async def test_the_world_uses_every_method(tmp_path: Path) -> None:
    """And one that this file does not know would be found here."""
    used = {method for method in await live(tmp_path, ()) if method not in WIRE}
    assert used >= set(METHODS), sorted(set(METHODS) - used)
    print("used besides:", *sorted(used - set(METHODS)))


async def test_a_flood_on_every_method_at_once(tmp_path: Path) -> None:
    """From a second to a day."""
    await live(
        tmp_path,
        [Fault(method, "flood", seconds=SECONDS[n % len(SECONDS)]) for n, method in enumerate(METHODS)],
    )


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == "503" else pytest.mark.slow) for kind in FOUR]
)
async def test_every_method_fails_once(tmp_path: Path, kind: str) -> None:
    """As the server does when it is ill, or when it slows down those who do not pay."""
    code, message = FOUR[kind]
    await live(tmp_path, [Fault(method, code=code, message=message, skip=1) for method in METHODS])


@pytest.mark.slow
@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("method", METHODS)
async def test_a_flood_on_each_method(tmp_path: Path, method: str, seconds: int) -> None:
    await live(tmp_path, [Fault(method, "flood", seconds=seconds, skip=skip) for skip in (0, 2)])


@pytest.mark.parametrize("fault", [Fault(code=500, message="INTERNAL"), Fault(action="flood", seconds=7200)])
async def test_the_first_question_after_connecting_may_fail(tmp_path: Path, fault: Fault) -> None:
    """Who we are is asked once more when the connection stands: the start waits, and says so."""
    async with asyncio.timeout(HANG), House(tmp_path) as house:
        source, target = house.supergroup("Source"), house.own_supergroup("Target")
        house.post(source, "old")
        house.mirror(source, target)
        house.tg.faults.add(
            Fault("users.getUsers", fault.action, fault.code, fault.message, fault.seconds, skip=1)
        )
        await house.start()
        assert house.waits
        await house.run()
        assert house.texts(target) == ["old"]
