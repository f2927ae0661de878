"""The control socket, over which commands ask the running daemon: one JSON line in, one JSON line out.

Owns the socket's file: it is bound under a temporary name, given mode 0660 and the group `tgstreamd` if that
exists, and only then moved into place, so that it is never more accessible, and neither a stale socket nor a
symlink in its place matters. Size and duration of every exchange are bounded. An error in the daemon is sent
back and raised by the asking side.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from ..domain.errors import ConfigError, NotAuthorised, TgstreamdError

log = structlog.get_logger()

GROUP = "tgstreamd"
REQUEST_MAX = 64 * 1024
ANSWER_MAX = 64 * 1024 * 1024
#: Seconds to receive a request and to deliver an answer.
EXCHANGE_TIMEOUT = 10.0
#: Seconds for the daemon's work on an answer: `check` asks Telegram about every chat.
ANSWER_TIMEOUT = 300.0
CONNECTIONS_MAX = 16
#: Seconds until the next accept after a failed one.
ACCEPT_AGAIN = 1.0

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NoDaemon(TgstreamdError):
    """Nobody listens at the control socket."""


async def serve(path: Path, answer: Answer, *, listening: Callable[[], None] = lambda: None) -> None:
    """Answer at `path` until cancelled; `listening` is called once it does. Raises TgstreamdError."""
    loop = asyncio.get_running_loop()
    server, name = _listen(path)
    free = asyncio.Semaphore(CONNECTIONS_MAX)

    async def converse(connection: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=REQUEST_MAX)
            try:
                await _exchange(reader, writer, answer)
            finally:
                writer.close()
        except (OSError, TimeoutError):
            pass  # the client disconnected or stopped responding
        finally:
            free.release()

    try:
        listening()
        async with asyncio.TaskGroup() as connections:
            while True:
                await free.acquire()
                try:
                    connection, _ = await loop.sock_accept(server)
                except OSError as error:
                    # No file descriptor may be left, for example: a request must not end the daemon.
                    free.release()
                    log.warning("nobody can be answered for a moment", why=error.strerror)
                    await asyncio.sleep(ACCEPT_AGAIN)
                    continue
                connections.create_task(converse(connection))
    finally:
        server.close()
        _remove(path, name)


def _remove(path: Path, name: tuple[int, int]) -> None:
    """Remove our socket, unless another process has replaced it."""
    with contextlib.suppress(OSError):
        seen = path.lstat()
        if (seen.st_dev, seen.st_ino) == name:
            path.unlink()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    try:
        async with asyncio.timeout(EXCHANGE_TIMEOUT):
            request = json.loads(await reader.readuntil(b"\n"))
        if not isinstance(request, dict):
            raise ValueError
    except (ValueError, RecursionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        given = {"error": "not a request: one JSON object on one line is", "status": 1}
    else:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                given = await answer(request)
        except TimeoutError:
            given = {"error": f"no answer within {ANSWER_TIMEOUT:.0f} s", "status": 1}
        except TgstreamdError as error:
            given = {"error": error.what, "hint": error.hint, "status": error.exit_status}
    async with asyncio.timeout(EXCHANGE_TIMEOUT):
        writer.write(json.dumps(given, ensure_ascii=False).encode() + b"\n")
        await writer.drain()


def _listen(path: Path) -> tuple[socket.socket, tuple[int, int]]:
    """Return a listening socket at `path`, and the identity of its file."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.setblocking(False)
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(path.lstat().st_mode):
                raise TgstreamdError(f"{path}: a directory is in the way of the control socket")
        with _short(path.parent) as folder:
            own = f"{folder}/.{path.name}.{os.getpid()}"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(own)
            server.bind(own)
            # Nobody can connect before listen(), so the permissions are right from the start.
            with contextlib.suppress(KeyError, PermissionError):
                os.chown(own, -1, grp.getgrnam(GROUP).gr_gid, follow_symlinks=False)
            os.chmod(own, 0o660)
            server.listen(CONNECTIONS_MAX)
            os.rename(own, f"{folder}/{path.name}")
            seen = os.lstat(f"{folder}/{path.name}")
    except OSError as error:
        server.close()
        hint = "is the runtime directory writable?"
        raise TgstreamdError(f"{path}: cannot listen: {error.strerror}", hint=hint) from None
    except TgstreamdError:
        server.close()
        raise
    return server, (seen.st_dev, seen.st_ino)


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Provide a short path to `folder`: a socket's address holds only 108 bytes (`man 7 unix`)."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def ask(path: Path, request: dict[str, Any], *, timeout: float = ANSWER_TIMEOUT) -> dict[str, Any]:
    """Return the running daemon's answer. Raises NoDaemon, or the error that the daemon raised."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(timeout)
        try:
            with _short(path.parent) as folder:
                line.connect(f"{folder}/{path.name}")
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as answers:
                text = answers.readline(ANSWER_MAX)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            raise NoDaemon(f"no daemon answers at {path}", hint="`tgstreamd run` starts one") from None
        except PermissionError:
            hint = f"`sudo usermod -aG {GROUP} $USER` and a new login, or sudo before the command"
            raise TgstreamdError(f"{path}: not allowed to ask the daemon", hint=hint) from None
        except TimeoutError:
            raise TgstreamdError(f"the daemon did not answer within {timeout:.0f} s") from None
        except OSError as error:
            raise TgstreamdError(f"{path}: {error.strerror}") from None
    if not text.endswith(b"\n"):
        raise TgstreamdError("the daemon stopped before it answered", hint="ask again")
    answer: dict[str, Any] = json.loads(text)
    if "error" in answer:
        kind = {77: NotAuthorised, 78: ConfigError}.get(answer.get("status", 1), TgstreamdError)
        raise kind(answer["error"], hint=answer.get("hint", ""))
    return answer
