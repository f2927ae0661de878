"""What Telegram keeps in a world of what it promises: a `random_id` lasts (C1), a difference tells it (C2).

Each is enough for the daemon, so a world has one of them or both. What the page does not say is drawn: how a
message that is gone is told of, and whether an upload that was taken can be taken again.
https://core.telegram.org/api/updates#updatemessageid-updates
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal

from tests.harness import House

#: Lasting, told.
WAYS = {"c1": (True, False), "c2": (False, True), "both": (True, True)}
DRAW = "draw"


@dataclass(frozen=True)
class Promises:
    name: str
    of_gone: Literal["id", "nothing"]
    taken_once: bool

    @property
    def lasting(self) -> bool:
        return WAYS[self.name][0]

    @property
    def told(self) -> bool:
        return WAYS[self.name][1]

    def fields(self) -> dict[str, Any]:
        """As the control socket takes them."""
        return {
            "lasting": self.lasting,
            "told": self.told,
            "of_gone": self.of_gone,
            "taken_once": self.taken_once,
        }

    def hold_in(self, house: House) -> None:
        """From now on."""
        ids = house.world.chats.random_ids
        ids.lasting, ids.told, ids.of_gone = self.lasting, self.told, self.of_gone
        house.world.files.uploads.taken_once = self.taken_once

    def time_passed(self, house: House) -> None:
        """Where ids do not last, a restart is when they are gone."""
        if not self.lasting:
            house.world.chats.forget_random_ids()


def promises(seed: int, name: str = DRAW) -> Promises:
    """Those of the world of this seed; `name`: one of WAYS for all."""
    # A draw of its own: everything else in a world stays as it is, whatever is promised.
    chance = random.Random(f"promises {seed}")
    drawn = chance.choice(list(WAYS))
    return Promises(
        name=drawn if name == DRAW else name,
        of_gone=chance.choice(("id", "nothing")),
        taken_once=chance.random() < 0.5,
    )
