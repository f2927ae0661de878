"""`make walk`: from nothing to a running mirror in a real terminal, every screen kept, at two sizes.

Against the local Telegram. Fails where a screen does not come, and says what stood there instead.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.running import ROOT

from . import album
from .album import SIZES, Album
from .stage import Stage
from .steps import Walk
from .terminal import NotSeen, Terminal


async def walked(columns: int, rows: int) -> Album:
    """One walk at one size."""
    async with (
        Stage() as stage,
        Terminal(columns, rows, stage.home, stage.environ) as person,
        Terminal(columns, rows, stage.home, stage.environ) as daemon,
    ):
        walk = Walk(stage, person, daemon, Album(columns, rows))
        await walk.go()
        return walk.album


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.walk", description=__doc__)
    parser.add_argument("--look", action="store_true", help="show the screens, keep nothing")
    arguments = parser.parse_args()
    albums = []
    for columns, rows in SIZES:
        began = time.monotonic()
        try:
            albums.append(asyncio.run(walked(columns, rows)))
        except NotSeen as error:
            print(f"{columns} × {rows}: {error}", file=sys.stderr)
            return 1
        print(f"{columns} × {rows}: {len(albums[-1].shots)} screens, {time.monotonic() - began:.0f} s")
        if arguments.look:
            for shot in albums[-1].shots:
                print(f"\n=== {shot.caption}\n{shot.text}")
    if not arguments.look:
        album.clear()
        for each in albums:
            each.save()
        album.PAGE.write_text(album.page(albums))
        print(f"wrote {album.PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
