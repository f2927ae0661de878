"""A real terminal: one pane of tmux with a shell in it, driven by keys and looked at as a person would.

On a tmux server of its own, which ends with it. Owns the count of keys. Knows nothing of tgstreamd.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

#: What the shell says when it waits.
PROMPT = "$ "
#: Keys by tmux's names; everything else is typed as it is.
NAMED = {"Enter", "Up", "Down", "Left", "Right", "Tab", "Escape", "BSpace", "Space", "C-c", "C-d", "C-l"}


class NotSeen(Exception):
    """What was waited for did not appear; the text is what stood there instead."""


class Terminal:
    """`async with Terminal(80, 24, folder, environ) as screen:`"""

    def __init__(self, columns: int, rows: int, folder: Path, environ: Mapping[str, str]) -> None:
        # Its socket lies in the folder, and goes with it.
        self._tmux = ["tmux", "-S", str(folder / f".tmux-{secrets.token_hex(4)}"), "-f", "/dev/null"]
        self.columns, self.rows = columns, rows
        self._folder = folder
        self._environ = dict(environ)
        #: Keys pressed so far: a letter each, and Enter and the arrows one each.
        self.keys = 0

    async def __aenter__(self) -> Self:
        if shutil.which("tmux") is None:
            raise RuntimeError("the walk needs tmux (apt install tmux)")
        # env -i: what the caller's shell happens to hold must not show.
        shell = ["env", "-i", *(f"{key}={value}" for key, value in self._environ.items()), "sh"]
        size = ["-x", str(self.columns), "-y", str(self.rows)]
        await self._run("new-session", "-d", *size, "-c", str(self._folder), *shell)
        try:
            await self._run("set-option", "-g", "status", "off")
            await self.until(r"^\$$")
        except BaseException:
            await self._run("kill-server")
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._run("kill-server")

    async def _run(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._tmux,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        )
        out, err = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"tmux {' '.join(arguments)}: {err.decode().strip()}")
        return out.decode()

    async def type(self, *words: str) -> None:
        """Press keys: names of NAMED, or texts, typed letter by letter."""
        for word in words:
            if word in NAMED:
                await self._run("send-keys", word)
                self.keys += 1
            else:
                await self._run("send-keys", "-l", word)
                self.keys += len(word)

    async def screen(self, *, colours: bool = False) -> str:
        """What stands there now; with `colours` as a terminal would be told it."""
        text = await self._run("capture-pane", "-p", *(["-e"] if colours else []))
        return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()

    async def until(self, pattern: str, *, within: float = 30.0) -> str:
        """Wait until the regular expression is found on the screen, twice with a moment in between."""
        ends = time.monotonic() + within
        while True:
            seen = await self.screen()
            if re.search(pattern, seen, re.MULTILINE):
                await asyncio.sleep(0.15)
                again = await self.screen()
                if re.search(pattern, again, re.MULTILINE):
                    return again
            if time.monotonic() > ends:
                raise NotSeen(f"waited {within:g} s for {pattern!r} and saw:\n{seen}")
            await asyncio.sleep(0.1)

    async def clear(self) -> None:
        """A fresh screen, as `clear` gives; not counted among the keys."""
        await self._run("send-keys", "clear", "Enter")
        await self.until(r"\A\$$")

    async def command(self, line: str, *, within: float = 60.0) -> str:
        """Type a command on a fresh screen and wait until the shell waits again."""
        await self.clear()
        await self.type(line, "Enter")
        return await self.until(r"^\$\Z", within=within)
