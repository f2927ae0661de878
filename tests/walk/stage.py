"""The stage of the walk: a local Telegram with a harbour's group, and a home that holds nothing yet.

The one thing that lies in it beforehand is where that Telegram is; whoever walks with the real one needs no
such file. Its path is as long as the one that the captures show in its place, so that lines break alike.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Self

import tomli_w

from tests.running import ROOT, LocalTelegram

SHOWN = "/home/ana"


class Stage:
    """`async with Stage() as stage:`"""

    def __init__(self, **args: int) -> None:
        """`args` are those of the scenario."""
        self.tg = LocalTelegram("harbour", **args)
        self.home = Path("/tmp") / f"w{secrets.token_hex(2)[:3]}"
        assert len(str(self.home)) == len(SHOWN)

    async def __aenter__(self) -> Self:
        self.home.mkdir(mode=0o700)
        await self.tg.__aenter__()
        host, port = self.tg.address
        (self.home / "server.pem").write_text(self.tg.public_key)
        server = {"dc_id": 2, "address": host, "port": port, "public_key": "server.pem"}
        (self.home / "my.toml").write_text(tomli_w.dumps({"telegram": {"server": server}}))
        (self.home / "my.toml").chmod(0o600)
        # A folder with the program alone, so that no path of this machine is on the screen.
        (self.home / "bin").mkdir()
        program = self.home / "bin" / "tgstreamd"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tgstreamd "$@"\n')
        program.chmod(0o755)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.tg.__aexit__()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": f"{self.home}/bin:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self.home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PS1": "$ ",
            "TZ": os.environ.get("TZ", "UTC"),
        }

    def shown(self, text: str) -> str:
        """A screen as it is kept: the home by the name that stands for it."""
        return text.replace(str(self.home), SHOWN)
