"""The program in a pseudo-terminal: what a person sees, and the keys that they press.

`Screen` waits for words on the screen as a person would; what scrolled out at the top counts too.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import os
import pty
import struct
import termios
from collections.abc import AsyncIterator

from tests.fakes import HANG

from .grid import Grid
from .program import Home

ENTER, DOWN, ESCAPE, INTERRUPT = "\r", "\x1b[B", "\x1b", "\x03"


class Screen:
    """A terminal with the program in it; made by `on_terminal`."""

    def __init__(self, terminal: int, process: asyncio.subprocess.Process, grid: Grid) -> None:
        self._terminal = terminal
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._more = asyncio.Event()
        self._closed = False
        self.process = process
        self.grid = grid
        #: All that was written, codes included.
        self.raw = ""
        asyncio.get_running_loop().add_reader(terminal, self._read)

    @property
    def text(self) -> str:
        return self.grid.text

    async def until(self, words: str, times: int = 1) -> None:
        """Wait for words on the screen; `times` where they were there before."""
        try:
            async with asyncio.timeout(HANG):
                while self.text.count(words) < times:
                    assert not self._closed, f"it ended without {words!r}:\n{self.text}"
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{words!r} did not appear:\n{self.text}") from None

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    async def answer(self, question: str, keys: str, times: int = 1) -> None:
        await self.until(question, times)
        self.press(keys)

    async def ended(self) -> int:
        async with asyncio.timeout(HANG):
            status = await self.process.wait()
            while not self._closed:
                self._more.clear()
                await self._more.wait()
        return status

    def _read(self) -> None:
        try:
            chunk = os.read(self._terminal, 65536)
        except OSError:  # the other side is closed
            chunk = b""
        text = self._decoder.decode(chunk)
        self.raw += text
        self.grid.feed(text)
        if not chunk:
            self.close()
        self._more.set()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().remove_reader(self._terminal)


@contextlib.asynccontextmanager
async def on_terminal(
    home: Home, *arguments: str, rows: int = 24, columns: int = 80
) -> AsyncIterator[Screen]:
    """`tgstreamd ARGUMENTS --config …` in a terminal of that size."""
    terminal, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(
        home.python, "-m", "tgstreamd", *arguments, "--config", str(home.file),
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=home.folder, start_new_session=True,
        env={**home.environ, "TERM": "xterm-256color", "COLUMNS": str(columns)},
    )  # fmt: skip
    os.close(theirs)
    screen = Screen(terminal, process, Grid(rows, columns))
    try:
        yield screen
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        screen.close()
        os.close(terminal)
