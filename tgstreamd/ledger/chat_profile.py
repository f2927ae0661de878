"""Keeps the profile that the target last got, for mirrors that copy title, photo and description.

Plain functions, one transaction each. A difference is one pending `change` of the mirror.
"""

from __future__ import annotations

import msgspec

from ..domain.messages import ChatProfile
from .changes import note, refused_as
from .engine import Db
from .rows import encode


def note_face(db: Db, mirror: int, chat: int, wanted: ChatProfile, present: ChatProfile, now: float) -> None:
    """Compare the source's profile with the target's; `present` is the target's if none was ever set."""
    shown = face(db, mirror)
    if shown is None:
        # Its photo would have another id in the target: the present one counts as different.
        shown = msgspec.structs.replace(present, photo=None)
        face_shown(db, mirror, shown)
    if wanted.looks() == shown.looks():
        db.execute("DELETE FROM change WHERE mirror = ? AND kind = 'chat'", (mirror,))
        return
    refused = refused_as(db, mirror, "chat", chat, 0)
    if refused is None or msgspec.msgpack.decode(refused, type=ChatProfile).looks() != wanted.looks():
        note(db, mirror, "chat", chat, 0, encode(wanted), now)


def face(db: Db, mirror: int) -> ChatProfile | None:
    """Return the profile that the target was given; None where it never was."""
    row = db.execute("SELECT face FROM mirror WHERE id = ?", (mirror,)).fetchone()
    return msgspec.msgpack.decode(row["face"], type=ChatProfile) if row["face"] is not None else None


def face_shown(db: Db, mirror: int, shown: ChatProfile) -> None:
    """Store the target's current profile."""
    db.execute("UPDATE mirror SET face = ? WHERE id = ?", (encode(shown), mirror))
