"""What of the real program can be seen from outside has no secret in it, and nothing that a terminal obeys.

Everything it says at its most talkative, its status, its command line, its limits; through a proxy with a
password, which then refuses, and with people in the source who name things as an attacker would.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from tests.contract.conftest import API_HASH
from tests.contract.test_proxy import Socks5
from tests.fakes import HANG
from tests.process.program import Home, mirror
from tests.running import until
from tests.telegram.server import TelegramServer
from tests.telegram.world.chats import Chat
from tests.telegram.world.peers import Account
from tgstreamd.telegram.session import StoredSession

PASSWORD = "s3same-open"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\r../../etc/passwd\u202eexe"


def spellings(key: bytes) -> list[str]:
    """As a key may find its way into a text."""
    return [
        key.hex(),
        key[:32].hex(),
        base64.b64encode(key).decode()[8:60],
        base64.urlsafe_b64encode(key).decode()[8:60],
        repr(key)[2:40],
        str(int.from_bytes(key, "big")),
    ]


@pytest.fixture
def hostile(tg: TelegramServer, other: Account, source: Chat) -> None:
    make = tg.world.media
    source.title = f"Source {HOSTILE}"
    other.first_name = f"Otto {HOSTILE}"
    tg.world.chats.post(source, other, f"text {HOSTILE}")
    tg.world.chats.post(source, other, "", media=make.document(900, name=HOSTILE))
    tg.world.chats.post(source, other, "", media=make.document(2_000_000, name=f"{HOSTILE}.bin", dc_id=4))


@pytest.mark.usefixtures("hostile")
async def test_no_secret_is_seen_from_outside(
    home: Home, tg: TelegramServer, me: Account, source: Chat, target: Chat
) -> None:
    proxy = Socks5("mia", PASSWORD)
    line = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = line.sockets[0].getsockname()[1]
    home.write(
        mirror(source.marked_id, target.marked_id, more='attribution = "author"'),
        more='[pace]\ninterval = 0.0\naccount_interval = 0.0\n[log]\nlevel = "debug"\nformat = "console"',
        telegram=f'proxy = "socks5://mia:{PASSWORD}@127.0.0.1:{port}"',
    )
    home.file.chmod(0o600)
    home.log_in(me)
    seen: list[str] = []

    async def copied() -> bool | None:
        return len(target.box.ids) > 3 or None

    async with home.daemon() as daemon:
        await until(copied, within=HANG)
        of = Path(f"/proc/{daemon.pid}")
        seen.append((of / "cmdline").read_text())
        assert "Max core file size        0 " in (of / "limits").read_text()
        # Now the proxy knows us no more.
        proxy._credentials = b"nobody", b"nothing"
        tg.cut(me)
        await asyncio.sleep(2.0)
        for verb in (["status", "--json"], ["parked"]):
            done = await home.tgstreamd(*verb)
            seen.append(done.out + done.err)
        daemon.terminate()
    seen.append(home.log)
    line.close()
    assert proxy.ports, "nothing went through the proxy"
    assert "message copied" in home.log
    everything = "\n".join(seen)
    session = StoredSession.load(home.state / "session")
    for secret in (
        API_HASH,
        PASSWORD,
        *spellings(session.auth_key.key),
        *map(bytes.hex, session.keys.values()),
    ):
        assert secret not in everything
    assert "\x1b" not in everything
    assert "\x07" not in everything
    assert "\u202e" not in everything
    # And no name has chosen a place: what lies there is ours.
    names = {path.name for path in home.folder.rglob("*")}
    assert names <= {"config.toml", "server.pem", "state", "ledger.db", "ledger.db-wal", "ledger.db-shm",
                     "session", "lock"}, names  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("broken", ['api_hash = "{secret}', 'api_hash = "{secret}" x', "api_hash = {secret}"])
async def test_a_configuration_that_cannot_be_read_is_not_quoted(tmp_path: Path, broken: str) -> None:
    """Nor is it in the traceback of anything."""
    home = Home(tmp_path)
    home.file.write_text(f"[telegram]\napi_id = 1\n{broken.format(secret=API_HASH)}\n")
    home.file.chmod(0o600)
    refused = await home.tgstreamd("run")
    assert refused.status == 78
    assert API_HASH not in refused.err
