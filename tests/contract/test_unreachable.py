"""Why Telegram cannot be reached: each reason said as what it is, with a remedy that is true for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.telegram.mtproto.rsakey import ServerKey
from tests.telegram.server import TelegramServer
from tests.telegram.world.peers import Account
from tgstreamd.domain.errors import Transient
from tgstreamd.telegram.login import begin
from tgstreamd.telegram.network_trouble import reason, unreachable
from tgstreamd.telegram.settings import Server, Settings

from .conftest import API_HASH, API_ID, settings_for
from .test_proxy import socks5


async def said(settings: Settings) -> str:
    """What a login says that does not even begin."""
    with pytest.raises(Transient) as error:
        async with begin(settings):
            raise AssertionError("it was reached")
    line = error.value.line()
    assert line.startswith("Telegram cannot be reached: ")
    return line.removeprefix("Telegram cannot be reached: ")


def through(tg: TelegramServer, folder: Path, proxy: str) -> Settings:
    return settings_for(tg, folder / "session", proxy=proxy)


def at(tg: TelegramServer, folder: Path, address: str, port: int) -> Settings:
    server = Server(dc_id=2, address=address, port=port, public_key=tg.public_key_pem)
    return Settings(api_id=API_ID, api_hash=API_HASH, session=folder / "session", server=server)


@asynccontextmanager
async def listening(answer: bytes | None, after: int = 1) -> AsyncIterator[int]:
    """A port that answers each connection so after so many bytes, and closes; None: never."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if answer is None:
                await reader.read()
            else:
                await reader.readexactly(after)
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


# Without a proxy.


async def test_a_refused_connection(tg: TelegramServer, tmp_path: Path) -> None:
    line = await said(at(tg, tmp_path, "127.0.0.1", 1))
    assert line == "the connection was refused (is the server up? telegram.server has it at 127.0.0.1:1)"


async def test_a_name_that_nobody_has(tg: TelegramServer, tmp_path: Path) -> None:
    line = await said(at(tg, tmp_path, "nowhere.invalid", 443))
    assert line.startswith("the name is not found (")
    assert "`getent hosts nowhere.invalid`" in line


async def test_a_server_with_another_key(tg: TelegramServer, tmp_path: Path) -> None:
    # A new one: what any test has trusted is trusted in this whole process.
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    async with TelegramServer(key=ServerKey(pem)) as other:
        line = await said(at(tg, tmp_path, *other.address(2)))
    assert line.startswith("what answers there has another key than Telegram")
    assert "telegram.server.public_key" in line


async def test_somebody_else_answers(tg: TelegramServer, tmp_path: Path) -> None:
    async with listening(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") as port:
        line = await said(at(tg, tmp_path, "127.0.0.1", port))
    assert "cut" not in line
    assert line.startswith("what answers there does not speak Telegram's protocol")


async def test_a_connection_that_is_closed_at_once(tg: TelegramServer, tmp_path: Path) -> None:
    async with listening(b"") as port:
        assert (await said(at(tg, tmp_path, "127.0.0.1", port))).startswith("the connection was cut")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(101, "Network is unreachable"), "no network leads there"),
        (OSError(113, "No route to host"), "no way leads to that host"),
        (PermissionError(1, "Operation not permitted"), "does not permit the connection"),
        (TimeoutError(), "no answer in time"),
        (OSError(24, "Too many open files"), "no file descriptor left"),
        (socket.gaierror(-3, "Temporary failure in name resolution"), "the name is not found (Temporary"),
    ],
)
def test_what_the_system_says(error: OSError, words: str) -> None:
    assert words in reason(error)


