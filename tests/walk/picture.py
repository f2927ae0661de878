"""The picture of `status --watch` for the README: the real screen of a daemon at work, as an SVG.

`python -m tests.walk.picture`, from `make pictures`. Two mirrors, three films under way, a slow line.
"""

from __future__ import annotations

import asyncio
import sys

import tomli_w

from docsgen.picture import svg
from tests.running import API, ROOT, LocalTelegram, RunningDaemon

from .stage import Stage
from .terminal import Terminal

PICTURE = ROOT / "docs" / "pictures" / "status-watch.svg"
COLUMNS, ROWS = 80, 24
#: Seconds of work before the picture is taken.
AFTER = 70.0


async def taken() -> str:
    """The screen, escapes included."""
    async with Stage(count=60, film=90_000_000, films=3, at=12) as stage:
        await _ready(stage)
        await stage.tg.control("network", upload=350_000.0)
        size = (COLUMNS, ROWS, stage.home, stage.environ)
        async with Terminal(*size) as person, Terminal(*size) as daemon:
            await daemon.type("tgstreamd run --config my.toml", "Enter")
            await daemon.until(r"tgstreamd started")
            await asyncio.sleep(AFTER)
            await person.clear()
            await person.type("tgstreamd status --watch --config my.toml", "Enter")
            await person.until(r"files on their way")
            await asyncio.sleep(4)
            return await person.screen(colours=True)


async def _ready(stage: Stage) -> None:
    """Logged in, and configured for two mirrors."""
    folder = stage.home / "picture"
    written = RunningDaemon(folder, stage.tg)
    await written.prepare()
    found = stage.tg.found
    tree = {
        "telegram": {**API, "server": {**_server(stage.tg), "public_key": str(stage.home / "server.pem")}},
        "mirror": [
            {"name": "news", "source": found["source"], "target": found["target"]},
            {"name": "forum", "source": found["forum"], "target": found["forum_target"], "order": "source"},
        ],
        "state": {"directory": str(folder / "state")},
    }
    (stage.home / "my.toml").write_text(tomli_w.dumps(tree))


def _server(tg: LocalTelegram) -> dict[str, str | int]:
    host, port = tg.address
    return {"dc_id": 2, "address": host, "port": port}


def main() -> int:
    screen = asyncio.run(taken())
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(svg(screen, COLUMNS, "tgstreamd status --watch"))
    print(f"wrote {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
