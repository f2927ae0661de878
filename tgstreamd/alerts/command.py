"""Runs the operator's command with one alert: JSON on its standard input, no shell, one at a time.

Guarantees that it ends (after its time it is killed with everything that it started), that the amount of its
output in the log is bounded, and that none of our secrets is in its environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from ..domain.messages import Value

#: Seconds that a command may take: less than a service may promise the watchdog.
LIMIT = 45.0
#: Bytes of its output that are kept.
OUTPUT_MAX = 2000
#: Seconds to wait for more output after its end: a process that it left running may keep the pipe open
#: forever.
REST = 0.5
#: Variables that it inherits. Our secrets are in TG_… and CREDENTIALS_DIRECTORY, which are not among these.
INHERITED = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME"})
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


class Ran(Value, frozen=True, kw_only=True):
    """The result: its exit status (negative: the signal), or None if it could not be run."""

    status: int | None
    output: str = ""
    why: str = ""


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return the part of our environment that a command gets."""
    kept = {name: value for name, value in ours.items() if name in INHERITED or name.lower() in PROXIES}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin"} | kept


async def run(
    command: Sequence[str],
    text: bytes,
    *,
    limit: float = LIMIT,
    environ: Mapping[str, str] = os.environ,
) -> Ran:
    """Run it with `text` as its input, for at most `limit` seconds."""
    # A pipe of our own for its output: asyncio's ends only when all processes that it left running have
    # ended.
    try:
        ear, mouth = os.pipe()
    except OSError as error:
        return Ran(status=None, why=f"cannot be run: {error.strerror}")
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=mouth,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(environ),
            cwd="/",
            # A process group of its own, so that all of it can be killed.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        os.close(ear)
        return Ran(status=None, why=f"cannot be run: {getattr(error, 'strerror', None) or error}")
    finally:
        os.close(mouth)
    said = bytearray()
    hearing = asyncio.ensure_future(_read_output(ear, said))
    why = ""
    try:
        async with asyncio.timeout(limit):
            await _write_input(process, text)
            await process.wait()
    except TimeoutError:
        why = f"killed after {limit:g} s"
    finally:
        if process.returncode is None:
            _end(process)
            await process.wait()
        await asyncio.wait([hearing], timeout=REST)
        hearing.cancel()
        await asyncio.wait([hearing])
    return Ran(status=process.returncode, output=said.decode(errors="replace").strip(), why=why)


async def _write_input(process: asyncio.subprocess.Process, text: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it need not read its input
        process.stdin.write(text)
        await process.stdin.drain()
    process.stdin.close()


async def _read_output(ear: int, said: bytearray) -> None:
    """Keep the beginning of the output; the rest is read and discarded, so that the command does not
    block."""
    heard = asyncio.StreamReader()
    line, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(heard), os.fdopen(ear, "rb", 0)
    )
    try:
        while chunk := await heard.read(4096):
            said += chunk[: OUTPUT_MAX - len(said)]
    finally:
        line.close()


def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
