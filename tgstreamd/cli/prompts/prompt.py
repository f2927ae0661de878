"""Reads typed lines without blocking the event loop, so that a connection stays alive meanwhile.

Echo is switched off for a password and restored in every case. Keeps nothing that was typed.
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
    """Return whether the user answers yes; for commands with one question. The end of the input counts as
    no."""
    # Printed by us: `input` would print its prompt on standard error.
    ask(f"{question} [y/N] ")
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False


class Keyboard:
    """Reads standard input (or `handle`) line by line."""

    def __init__(self, handle: int | None = None) -> None:
        self._handle = sys.stdin.fileno() if handle is None else handle
        self._typed = b""

    async def line(self, question: str, *, hidden: bool = False) -> str:
        """Return the next line without its end. Raises Usage if the input has ended."""
        # Echo is off before the prompt appears, so that nothing typed ahead is shown.
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
        """Return a line that is not empty, asking again until `valid` does not raise."""
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
            return  # a regular file is always readable, and epoll does not accept it
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
