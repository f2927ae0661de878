"""The Telegrams that can be asked: the test data centres, the production ones, and the local rehearsal.

Addresses and the key of the test servers: https://core.telegram.org/api/datacenter and TDLib's tables.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Of the test data centres alone; Telethon brings those of production along.
TEST_KEY = """\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAyMEdY1aR+sCR3ZSJrtztKTKqigvO/vBfqACJLZtS7QMgCGXJ6XIR
yy7mx66W0/sOFa7/1mAZtEoIokDP3ShoqF4fVNb6XeqgQfaUHd8wJpDWHcR2OFwv
plUUI1PLTktZ9uW2WE23b+ixNwJjJGwBDJPQEQFBE+vfmH0JP503wr5INS1poWg/
j25sIWeYPHYeOrFp/eXaqhISP6G+q2IeTaWTXpwZj4LzXq5YOpk4bYEQ6mvRq7D1
aHWfYmlEGepfaYR8Q0YqvvhYtMte3ITnuSJs171+GDqpdKcSwHnd6FudwGO4pcCO
j4WcDuXc2CTHgH8gFTNhp/Y8/SpDOhvn9QIDAQAB
-----END RSA PUBLIC KEY-----
"""
#: The data centre in which test numbers are taken.
TEST_DC = 2


@dataclass(frozen=True, kw_only=True)
class Place:
    """A Telegram. Without `address` it is production, whose addresses Telethon knows by heart."""

    name: str
    dc_id: int = TEST_DC
    address: str = ""
    port: int = 443
    public_key: str = ""
    #: Whether numbers are Telegram's documented test numbers, whose codes are known.
    has_test_numbers: bool = True
    #: Seconds between our own posts, and between the daemon's; None leaves the daemon its default.
    post_every: float = 1.0
    interval: float | None = None
    #: Seconds to wait for everything to settle.
    patience: float = 1800.0
    #: Bytes of the large file.
    large: int = 30_000_000

    @property
    def code(self) -> str:
        """The code that a test number is sent; repeat it to the length that Telegram names."""
        return str(self.dc_id)

    def number(self) -> str:
        """A test number, drawn; https://core.telegram.org/api/auth#test-accounts."""
        return f"+99966{self.dc_id}{random.randrange(10_000):04}"

    def configured(self, folder: Path) -> dict[str, Any]:
        """The daemon's `[telegram.server]`, its key written to `folder`; empty for production."""
        if not self.address:
            return {}
        (folder / "server.pem").write_text(self.public_key)
        return {
            "server": {
                "dc_id": self.dc_id,
                "address": self.address,
                "port": self.port,
                "public_key": "server.pem",
            }
        }


TEST = Place(name="Telegram's test data centres", address="149.154.167.40", public_key=TEST_KEY)
PRODUCTION = Place(name="Telegram", has_test_numbers=False)


def rehearsal(address: str, port: int, public_key: str) -> Place:
    """The local Telegram, which proves only the script."""
    return Place(
        name="the local Telegram (a rehearsal: it proves only the script)",
        address=address,
        port=port,
        public_key=public_key,
        post_every=0.0,
        interval=0.02,
        patience=300.0,
    )