def test_with_telegrams_own_servers_the_proxy_is_a_remedy_only_without_one(tmp_path: Path) -> None:
    plain = Settings(api_id=API_ID, api_hash=API_HASH, session=tmp_path / "session")
    behind = Settings(api_id=API_ID, api_hash=API_HASH, session=tmp_path / "session", proxy="socks5://h")
    trouble = Transient("connection: no answer in time")
    assert "set telegram.proxy" in unreachable(trouble, plain).hint
    assert unreachable(trouble, behind).hint == "is the network behind the proxy up?"


# Through a proxy.


async def test_a_proxy_that_is_not_there(tg: TelegramServer, tmp_path: Path) -> None:
    line = await said(through(tg, tmp_path, "socks5://127.0.0.1:1"))
    assert line.startswith("the proxy 127.0.0.1:1 cannot be reached: the connection was refused (is it up?")


async def test_a_proxy_whose_name_nobody_has(tg: TelegramServer, tmp_path: Path) -> None:
    line = await said(through(tg, tmp_path, "socks5://nowhere.invalid:1080"))
    assert line.startswith("the proxy nowhere.invalid:1080 cannot be reached: the name is not found (")


async def test_a_proxy_that_takes_no_such_password(tg: TelegramServer, tmp_path: Path) -> None:
    async with socks5("me", "right") as (_, port):
        for proxy in (f"socks5://me:wrong@127.0.0.1:{port}", f"socks5://127.0.0.1:{port}"):
            line = await said(through(tg, tmp_path, proxy))
            assert "wrong" not in line
            assert "telegram.proxy: socks5://USER:PASSWORD@HOST:PORT" in line
    assert "wants a user and a password" in line


REPLIES = [
    (2, "refuses to connect to 127.0.0.1:", "it must allow connections to 127.0.0.1:"),
    (5, "cannot reach 127.0.0.1:", "is the network behind the proxy up?"),
    (3, "cannot reach 127.0.0.1:", "is the network behind the proxy up?"),
    (8, "refuses to connect to 127.0.0.1:", "it must allow connections to"),
]


@pytest.mark.parametrize(("code", "words", "hint"), REPLIES)
async def test_a_socks_proxy_that_says_no(
    tg: TelegramServer, tmp_path: Path, code: int, words: str, hint: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(b"\x05\x00")
        await reader.readexactly(10)
        writer.write(struct.pack(">BBBB4sH", 5, code, 0, 1, bytes(4), 0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = await said(through(tg, tmp_path, f"socks5://127.0.0.1:{port}"))
    server.close()
    assert words in line
    assert hint in line


@pytest.mark.parametrize(
    ("status", "words", "hint"),
    [
        (
            "407 Proxy Authentication Required",
            "wants a user and a password",
            "http://USER:PASSWORD@HOST:PORT",
        ),
        ("403 Forbidden", "refuses to connect to 127.0.0.1:", "it must allow connections to"),
    ],
)
async def test_an_http_proxy_that_says_no(
    tg: TelegramServer, tmp_path: Path, status: str, words: str, hint: str
) -> None:
    async with listening(f"HTTP/1.1 {status}\r\n\r\n".encode()) as port:
        line = await said(through(tg, tmp_path, f"http://127.0.0.1:{port}"))
    assert words in line
    assert hint in line


@pytest.mark.parametrize("kind", ["socks5", "socks4", "http"])
async def test_what_is_no_proxy_of_that_kind(tg: TelegramServer, tmp_path: Path, kind: str) -> None:
    async with listening(b"SSH-2.0-OpenSSH_9.6\r\n") as port:
        line = await said(through(tg, tmp_path, f"{kind}://127.0.0.1:{port}"))
    assert f"does not answer as a {kind.upper()} proxy does" in line
    assert "telegram.proxy must name its kind" in line


async def test_the_daemons_own_connections_say_the_same(
    tg: TelegramServer, me: Account, connected: Any
) -> None:
    with pytest.raises(
        Transient, match=r"the proxy 127\.0\.0\.1:1 cannot be reached: the connection was refused"
    ):
        await connected(proxy="socks5://127.0.0.1:1", tries=1)
