"""The port: who is answered, with what headers, and what a broken client can do, which is nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import HANG
from tests.running import until
from tgstreamd.domain.clock import SystemClock
from tgstreamd.domain.errors import StoreError, TgstreamdError
from tgstreamd.web import port as port_room
from tgstreamd.web.reading import Meter
from tgstreamd.web.routes import answers
from tgstreamd.web.server import CONNECTIONS_MAX, listening

from .readings import mirror, reading


@contextlib.asynccontextmanager
async def shown(
    tmp_path: Path, *, page: bool = True, hosts: tuple[str, ...] = (), lifetime: float = 20.0
) -> AsyncIterator[int]:
    """A port where a healthy daemon's figures are."""

    async def status() -> dict[str, Any]:
        return reading(mirror(done=3)).status

    app = answers(Meter(tmp_path / "ledger.db", status, SystemClock()), page=page, hosts=hosts)
    async with listening(("127.0.0.1", 0), app, lifetime=lifetime) as (_, port):
        yield port


async def raw(port: int, request: bytes) -> bytes:
    """Everything that is answered to these bytes, until the connection ends."""
    async with asyncio.timeout(HANG):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def get(
    port: int, path: str, *, host: str | None = "127.0.0.1:9187", method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else [])]
    answer = await raw(port, "\r\n".join([*lines, "", ""]).encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in headers), body


async def test_what_is_answered(tmp_path: Path) -> None:
    async with shown(tmp_path) as port:
        status, headers, body = await get(port, "/metrics")
        assert (status, b'tgstreamd_messages_done_total{mirror="main"} 3.0' in body) == (200, True)
        assert headers["content-type"].startswith("text/plain; version=0.0.4")
        status, headers, body = await get(port, "/healthz")
        assert (status, headers["content-type"]) == (200, "application/json")
        assert json.loads(body) == {
            "healthy": True, "reason": "", "state": "running", "connected": False, "version": "1.2.3",
        }  # fmt: skip
        assert body.count(b"\n") == 1
        status, headers, body = await get(port, "/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        status, headers, body = await get(port, "/metrics", method="HEAD")
        assert (status, body) == (200, b"")
        for path, method, wanted in (
            ("/nothing", "GET", 404),
            ("//metrics", "GET", 404),
            ("/../etc/passwd", "GET", 404),
            ("/metrics", "POST", 405),
            ("/status.json", "DELETE", 405),
        ):
            status, headers, _ = await get(port, path, method=method)
            assert status == wanted, path
            assert "access-control-allow-origin" not in headers
        for name, value in (
            ("cache-control", "no-store"),
            ("connection", "close"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "deny"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
        ):
            assert headers[name] == value
        assert "server" not in headers


async def test_without_a_page_there_is_none(tmp_path: Path) -> None:
    async with shown(tmp_path, page=False) as port:
        status, _, body = await get(port, "/")
        assert (status, body) == (200, b"/metrics, /healthz; a page with page = true in [metrics]\n")
        assert (await get(port, "/status.json"))[0] == 404


async def test_only_by_names_that_are_ours(tmp_path: Path) -> None:
    async with shown(tmp_path, hosts=("Monitor.example",)) as port:
        for host in (
            "127.0.0.1",
            "[::1]:9187",
            "10.1.2.3:80",
            "LocalHost:1",
            "monitor.example.",
            "localhost.",
        ):
            assert (await get(port, "/metrics", host=host))[0] == 200, host
        for host in (
            "evil.example", "127.0.0.1.evil.example", "evil.example:9187", "", "localhost.evil.example",
            "x.monitor.example", "127.0.0.1@evil.example", "2130706433x",
        ):  # fmt: skip
            status, _, body = await get(port, "/metrics", host=host)
            assert status in (400, 421), host
            assert b"tgstreamd_" not in body
        assert (await get(port, "/metrics", host=None))[0] == 400
        twice = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        assert b"tgstreamd_" not in await raw(port, twice)


BROKEN = (
    b"",
    b"\r\n" * 10,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # TLS
    b"GET /metrics\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET " + b"/" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000,
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n" + bytes(100_000),
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"\xff\xfe\x00 GET",
)


async def test_a_broken_client_disturbs_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with shown(tmp_path, lifetime=0.3) as port:
        await asyncio.gather(*(raw(port, request) for request in BROKEN))
        # Those who connect and say nothing, or a little, are cut off; one too many is not heard at all.
        async with asyncio.timeout(HANG):
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS_MAX + 10)]
            for number, (_, writer) in enumerate(idle):
                with contextlib.suppress(ConnectionError):
                    writer.write(b"GET /metrics HT"[: number % 15])
            for reader, writer in idle:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
                writer.close()

        async def well() -> bool | None:
            # On a busy machine the lifetime that is right for the others may be short for this one.
            answer = await raw(port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return answer.startswith(b"HTTP/1.1 200 ") or None

        assert await until(well)
    assert caplog.records == []


async def test_many_who_ask_at_once_cost_one_reading(tmp_path: Path) -> None:
    asked = 0

    async def status() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return reading().status

    app = answers(Meter(tmp_path / "ledger.db", status, SystemClock()), page=True, hosts=())
    async with listening(("127.0.0.1", 0), app) as (_, port):
        found = await asyncio.gather(*(get(port, "/status.json") for _ in range(CONNECTIONS_MAX)))
    assert {status for status, _, _ in found} == {200}
    assert asked <= 2


async def test_a_ledger_that_fails_is_told(tmp_path: Path) -> None:
    async def status() -> dict[str, Any]:
        raise StoreError("the disk is full", hint="make room")

    app = answers(Meter(tmp_path / "ledger.db", status, SystemClock()), page=True, hosts=())
    async with listening(("127.0.0.1", 0), app) as (_, port):
        code, _, body = await get(port, "/healthz")
        assert (code, json.loads(body)["reason"]) == (503, "the disk is full (make room)")
        assert (await get(port, "/status.json"))[0] == 503
        assert b"tgstreamd_healthy 0.0" in (await get(port, "/metrics"))[2]


async def test_a_port_that_is_taken_or_not_ours(tmp_path: Path) -> None:
    async with shown(tmp_path) as port:
        with pytest.raises(TgstreamdError) as caught:
            async with listening(("127.0.0.1", port), answers_nothing):
                pass
        assert caught.value.line() == (
            f"metrics.listen: cannot listen at 127.0.0.1:{port}: another program does "
            f"(`ss -ltnp 'sport = :{port}'` says which; or choose another port)"
        )
        line = port_room.look(("127.0.0.1", port))
        assert (line["level"], "another program does" in line["text"]) == ("fail", True)
    assert port_room.look(("127.0.0.1", port))["level"] == "ok"
    assert port_room.look(("0.0.0.0", port))["level"] == "warn"
    with pytest.raises(TgstreamdError) as caught:
        async with listening(("192.0.2.1", 9187), answers_nothing):
            pass
    assert "192.0.2.1:9187: no address of this machine" in caught.value.line()


async def answers_nothing(scope: Any, receive: Any, send: Any) -> None:
    """An application that nobody gets to ask."""
