"""The real program with `[metrics]`: from its first second, with a port that is taken, and without it all."""

from __future__ import annotations

import asyncio
import socket
import sys

from tests.fakes import HANG
from tests.process.program import Home, mirror
from tests.process.test_verbs import QUICK
from tests.telegram.faults import Fault
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account

from .health import healthz
from .test_listener import get


async def test_from_the_first_second_to_the_last(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat, port: int
) -> None:
    metrics = f'[metrics]\nlisten = "127.0.0.1:{port}"'
    home.write(mirror(source.marked_id, target.marked_id), more=f"{QUICK}\n{metrics}")
    home.log_in(me)
    await tg.stop()
    process = await home.start("run")
    try:
        # It tells what it waits for before there is a connection at all.
        why = await healthz(port, lambda status, reason: status == 503 and "refused" in reason)
        assert why.startswith("starting: connection: the connection was refused")
        taken = await home.start("run", "--config", str(another(home, port)))
        _, err = await taken.communicate()
        assert (taken.returncode, err.decode().count("\n")) == (1, 1)
        assert f"metrics.listen: cannot listen at 127.0.0.1:{port}: another program does" in err.decode()
        await tg.start()
        await healthz(port, lambda status, reason: status == 200 and not reason)
        body = (await get(port, "/metrics"))[2].decode()
        assert "tgstreamd_connected 1.0" in body
        assert 'tgstreamd_requests_total{method="channels.getFullChannel",outcome="ok"}' in body
    finally:
        process.terminate()
        async with asyncio.timeout(HANG):
            await process.communicate()
    assert process.returncode == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_a_login_that_is_unknown_at_the_start_and_then_over(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat, port: int
) -> None:
    """503 with what there is to do, 200 once Telegram knows it; who ended answers nobody."""
    metrics = f'[metrics]\nlisten = "127.0.0.1:{port}"'
    home.write(mirror(source.marked_id, target.marked_id), more=f"{QUICK}\n{metrics}")
    home.log_in(me)
    fault = tg.faults.add(Fault(None, code=401, message="AUTH_KEY_UNREGISTERED", times=None, account=me.id))
    process = await home.start("run")
    try:
        why = await healthz(port, lambda status, reason: status == 503 and "does not know" in reason)
        assert why.startswith("starting: Telegram does not know this login, tried until ")
        assert f"for a new login stop tgstreamd, then: tgstreamd login --config {home.file}" in why
        tg.faults.remove(fault)
        await healthz(port, lambda status, reason: status == 200 and not reason)
        tg.revoke(me, error="SESSION_REVOKED")
        async with asyncio.timeout(HANG):
            _, err = await process.communicate()
        assert process.returncode == 77
        assert err.decode().rstrip().endswith(f"(tgstreamd login --config {home.file})")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def another(home: Home, port: int) -> object:
    """A second installation that wants the same port."""
    folder = home.folder / "another"
    folder.mkdir()
    other = Home(folder, home.tg)
    other.write(mirror(-1001, -1002), more=f'[metrics]\nlisten = "127.0.0.1:{port}"')
    return other.file


async def test_nothing_of_it_is_loaded_unless_it_is_configured() -> None:
    code = (
        "import sys, tgstreamd.__main__, tgstreamd.cli.run, tgstreamd.app.process; "
        "print(sorted({'starlette', 'uvicorn', 'h11', 'anyio', 'prometheus_client', 'tgstreamd.web.reading', "
        "'rich', 'aiohttp', 'prompt_toolkit'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out.decode().strip() == "[]"
