"""Defines a wait that Telegram ordered: what it applies to (`Scope`) and when it ends (`Hold`).

The only module that knows how a scope is written in the ledger and in `status --json`, and which time stands
for a wait that only a person can end. `limits.holds` decides what a hold blocks.
"""

from __future__ import annotations

from typing import Final, Self

from .media import Value

#: A wait that only a person can end is stored with this unix time or a later one; no clock moves it.
FOREVER: Final = 4e9


def is_permanent(until: float) -> bool:
    """Return whether a wait stored with this end lasts until a person acts."""
    return until >= FOREVER


class Scope(Value, frozen=True):
    """The account, a method, a chat, a mirror whose chat has not answered, or a login that is not known.

    `str()` writes a scope, `parse` reads it.
    """

    kind: str
    #: The method, or the id of the chat, the mirror or the login's key; empty for the account.
    name: str = ""

    @classmethod
    def account(cls) -> Self:
        return cls("account")

    @classmethod
    def method(cls, name: str) -> Self:
        return cls("method", name)

    @classmethod
    def chat(cls, chat: int) -> Self:
        return cls("chat", str(chat))

    @classmethod
    def mirror(cls, mirror: int) -> Self:
        return cls("mirror", str(mirror))

    @classmethod
    def login(cls, key: int) -> Self:
        return cls("login", str(key))

    @classmethod
    def parse(cls, text: str) -> Self:
        kind, _, name = text.partition(":")
        return cls(kind, name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind

    @property
    def shown(self) -> Scope:
        """The scope without the id of a login's key, which is not shown to anybody."""
        return Scope("login") if self.is_login else self

    @property
    def is_account(self) -> bool:
        """Whether the hold blocks everything that the account does."""
        return self.kind == "account"

    @property
    def is_method(self) -> bool:
        return self.kind == "method"

    @property
    def is_login(self) -> bool:
        return self.kind == "login"

    @property
    def is_sending(self) -> bool:
        """Whether the method sends messages."""
        return self.is_method and self.name.startswith("messages.send")

    @property
    def is_upload(self) -> bool:
        """Whether the method transfers parts of files."""
        return self.is_method and self.name.startswith("upload.")


class Hold(Value, frozen=True, kw_only=True):
    """Forbids what `scope` names until `until` (unix time)."""

    #: The number of the account in the ledger.
    account: int
    scope: Scope
    until: float
    reason: str
    #: How often Telegram has limited the account since its last successful send.
    step: int = 0

    @property
    def is_permanent(self) -> bool:
        """Whether only a person can end it."""
        return is_permanent(self.until)

    def is_over(self, now: float) -> bool:
        return self.until <= now
