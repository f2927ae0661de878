"""`python -m tests.soak --real 3600` or `--hours 24`: a table, a verdict, exit status 0 if all is well."""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests.soak import accelerated, realtime
from tests.soak.flat import judge

say = functools.partial(print, file=sys.stderr, flush=True)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    options.add_argument("--real", type=float, default=0.0, metavar="SECONDS", help="in real time")
    options.add_argument("--hours", type=float, default=24.0, help="in accelerated time")
    options.add_argument("--interval", type=float, default=0.15, help="pace of the run in real time")
    options.add_argument("--every", type=float, default=10.0, help="seconds between samples in real time")
    given = options.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tgstreamd-soak-") as folder:
        place = Path(folder) / "daemon"
        samples, found = uvloop.run(
            realtime.soak(place, given.real, interval=given.interval, every=given.every, say=say)
            if given.real
            else accelerated.soak(place, given.hours, say=say)
        )
    judged = judge(samples)
    last, took = samples[-1], time.monotonic() - began
    print(f"{last.messages:,} messages in {last.at / 3600:.1f} h of the mirror's time; took {took:.0f} s")
    print("\n".join(judged.lines()))
    print("\n".join(found))
    print(f"target equals source: {'no' if found else 'yes'}")
    return 0 if judged.flat and not found else 1


if __name__ == "__main__":
    sys.exit(main())
