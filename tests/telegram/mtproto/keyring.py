"""The authorisation keys that the server knows, each in its data centre, and whose they are.

Owns salts and the sessions of a key; can be written to JSON and read back, so that logins survive a restart.
Decides nothing about accounts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import crypto
from .keyexchange import NewKey
from .session import Session

#: A client that reconnects may leave a session behind each time.
KEPT_SILENT_SESSIONS = 20


def _new_salt() -> int:
    return int.from_bytes(os.urandom(8), "little", signed=True) or 1


@dataclass(eq=False)
class AuthKey:
    """One key. `account_id` is who is logged in; `half_login` who has still to give the password."""

    key: bytes
    dc_id: int
    account_id: int | None = None
    half_login: int | None = None
    #: The key whose login was exported to this one: both end together.
    parent: int | None = None
    #: Answer to every request once the session was revoked: SESSION_REVOKED, USER_DEACTIVATED, …
    refusal: str | None = None
    #: The layer of the last invokeWithLayer; None until initConnection came.
    layer: int | None = None
    api_id: int = 0
    #: The device that the last initConnection told of.
    device: str = ""
    salt: int = field(default_factory=_new_salt)
    sessions: dict[int, Session] = field(default_factory=dict)
    #: The same secret in the other spelling, until it shows which of the two the client means.
    twin: AuthKey | None = None
    #: The keyring that it hangs on.
    ring: Keyring | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.id = crypto.key_id(self.key)
        self._next_salts: list[int] = []

    def add_session(self, session: Session) -> None:
        """Keep a new session; of those without a connection only the newest are kept."""
        silent = [known for known in self.sessions.values() if known.connection is None]
        for known in silent[: -KEPT_SILENT_SESSIONS or None]:
            del self.sessions[known.id]
        self.sessions[session.id] = session

    def destroy(self) -> None:
        """End the key itself: what comes with it from now on gets the transport error -404."""
        if self.ring is not None:
            self.ring.remove(self)

    def accepts_salt(self, salt: int) -> bool:
        return salt == self.salt or salt in self._next_salts

    def rotate_salt(self) -> None:
        self.salt = self._next_salts.pop(0) if self._next_salts else _new_salt()

    def future_salts(self, count: int, now: float) -> list[tuple[int, int, int]]:
        """(valid since, valid until, salt), half an hour each and overlapping as Telegram's do."""
        while len(self._next_salts) < count - 1:
            self._next_salts.append(_new_salt())
        salts = [self.salt, *self._next_salts][:count]
        return [(int(now) + i * 1800 - 60, int(now) + i * 1800 + 3600, s) for i, s in enumerate(salts)]


class Keyring:
    """All keys by (data centre, key id)."""

    def __init__(self) -> None:
        self._keys: dict[tuple[int, int], AuthKey] = {}

    def __iter__(self) -> Iterator[AuthKey]:
        return iter(list(self._keys.values()))

    def get(self, dc_id: int, key_id: int) -> AuthKey | None:
        return self._keys.get((dc_id, key_id))

    def add(self, key: AuthKey) -> AuthKey:
        self._keys[key.dc_id, key.id] = key
        key.ring = self
        return key

    def add_new(self, new: NewKey, dc_id: int) -> AuthKey:
        """The key of a finished exchange.

        The secret is a number, and about one in 256 begins with zero bytes: some clients drop them
        (Telethon), others keep 256 bytes (kurigram, as the protocol means it). The two derive different keys
        from one exchange and nothing in it tells which, so both are known until the first message.
        """
        key = self.add(AuthKey(new.padded, dc_id, salt=new.salt))
        if new.stripped != new.padded:
            twin = self.add(AuthKey(new.stripped, dc_id, salt=new.salt))
            key.twin, twin.twin = twin, key
        return key

    def settle(self, key: AuthKey) -> None:
        """The client has used `key`: its twin was never meant."""
        if key.twin is not None:
            self.remove(key.twin)
            key.twin = None

    def remove(self, key: AuthKey) -> None:
        self._keys.pop((key.dc_id, key.id), None)

    def clear(self) -> None:
        self._keys.clear()

    def of_account(self, account_id: int) -> list[AuthKey]:
        return [key for key in self if key.account_id == account_id]

    def save(self, path: Path) -> None:
        rows: list[dict[str, Any]] = [
            {
                "key": key.key.hex(),
                "dc_id": key.dc_id,
                "account_id": key.account_id,
                "refusal": key.refusal,
                "parent": key.parent,
                "layer": key.layer,
                "api_id": key.api_id,
                "salt": key.salt,
            }
            for key in self
        ]
        path.write_text(json.dumps(rows, indent=1))

    def load(self, path: Path) -> None:
        for row in json.loads(path.read_text()):
            self.add(AuthKey(bytes.fromhex(row.pop("key")), **row))
