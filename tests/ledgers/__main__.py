"""`python -m tests.ledgers`: live the life, and keep the ledger that it leaves. Once for each schema."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.harness import House
from tests.ledgers.kept import keep, ledger
from tests.ledgers.life import live


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with House(Path(folder)) as house:
            number = keep(house, await live(house))
    print(f"kept: {ledger(number)}, {ledger(number).stat().st_size} bytes")


if __name__ == "__main__":
    asyncio.run(main())
