"""One thing that `verify` finds, as it goes to the operator and comes back to be mended."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["missing", "text", "media", "parked", "extra", "order", "undeleted"]
Mend = Literal["capture", "again", "edit", ""]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it should be. Ids are 0 where there is no message on that side."""

    kind: Kind
    chat: int = 0
    source_id: int = 0
    target_id: int = 0
    source_link: str = ""
    target_link: str = ""
    why: str
    #: What `--repair` would do about it; empty where it can do nothing.
    mend: Mend = ""
    text: str = ""
