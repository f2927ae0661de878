"""The login of the running daemon ends from outside: it ends with 77 and the reason, and is not restarted.

In real time, since the daemon is idle: it is the keep-alive that learns of it. `test_trouble` has the same by
the clock that tests move.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.network.place import Daemon, Place, Relay
from tests.running import until

#: Seconds in which an idle daemon notices.
NOTICED = 30


async def ended(daemon: Daemon, since: float) -> float:
    async def over() -> bool | None:
        return None if daemon.running else True

    await until(over, within=NOTICED + 10)
    assert daemon.exit_status == 77
    return time.monotonic() - since


@pytest.mark.slow
@pytest.mark.parametrize("error", ["SESSION_REVOKED", "AUTH_KEY_UNREGISTERED", "USER_DEACTIVATED"])
async def test_a_session_ended_from_another_device(tmp_path: Path, error: str) -> None:
    async with Place(tmp_path, count=3) as place:
        await place.equal(30)
        await place.pause(time.monotonic() + 3)
        began = time.monotonic()
        await place.tg.control("revoke", account=place.tg.found["account"], error=error)
        took = await ended(place.daemon, began)
        print(f"{error}: noticed after {took:.1f} s: {place.daemon.log[-1]}")
        assert took <= NOTICED
        assert "tgstreamd login" in place.daemon.log[-1]


@pytest.mark.slow
async def test_a_second_instance_with_the_same_session(tmp_path: Path) -> None:
    """A copy of the session on another machine: Telegram ends the login, and both say why."""
    async with Place(tmp_path, count=3) as place, Relay(place.ports, host="127.0.0.5") as other_way:
        await place.equal(30)
        await place.tg.control("one_address")
        place.tg.address = tuple(other_way.addresses[0])
        second = Daemon(tmp_path / "second", place.tg, pace={"interval": 0.1})
        await second.prepare()
        shutil.copy(place.daemon.state / "session", second.state / "session")
        began = time.monotonic()
        await second.start()
        try:
            took = [await ended(daemon, began) for daemon in (place.daemon, second)]
        finally:
            if second.running:
                await second.stop()
        print(f"both ended after {max(took):.1f} s: {second.log[-1]}")
        for daemon in (place.daemon, second):
            assert "used from two places at once" in daemon.log[-1]
            assert "stop the other program" in daemon.log[-1]
