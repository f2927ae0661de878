"""The control socket, over real sockets: exchanges, errors, and the file that it lives in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import HANG
from tgstreamd.control.control_socket import REQUEST_MAX, NoDaemon, ask, serve
from tgstreamd.domain.errors import NotAuthorised, StoreError, TgstreamdError


async def answer(request: dict[str, Any]) -> dict[str, Any]:
    match request.get("verb"):
        case "echo":
            return {"said": request["text"]}
        case "login":
            raise NotAuthorised("nobody is logged in", hint="tgstreamd login")
        case "store":
            raise StoreError("disk full", hint="make room")
    return {}


@contextlib.asynccontextmanager
async def serving(path: Path) -> AsyncIterator[None]:
    listening = asyncio.Event()
    task = asyncio.create_task(serve(path, answer, listening=listening.set))
    waiting = asyncio.create_task(listening.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        task.result()
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def asked(path: Path, **request: Any) -> dict[str, Any]:
    return await asyncio.to_thread(ask, path, request, timeout=HANG)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    # Longer than the 108 bytes that an address can hold.
    return tmp_path / ("x" * 120) / "control.sock"


async def test_a_question_and_its_answer(path: Path) -> None:
    async with serving(path):
        assert await asked(path, verb="echo", text="Grüße\n…") == {"said": "Grüße\n…"}
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert [file.name for file in path.parent.iterdir()] == ["control.sock"]
    assert not path.exists()


async def test_errors_travel_as_themselves(path: Path) -> None:
    async with serving(path):
        with pytest.raises(NotAuthorised) as caught:
            await asked(path, verb="login")
        assert caught.value.line() == "nobody is logged in (tgstreamd login)"
        with pytest.raises(TgstreamdError, match="disk full"):
            await asked(path, verb="store")


async def test_many_at_once(path: Path) -> None:
    async with serving(path), asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked(path, verb="echo", text=n)) for n in range(40)]
    assert [task.result()["said"] for task in tasks] == list(range(40))


@pytest.mark.parametrize(
    "request_line", [b"hello\n", b"[1]\n", b"\xff\n", b"x" * (REQUEST_MAX * 2), b"[" * 60000 + b"\n"]
)
async def test_what_is_no_request_is_refused(path: Path, request_line: bytes) -> None:
    async with serving(path):
        reader, writer = await raw(path)
        writer.write(request_line)
        writer.write_eof()
        assert b"not a request" in await reader.readline()
        writer.close()
        assert await asked(path, verb="echo", text=1) == {"said": 1}


async def test_one_who_hangs_up_disturbs_nobody(path: Path) -> None:
    async with serving(path):
        for _ in range(3):
            _, writer = await raw(path)
            writer.write(b'{"verb": "echo", "text": "')
            writer.transport.abort()
        assert await asked(path, verb="echo", text=1) == {"said": 1}


async def raw(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    line = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH)
    line.connect(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)
    return await asyncio.open_unix_connection(sock=line)


EXHAUSTED = """
import asyncio, os, resource, sys
from pathlib import Path
from tgstreamd.control.control_socket import serve

async def answer(request):
    return {"said": request["text"]}

async def main():
    loop = asyncio.get_running_loop()
    listening, told = asyncio.Event(), asyncio.Event()
    loop.add_reader(0, told.set)
    serving = asyncio.create_task(serve(Path(sys.argv[1]), answer, listening=listening.set))
    await listening.wait()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        print("none left", flush=True)
    await told.wait()
    loop.remove_reader(0)
    for descriptor in taken:
        os.close(descriptor)
    await serving

asyncio.run(main())
"""


async def test_without_a_descriptor_left_it_answers_later(path: Path) -> None:
    """A real limit in a process of its own: whoever asks then does not end the daemon, and is answered."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", EXHAUSTED, str(path), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert (await child.stdout.readline()).strip() == b"none left"
        asking = asyncio.create_task(asked(path, verb="echo", text="patient"))
        said = (await child.stdout.readline()).decode()
        assert "nobody can be answered for a moment" in said
        assert "Too many open files" in said
        assert not asking.done()
        child.stdin.write(b"\n")
        assert await asking == {"said": "patient"}
        assert child.returncode is None
    finally:
        child.kill()
        await child.wait()


async def test_nobody_there(path: Path) -> None:
    with pytest.raises(NoDaemon, match="no daemon answers"):
        await asked(path)
    path.parent.mkdir()
    with pytest.raises(NoDaemon):
        await asked(path)


async def test_a_stale_socket_and_a_symlink_are_replaced(path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("kept")
    path.parent.mkdir()
    path.symlink_to(elsewhere)
    async with serving(path):
        assert await asked(path, verb="echo", text=1) == {"said": 1}
        assert elsewhere.read_text() == "kept"
        # Another daemon takes the place over: the first leaves the file of the second alone.
        async with serving(path):
            other = path.stat().st_ino
        assert not path.exists()
    assert other


async def test_a_directory_in_the_way(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(TgstreamdError, match="in the way"):
        async with serving(path):
            pass
