"""Every error of Telegram's that is known, and what each may be about: told without the program's own table.

`documented.tsv` holds the names that Telegram documents for the methods in use, `known.tsv` those that its
clients know besides. `abouts` knows what of a message each is about.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Refusal(NamedTuple):
    """One error on one method, as the server says it."""

    method: str
    code: int
    name: str

    def __str__(self) -> str:
        return f"{self.method}-{self.code}-{self.name}"


def _read(file: str) -> list[Refusal]:
    lines = (HERE / file).read_text().splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [Refusal(method, int(code), name.replace("%d", "7")) for method, code, name in rows]


DOCUMENTED = _read("documented.tsv")
EVERY = [*DOCUMENTED, *_read("known.tsv")]


def on(*methods: str) -> list[Refusal]:
    """Those that these methods meet."""
    return [refusal for refusal in EVERY if refusal.method in methods]


def unheard(method: str) -> list[Refusal]:
    """Names that nobody has heard of, on this method: by each of Telegram's codes, negative ones too."""
    return [Refusal(method, code, name) for code, name in _UNHEARD]


_UNHEARD = [
    (303, "FILE_MIGRATE_7"), (303, "STATS_MIGRATE_7"), (303, "USER_MIGRATE_7"), (303, "PHONE_MIGRATE_7"),
    (303, "NETWORK_MIGRATE_7"), (400, "NEVER_HEARD_OF_IT"), (400, "NEVER_HEARD_OF_7"),
    (400, "never heard of it"), (401, "NEVER_HEARD_OF_IT"), (403, "NEVER_HEARD_OF_IT"),
    (404, "NEVER_HEARD_OF_IT"), (406, "NEVER_HEARD_OF_IT"), (420, "NEVER_HEARD_OF_IT"),
    (420, "NEVER_HEARD_OF_IT_7"), (500, "NEVER_HEARD_OF_IT"), (-500, "NEVER_HEARD_OF_7"), (-503, "Timeout"),
    (-1, "NEVER_HEARD_OF_IT"), (0, "NEVER_HEARD_OF_IT"), (999, ""),
]  # fmt: skip
