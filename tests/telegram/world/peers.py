"""The people of this Telegram: accounts, their names and how another account sees them.

Owns every account and the access hashes. A hash belongs to one viewer: what one account learnt about a
peer is worth nothing to another one, as with Telegram. Knows no chat and no message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telethon.tl import types

if TYPE_CHECKING:
    from . import World


@dataclass(eq=False)
class Account:
    """One person or bot. `restricted` is the reason shown to others, `spam_limited` means PEER_FLOOD."""

    id: int
    first_name: str
    last_name: str = ""
    username: str | None = None
    phone: str | None = None
    code: str = "22222"
    password: str | None = None
    password_hint: str | None = None
    bot: bool = False
    bot_token: str | None = None
    premium: bool = False
    home_dc: int = 2
    frozen: bool = False
    spam_limited: bool = False
    deactivated: bool = False
    is_restricted: bool = False

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Peers:
    """All accounts, findable as Telegram finds them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._accounts: dict[int, Account] = {}
        self._salt = world.random.getrandbits(64).to_bytes(8, "little")
        self._next_id = 100_001

    def add_account(self, first_name: str = "Someone", **fields: Any) -> Account:
        """A new account. `id` is given out in order unless said."""
        number = fields.pop("id", None)
        if number is None:
            number = self._next_id
            self._next_id += 1
        if number in self._accounts:
            raise ValueError(f"account {number} exists already")
        account = Account(number, first_name, **fields)
        if account.bot and account.bot_token is None:
            account.bot_token = f"{number}:test-token-{number}"
        self._accounts[number] = account
        return account

    def all(self) -> list[Account]:
        return list(self._accounts.values())

    def get(self, account_id: int) -> Account | None:
        return self._accounts.get(account_id)

    def by_id(self, account_id: int) -> Account:
        return self._accounts[account_id]

    def by_phone(self, phone: str) -> Account | None:
        digits = _digits(phone)
        return next((a for a in self._accounts.values() if a.phone and _digits(a.phone) == digits), None)

    def by_token(self, token: str) -> Account | None:
        return next((a for a in self._accounts.values() if a.bot_token == token), None)

    def by_username(self, username: str) -> Account | None:
        wanted = username.lower().lstrip("@")
        return next((a for a in self._accounts.values() if a.username and a.username.lower() == wanted), None)

    def access_hash(self, viewer_id: int, kind: str, peer_id: int) -> int:
        """The hash by which one viewer may name a peer (`kind`: user, channel): stable, never guessable."""
        text = f"{viewer_id}:{kind}:{peer_id}".encode()
        digest = hashlib.blake2b(text, key=self._salt, digest_size=8).digest()
        return int.from_bytes(digest, "little", signed=True)

    def user(self, account: Account, viewer_id: int) -> Any:
        """The `User` that one viewer sees: `self` and the phone number only for oneself."""
        own = account.id == viewer_id
        if account.deactivated:
            return types.User(
                id=account.id, deleted=True, access_hash=self.access_hash(viewer_id, "user", account.id)
            )
        return types.User(
            id=account.id,
            is_self=own,
            bot=account.bot,
            premium=account.premium,
            restricted=account.is_restricted,
            access_hash=self.access_hash(viewer_id, "user", account.id),
            first_name=account.first_name,
            last_name=account.last_name or None,
            username=account.username,
            phone=account.phone if own else None,
            bot_info_version=1 if account.bot else None,
            status=None if account.bot else types.UserStatusRecently(),
        )


def _digits(phone: str) -> str:
    return "".join(ch for ch in phone if ch.isdigit())
