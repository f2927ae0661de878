"""`make bench`: measures everything, prints it, and writes results.json, RESULTS.md and the plots.

`python -m bench stream|scale|backlog|live|idle|sizing` measures one part and keeps the others' results.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import daemons, report, scale, sizing, stream
from bench.machine import described

HERE = Path(__file__).parent
PARTS = ("stream", "scale", "backlog", "live", "idle", "sizing")
ROWS = (1_000, 100_000, 1_000_000, 10_000_000)


def say(text: str) -> None:
    print(text, flush=True)


async def grown(rows: tuple[int, ...]) -> dict[str, Any]:
    """Measure the ledger at each size; return the keys of results.json besides the rows."""
    found = []
    for number in rows:
        found.append(await scale.at(number))
        say(scale.line(found[-1]))
    lease = {row["rows"]: row["lease_ms"] for row in found}
    keyed = {f"lease_ms_{name}": lease[rows] for rows, name in NAMES.items() if rows in lease}
    settle = {
        f"settle_ms_{NAMES[int(row['rows'])]}": row["settle_ms"] for row in found if row["rows"] in NAMES
    }
    return {**keyed, **settle, "rows": found}


NAMES = {1_000: "1k", 100_000: "100k", 1_000_000: "1m", 10_000_000: "10m"}


async def measure(part: str, options: argparse.Namespace) -> dict[str, Any]:
    match part:
        case "stream":
            return await stream.suite(say)
        case "scale":
            return await grown(tuple(options.rows))
        case "sizing":
            return await sizing.suite(say)
        case "backlog":
            found = await daemons.backlog()
        case "live":
            found = await daemons.live()
        case _:
            found = await daemons.idle()
    for name, value in found.items():
        say(f"  {name:<32} {value:,.2f}")
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them, if none is named")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="sizes of the ledger for `scale`")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}")
    path = HERE / "results.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    began = time.monotonic()
    for part in options.parts or PARTS:
        say(f"\n{part}")
        results[part] = asyncio.run(measure(part, options))
        results[part]["measured"] = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join(["python -m bench", *options.parts]),
            **described(),
        }
        # Written after each part, so that a failing one does not lose the others.
        path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        report.write(HERE, results)
    say(f"\n{time.monotonic() - began:.0f} s; written: bench/results.json, bench/RESULTS.md, bench/*.svg")


if __name__ == "__main__":
    main()
