"""Process mode: `python -m tests.telegram --port 4430 --scenario demo --control 4431`.

Prints one JSON line when it is ready (addresses, public key, what the scenario returned), then serves until
SIGTERM, SIGINT or the control command `stop`. Everything else is said on standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import mmap
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from .control import Control, describe, run_scenario
from .mtproto.crypto import use_fast_aes
from .mtproto.rsakey import ServerKey
from .server import TelegramServer
from .world import World


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.telegram", description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="port of DC 2 (0: any)")
    parser.add_argument("--dc4-port", type=int, default=0, help="port of DC 4 (0: any)")
    parser.add_argument("--no-media", action="store_true", help="tell of no places for media only")
    parser.add_argument("--ipv6", action="store_true", help="listen on ::1 too, and tell of it")
    parser.add_argument("--skew", type=float, default=0.0, help="seconds by which its clock is ahead of ours")
    parser.add_argument("--control", type=int, metavar="PORT", help="control socket (0: any; absent: none)")
    parser.add_argument("--key-file", type=Path, help="RSA private key (default: the one of the tests)")
    parser.add_argument("--keys-file", type=Path, help="keeps authorisation keys over restarts")
    parser.add_argument("--public-key-to", type=Path, help="write the public key, PKCS#1 PEM, to this file")
    parser.add_argument("--scenario", help="what to seed: a function of tests/telegram/scenarios.py")
    parser.add_argument(
        "--arg", action="append", default=[], metavar="NAME=VALUE", help="for the scenario; JSON or text"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every response")
    parser.add_argument("--upload", type=float, default=0.0, help="bytes per second and connection, 0: free")
    parser.add_argument("--download", type=float, default=0.0, help="the same for what clients receive")
    parser.add_argument("--clock", type=Path, metavar="FILE", help="read the world's time out of this file")
    parser.add_argument(
        "--fast-aes", action="store_true", help="for benchmarks: the clients' own AES, twice as fast"
    )
    parser.add_argument("--verbose", action="store_true", help="log what the wire does")
    return parser.parse_args()


def _scenario_args(given: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in given:
        name, _, value = item.partition("=")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def shared(file: Path) -> Callable[[], float]:
    """A clock that another process moves: eight bytes in a file that both have in their memory."""
    with file.open("rb") as opened:
        memory = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    return lambda: float(struct.unpack("<d", memory[:8])[0])


async def _main(options: argparse.Namespace) -> None:
    tg = TelegramServer(
        World(now=shared(options.clock)) if options.clock else World(),
        ports={2: options.port, 4: options.dc4_port},
        media_only=not options.no_media,
        ipv6=options.ipv6,
        key=ServerKey.load(options.key_file) if options.key_file else None,
        keys_file=options.keys_file,
        wall=lambda: time.time() + options.skew,
    )
    tg.network.latency = options.latency
    tg.network.upload = options.upload
    tg.network.download = options.download
    if options.public_key_to:
        options.public_key_to.write_text(tg.public_key_pem)
    control = Control(tg)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, control.finished.set)
    async with tg:
        if options.control is not None:
            await control.start(options.control)
        seeded = {}
        if options.scenario:
            seeded = await run_scenario(tg, options.scenario, _scenario_args(options.arg))
        ready = describe(tg, control if options.control is not None else None)
        print(json.dumps({"ready": True, **ready, "scenario": seeded}), flush=True)
        await control.finished.wait()
        await control.close()


def main() -> None:
    options = _arguments()
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(name)s: %(message)s",
    )
    if options.fast_aes:
        use_fast_aes()
    uvloop.run(_main(options))


if __name__ == "__main__":
    main()
