"""Lines that a person types, read without blocking the loop: the connection lives on while they think.

Echo is switched off for a password and back on whatever happens. Keeps nothing of what was typed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Callable, Iterator

from ...domain.errors import TgstreamdError
from ..output.format import Usage
from ..output.terminal import ask, say


def agreed(question: str) -> bool:
    """Whether a person says yes; for verbs that ask one thing. The end of the input is a no."""
    # Printed by us: `input` puts its question on standard error.
    ask(f"{question} [y/N] ")
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False


class Keyboard:
    """Standard input (or `handle`), line by line."""

    def __init__(self, handle: int | None = None) -> None:
        self._handle = sys.stdin.fileno() if handle is None else handle
        self._typed = b""

    async def line(self, question: str, *, hidden: bool = False) -> str:
        """The next line, without its end. Raises Usage where the input has ended."""
        # The echo goes off before the question shows: nobody types ahead of it in the open.
        with self._hidden() if hidden else contextlib.nullcontext():
            ask(question)
            while b"\n" not in self._typed:
                await self._readable()
                more = os.read(self._handle, 4096)
                if not more:
                    raise Usage("the input ended before every question was answered")
                self._typed += more
        line, _, self._typed = self._typed.partition(b"\n")
        if hidden:
            say("")
        return line.decode(errors="replace").strip("\r")

    async def answer(self, question: str, *, default: str = "", valid: Callable[[str], object] = str) -> str:
        """A line that is not empty, asked again until `valid` does not raise."""
        while True:
            given = (await self.line(f"{question}{f' [{default}]' if default else ''}: ")).strip() or default
            if not given:
                continue
            try:
                valid(given)
            except TgstreamdError as error:
                say(f"  {error.line()}")
                continue
            return given

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        try:
            loop.add_reader(self._handle, readable.set)
        except PermissionError:
            return  # a regular file is always readable, and epoll does not take it
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._handle)

    @contextlib.contextmanager
    def _hidden(self) -> Iterator[None]:
        try:
            before = termios.tcgetattr(self._handle)
        except termios.error:
            yield  # no terminal: nothing is echoed
            return
        silent = termios.tcgetattr(self._handle)
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(self._handle, termios.TCSADRAIN, silent)
        try:
            yield
        finally:
            termios.tcsetattr(self._handle, termios.TCSADRAIN, before)
