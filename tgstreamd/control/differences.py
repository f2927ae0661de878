"""A difference found by `verify`, as shown to the operator and sent back for repair."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["missing", "text", "media", "parked", "extra", "order", "undeleted"]
Mend = Literal["capture", "again", "edit", ""]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between source, ledger and target. Ids are 0 if there is no message on that side."""

    kind: Kind
    chat: int = 0
    source_id: int = 0
    target_id: int = 0
    source_link: str = ""
    target_link: str = ""
    why: str
    #: The repair that `--repair` would make; empty if there is none.
    mend: Mend = ""
    text: str = ""
