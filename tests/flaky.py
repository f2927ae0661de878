"""`make flaky`: the whole suite again and again, in random order, on a machine that is busy otherwise.

Each run has a seed, which is its order: `RUNS=1` with that seed is the same run once more. As many busy loops
as there are cores run beside it; they are started here, ended here by their ids, and end by themselves where
this process is no more.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "flaky"
#: What burns a core until its parent ends it, or is gone.
LOOP = """
import os
parent = os.getppid()
while os.getppid() == parent:
    sum(range(1_000_000))
"""
#: Pytest's words for what went wrong, and its last line.
WRONG = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
RESULT = re.compile(r"^=* ?(.*\bin [\d.]+s.*?) ?=*$", re.MULTILINE)


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many busy loops, ended whatever happens in between."""
    started = [subprocess.Popen([sys.executable, "-c", LOOP, f"beside-{os.getpid()}"]) for _ in range(loops)]
    try:
        yield
    finally:
        for loop in started:
            loop.kill()
        for loop in started:
            loop.wait()


def run(seed: int, arguments: list[str], log: Path) -> int:
    """One run of the suite in the order of this seed; its exit status."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # Each test with its process: who ran before whom.
    command = [sys.executable, "-m", "pytest", "-v", f"--shuffle={seed}", *arguments]
    with log.open("wb") as out:
        suite = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            return suite.wait()
        finally:
            # We are stopped: so is it, and it stops what it has started.
            if suite.poll() is None:
                suite.send_signal(signal.SIGINT)
                suite.wait()


def told(seed: int, status: int, seconds: float, log: Path) -> list[str]:
    """Say how a run went; the names of what went wrong."""
    text = log.read_text(errors="replace")
    wrong = list(dict.fromkeys(WRONG.findall(text)))
    results = RESULT.findall(text)
    print(f"seed {seed}: {results[-1] if results else f'exit status {status}, {seconds:.0f} s'}", flush=True)
    for name in wrong:
        print(f"    {name}")
    if status:
        print(f"    {log}", flush=True)
    return wrong if wrong or not status else [f"exit status {status}"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.flaky", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, help="of the first run; the next one has the next number")
    parser.add_argument("--loops", type=int, default=len(os.sched_getaffinity(0)), help="one for each core")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest's, after --")
    options = parser.parse_args()
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(1, 1_000_000)
    LOGS.mkdir(parents=True, exist_ok=True)
    # A polite end is one, too: what was started is ended. And the suite can be interrupted, though a shell
    # that runs us in the background has SIGINT ignored.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.default_int_handler)
    print(f"{options.runs} runs from seed {first}, {options.loops} busy loops beside them", flush=True)
    wrong: Counter[str] = Counter()
    failed = []
    try:
        with busy(options.loops):
            for seed in range(first, first + options.runs):
                began, log = time.monotonic(), LOGS / f"{seed}.log"
                status = run(seed, options.pytest, log)
                names = told(seed, status, time.monotonic() - began, log)
                wrong.update(names)
                if status:
                    failed.append(seed)
    except KeyboardInterrupt:
        print("stopped; nothing is left running")
        return 130
    if failed:
        print(f"{len(failed)} of {options.runs} runs failed; once more: make flaky RUNS=1 SEED={failed[0]}")
        for name, times in wrong.most_common():
            print(f"    {times} × {name}")
        return 1
    print(f"all {options.runs} runs are green")
    return 0


if __name__ == "__main__":
    sys.exit(main())
