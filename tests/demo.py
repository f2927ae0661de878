"""`make demo`: a local Telegram, the real daemon, one mirrored chat, and a comparison of the two chats.

History first, then ten live posts; progress while it runs; a table and `target equals source: yes` at the
end. Exit status 0 if that is so, else 1. Everything is on loopback and in one folder that is removed again.
`python -m tests.demo --tamper` changes a copy before the comparison, to see that it can fail.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.compare import Reader, Seen, differences
from tests.running import LocalTelegram, RunningDaemon
from tgstreamd.cli.output.format import bar, clean, size

#: Seconds between messages: the daemon insists on 3.5 with Telegram, but not with a server of one's own.
INTERVAL = 0.1
#: Bytes of the big video.
BIG = 300_000_000
#: Seconds after which the demo gives up.
PATIENCE = 600.0
CLEAR_LINE, CLEAR_BELOW = "\x1b[K", "\x1b[J"


class Screen:
    """Progress: a few lines redrawn in place on a terminal, a line every few seconds elsewhere."""

    def __init__(self) -> None:
        self._in_place = sys.stdout.isatty()
        self._drawn = 0
        self._spoke = 0.0
        self._redrawn = 0.0
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def say(self, line: str) -> None:
        """One line that stays."""
        self.progress([])
        print(f"{self.seconds:5.1f} s  {line}", flush=True)

    def progress(self, lines: list[str]) -> None:
        """What is going on now; an empty list wipes it away."""
        now = time.monotonic()
        if self._in_place:
            if lines and now - self._redrawn < 0.1:
                return
            self._redrawn = now
            width = shutil.get_terminal_size().columns - 1
            up = f"\x1b[{self._drawn}F" if self._drawn else ""
            print(
                up + "".join(f"{line[:width]}{CLEAR_LINE}\n" for line in lines) + CLEAR_BELOW,
                end="",
                flush=True,
            )
            self._drawn = len(lines)
        elif lines and now - self._spoke >= 3.0:
            self._spoke = now
            print(f"{self.seconds:5.1f} s  " + "; ".join(line.strip() for line in lines), flush=True)

    def bar(self, share: float) -> str:
        return f"{bar(share)} {share:4.0%}" if self._in_place else f"{share:.0%}"


class Failed(Exception):
    """The demo cannot go on; the text says why."""


async def mirrored(screen: Screen, daemon: RunningDaemon, what: str, total: int, began_with: int = 0) -> None:
    """Show the daemon's progress until `total` messages of the source are settled."""
    while True:
        if not daemon.running:
            raise Failed("the daemon ended by itself")
        if screen.seconds > PATIENCE:
            raise Failed(f"not done after {PATIENCE:.0f} s")
        daemon.sample()
        seen = await daemon.status()
        if seen and seen["mirrors"]:
            mirror = seen["mirrors"][0]
            if mirror["paused"] or mirror["parked"]:
                raise Failed(f"the mirror stands: {mirror['paused'] or mirror['last_error']}")
            settled = mirror["done"] + mirror["skipped"]
            if settled >= total and not mirror["backlog"]:
                return
            of = max(1, total - began_with)
            at = max(0, settled - began_with)
            lines = [f"         {what:<8} {screen.bar(at / of)}  {at} of {of} messages"]
            lines += [transfer(screen, one) for one in seen["transfers"]]
            screen.progress(lines)
        await asyncio.sleep(0.2)


def transfer(screen: Screen, one: dict[str, Any]) -> str:
    share = one["transferred"] / one["size"] if one["size"] else 1.0
    name, speed = clean(one["name"], 28), size(one["bytes_per_second"])
    moved = f"{size(one['transferred'])} of {size(one['size'])}, {speed}/s"
    return f"           {screen.bar(share)}  {name}, {moved}"


async def equal(screen: Screen, tg: LocalTelegram, live_after: int) -> tuple[list[Seen], list[str]]:
    """What the source holds by a client of its own, and how the target differs from it."""
    login = await tg.session(tg.found["reader"])

    def told(count: int) -> None:
        screen.progress([f"         reading both chats with another client, {size(count)}"])

    async with Reader(login["telethon"], tg.public_key) as reader:
        source = await reader.read(tg.found["source"], told)
        target = await reader.read(tg.found["target"], told)
    screen.progress([])
    return source, differences(source, target, live_after=live_after)


