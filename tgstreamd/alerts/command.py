"""Runs the operator's command with one alert: JSON on its standard input, no shell, one at a time.

Promises that it ends (killed with all that it started after its time), that what it says reaches the log
bounded, and that no secret of ours is in its environment.
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
#: Seconds for the rest of its output once it has ended: what it left running may hold the line for ever.
REST = 0.5
#: What it inherits. Our secrets come by TG_… and CREDENTIALS_DIRECTORY, which are not among these.
INHERITED = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME"})
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


class Ran(Value, frozen=True, kw_only=True):
    """How it ended: its exit status (negative: the signal), or None where it could not be run."""

    status: int | None
    output: str = ""
    why: str = ""


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What of our environment a command sees."""
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
    # A line of our own for what it says: asyncio's ends only when everything that it left running has ended.
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
            # A group of its own, so that all of it can be ended.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        os.close(ear)
        return Ran(status=None, why=f"cannot be run: {getattr(error, 'strerror', None) or error}")
    finally:
        os.close(mouth)
    said = bytearray()
    hearing = asyncio.ensure_future(_hear(ear, said))
    why = ""
    try:
        async with asyncio.timeout(limit):
            await _give(process, text)
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


async def _give(process: asyncio.subprocess.Process, text: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it need not read what it is told
        process.stdin.write(text)
        await process.stdin.drain()
    process.stdin.close()


async def _hear(ear: int, said: bytearray) -> None:
    """Keep the beginning; the rest is read too, so that the command does not wait for us."""
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
