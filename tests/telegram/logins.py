"""Logins under way: codes sent, QR tokens shown, passwords asked, authorisations on the way to another DC.

Owns what is between a key and an account. Speaks no TL beyond the update that a scanned QR code causes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from .codes import USUAL, Sent
from .dispatch import RpcError
from .mtproto.keyring import AuthKey
from .srp import Srp, Verifier
from .world.peers import Account

if TYPE_CHECKING:
    from .server import TelegramServer


@dataclass(eq=False)
class LoginToken:
    """A QR code. `account_id` is who has scanned it."""

    token: bytes
    key: AuthKey
    expires: float
    account_id: int | None = None


@dataclass(eq=False)
class Export:
    """An authorisation exported to another DC, to be imported once."""

    account_id: int
    bytes: bytes
    dc_id: int
    from_key: AuthKey


class Logins:
    """`code_lifetime` and `token_lifetime` are in seconds of real time, for clients count so."""

    def __init__(self, server: TelegramServer, wall: Callable[[], float]) -> None:
        self._server = server
        self._wall = wall
        self.code_lifetime = 300.0
        self.token_lifetime = 30.0
        #: How codes are sent to a phone number (its digits), way after way; USUAL to the others.
        self.ways: dict[str, Sequence[Sent]] = {}
        self._codes: dict[str, tuple[str, float]] = {}
        #: Which of its ways was taken last.
        self._taken: dict[str, int] = {}
        #: Numbers without an account whose code was right, with its hash.
        self.may_sign_up: dict[str, str] = {}
        self._tokens: dict[bytes, LoginToken] = {}
        self._exports: dict[int, Export] = {}
        self._verifiers: dict[tuple[int, str], Verifier] = {}
        self._attempts: dict[int, tuple[int, Srp]] = {}

    # Codes

    def send_code(self, phone: str) -> tuple[Sent, str]:
        """Start a login by code: how it is sent, and the hash that the client must send back."""
        return self._send(phone, 0)

    def resend_code(self, phone: str, code_hash: str) -> tuple[Sent, str]:
        """The next way. Raises PHONE_CODE_EXPIRED for a hash of none, SEND_CODE_UNAVAILABLE for no way."""
        self._check_hash(phone, code_hash)
        taken = self._taken[phone]
        ways = self.ways.get(phone, USUAL)
        if not ways[taken].then or taken + 1 == len(ways):
            raise RpcError(406, "SEND_CODE_UNAVAILABLE")
        return self._send(phone, taken + 1)

    def _send(self, phone: str, number: int) -> tuple[Sent, str]:
        code_hash = os.urandom(9).hex()
        self._codes[phone] = code_hash, self._wall() + self.code_lifetime
        self._taken[phone] = number
        return self.ways.get(phone, USUAL)[number], code_hash

    def _check_hash(self, phone: str, code_hash: str) -> None:
        if not code_hash:
            raise RpcError(400, "PHONE_CODE_HASH_EMPTY")
        known, expires = self._codes.get(phone, ("", 0.0))
        if known != code_hash or expires < self._wall():
            raise RpcError(400, "PHONE_CODE_EXPIRED")

    def check_code(self, phone: str, request: Any, usual: str) -> None:
        """Raise PHONE_CODE_EXPIRED, _INVALID or _EMPTY unless all fits; `usual` is the account's code."""
        self._check_hash(phone, request.phone_code_hash)
        sent = self.ways.get(phone, USUAL)[self._taken[phone]]
        code = sent.given(request)
        if not code:
            raise RpcError(400, "PHONE_CODE_EMPTY")
        if code != (sent.code or usual):
            raise RpcError(400, "PHONE_CODE_INVALID")
        del self._codes[phone]

    def cancel_code(self, phone: str) -> None:
        self._codes.pop(phone, None)

    # Passwords

    def begin_password(self, account: Account) -> tuple[Verifier, Srp]:
        """A new attempt for an account that has a password."""
        assert account.password is not None
        name = account.id, account.password
        verifier = self._verifiers.get(name)
        if verifier is None:
            verifier = self._verifiers[name] = Verifier(account.password)
        srp = Srp(verifier)
        self._attempts[srp.id] = account.id, srp
        return verifier, srp

    def check_password(self, account: Account, srp_id: int, a: bytes, m1: bytes) -> None:
        """Raise SRP_ID_INVALID or PASSWORD_HASH_INVALID unless the proof is right."""
        account_id, srp = self._attempts.pop(srp_id, (0, None))
        if srp is None or account_id != account.id:
            raise RpcError(400, "SRP_ID_INVALID")
        if not srp.proves(a, m1):
            raise RpcError(400, "PASSWORD_HASH_INVALID")

    # QR tokens

    def show_token(self, key: AuthKey) -> LoginToken:
        """The token that this key shows: the one that was scanned, or a new one."""
        for token in self._tokens.values():
            if token.key is key and token.account_id is not None:
                return token
        token = LoginToken(os.urandom(24), key, self._wall() + self.token_lifetime)
        self._tokens[token.token] = token
        return token

    def accept(self, token: bytes, account: Account) -> None:
        """Scan a QR code with `account`'s app: the client that shows it is told, and asks again."""
        shown = self._tokens.get(token)
        if shown is None:
            raise RpcError(400, "AUTH_TOKEN_INVALID")
        if shown.expires < self._wall():
            raise RpcError(400, "AUTH_TOKEN_EXPIRED")
        if shown.account_id is not None:
            raise RpcError(400, "AUTH_TOKEN_ALREADY_ACCEPTED")
        shown.account_id = account.id
        now = datetime.fromtimestamp(int(self._wall()), UTC)
        update = bytes(types.UpdateShort(types.UpdateLoginToken(), now))
        for session in shown.key.sessions.values():
            if session.connection is not None:
                self._server.deliver(session, update)

    def newest_token(self) -> bytes:
        """The token that was shown last, as a camera before the screen would have it."""
        return list(self._tokens)[-1]

    def import_token(self, token: bytes) -> LoginToken:
        """The scanned token that a client brings from another DC."""
        shown = self._tokens.get(token)
        if shown is None or shown.account_id is None:
            raise RpcError(400, "AUTH_TOKEN_INVALID")
        if shown.expires < self._wall():
            raise RpcError(400, "AUTH_TOKEN_EXPIRED")
        return shown

    def use_up(self, token: LoginToken) -> None:
        self._tokens.pop(token.token, None)

    # Other data centres

    def export(self, account: Account, key: AuthKey, dc_id: int) -> tuple[int, bytes]:
        """(id, bytes) by which a key in `dc_id` may take over this login, once."""
        number = int.from_bytes(os.urandom(7), "little")
        export = Export(account.id, os.urandom(128), dc_id, key)
        self._exports[number] = export
        return number, export.bytes

    def import_(self, number: int, data: bytes, dc_id: int) -> Export:
        export = self._exports.pop(number, None)
        if export is None or export.bytes != data or export.dc_id != dc_id:
            raise RpcError(400, "AUTH_BYTES_INVALID")
        return export