async def demo(folder: Path, options: argparse.Namespace) -> int:
    screen = Screen()
    print("A Telegram of our own on loopback, the real daemon, one group mirrored into another.\n")
    async with LocalTelegram("demo", big=options.big) as tg:
        count = tg.found["messages"]
        screen.say(
            f"Telegram serves two data centres; the group holds {count} messages, {size(tg.found['bytes'])}"
        )
        daemon = RunningDaemon(folder, tg, pace={"interval": INTERVAL})
        await daemon.prepare()
        began = time.monotonic()
        await daemon.start()
        try:
            # One more than was said: the group's creation is settled too, as skipped.
            await mirrored(screen, daemon, "history", count + 1)
            screen.say(f"history mirrored: {count} messages")
            last = tg.found["last"]
            posting = asyncio.create_task(tg.scenario("demo_live"))
            live = 10
            await mirrored(screen, daemon, "live", count + 1 + live, count + 1)
            posted = await posting
            screen.say(f"live posts mirrored: {posted['messages']} messages")
            seconds = time.monotonic() - began
            rows = measured(daemon, tg.found["bytes"] + posted["bytes"], seconds)
            if options.tamper:
                await tg.scenario("tamper")
            source, found = await equal(screen, tg, last)
            screen.say("both chats read and compared by another client")
            status = await daemon.stop()
            screen.say("daemon stopped")
            if status != 0:
                found.append(f"the daemon's exit status was {status}")
        except Failed as failure:
            screen.progress([])
            print(f"\nfailed: {failure}\nwhat the daemon said last:", file=sys.stderr)
            print("\n".join(f"  {line}" for line in list(daemon.log)[-25:]), file=sys.stderr)
            return 1
        finally:
            if daemon.running:
                await daemon.stop()
    kinds = Counter(one.kind for one in source)
    pace = f"paced at {INTERVAL} s here, 3.5 s with Telegram"
    print(f"\n  {'messages':<16} {len(source)} in {seconds:.0f} s ({pace})")
    print(f"  {'kinds':<16} {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}")
    for name, value in rows:
        print(f"  {name:<16} {value}")
    print()
    for line in found:
        print(f"  {line}")
    print(f"target equals source: {'no' if found else 'yes'}")
    return 1 if found else 0


def measured(daemon: RunningDaemon, moved: int, seconds: float) -> list[tuple[str, str]]:
    """What the running daemon has cost so far."""
    daemon.sample()
    lying = [
        f"{name.removeprefix('state/')}{f' {size(count)}' if count else ''}"
        for name, count in daemon.files().items()
        if name.startswith("state/")
    ]
    elsewhere = sorted(path for path in daemon.touched if not path.startswith(f"{daemon.state}/"))
    return [
        ("media", f"{size(moved)} in {seconds:.0f} s"),
        ("peak memory", f"{size(daemon.peak_memory())} of the daemon, everything included"),
        ("state on disk", ", ".join(lying)),
        ("temporary files", ", ".join(elsewhere) or "none"),
        ("disk writes", f"{size(daemon.written())} by the kernel's count, state included"),
    ]


async def _main(options: argparse.Namespace) -> int:
    me = asyncio.current_task()
    assert me is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, me.cancel)
    with tempfile.TemporaryDirectory(prefix="tgstreamd-demo-") as folder:
        try:
            return await demo(Path(folder), options)
        except asyncio.CancelledError:
            print("\nstopped; nothing is left behind", file=sys.stderr)
            return 130


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__.split("\n")[0])
    parser.add_argument("--big", type=int, default=BIG, metavar="BYTES", help="size of the big video")
    parser.add_argument("--tamper", action="store_true", help="change a copy: the comparison must fail")
    options = parser.parse_args()
    if platform.system() != "Linux":
        sys.exit("the demo measures the daemon through /proc, which only Linux has")
    with contextlib.suppress(BrokenPipeError):
        sys.exit(asyncio.run(_main(options)))
    os._exit(1)


if __name__ == "__main__":
    main()
