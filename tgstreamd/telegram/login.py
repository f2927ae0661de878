"""Logs in and out: by code, by QR code, with the 2FA password. No other module handles these.

Uses a client of its own with Telethon's retries: reaching the account's data centre needs a second attempt.
The session is saved on success only. The caller prompts the user.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from telethon import errors as rpc
from telethon.password import compute_check
from telethon.tl import functions, types

from ..domain.clock import Clock, SystemClock
from ..domain.errors import (
    ConfigError,
    FloodWait,
    LoginUnknown,
    NotAuthorised,
    Rejected,
    StoreError,
    TelegramError,
    Transient,
)
from ..domain.messages import Account
from . import codes
from .base import CONNECT_TIMEOUT
from .error_messages import NO_CODE
from .login_client import LoginClient
from .network_trouble import explain, unreachable
from .peer_cache import display_name
from .session import StoredSession
from .session_place import try_place
from .settings import Settings
from .translate import TROUBLES, name_of, translate
from .tries import over

#: Wrong answers to one prompt before the login ends.
TRIES: Final = 3
#: Errors that mean a wrong answer, with the text for the user: for the number and the password; for the code
#: see `codes.AGAIN`.
_NUMBER_AGAIN: Final = {"PHONE_NUMBER_INVALID": "that is not a phone number in the international form"}
_PASSWORD_AGAIN: Final = {
    "PASSWORD_HASH_INVALID": "that is not the password",
    "SRP_ID_INVALID": "Telegram wants the password once more",
}

#: Prompts the user. The first text says why the prompt is repeated, and is empty at first; the second helps
#: to answer: where the code was sent, or the hint of the password.
Ask = Callable[[str, str], Awaitable[str]]
#: Shows a `tg://login` address as a QR code; called again when it has changed.
Show = Callable[[str], None]


class Login:
    """One login in progress, connected and not yet authorised. Made by `begin`."""

    def __init__(self, client: LoginClient, settings: Settings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock

    async def by_code(self, phone: Ask, code: Ask, password: Ask) -> Account:
        """Log in by the code that Telegram sends, by whatever method. Raises NotAuthorised, Rejected,
        StoreError.

        `code` may return an empty answer: then Telegram is asked to send it by another method, if it offers
        one.
        """
        why = f"Telegram wants the password before any code ({NO_CODE})"
        try:
            text, answer = await self._ask(phone, self._send_code, _NUMBER_AGAIN)
            number = _international(text)
            why = ""
            while not isinstance(answer, types.auth.Authorization | types.auth.AuthorizationSignUpRequired):
                if isinstance(answer, types.auth.SentCodeSuccess):
                    answer = answer.authorization
                else:
                    codes.refuse(answer)
                    answer = await self._ask_code(number, answer, code)
        except _PasswordWanted:
            return await self._by_password(password, why)
        return await self._keep_login(answer)

    async def _ask_code(self, number: str, sent: Any, code: Ask) -> Any:
        """Return Telegram's answer to the code or, for an empty one, how it sends another."""

        async def use(text: str) -> Any:
            if text:
                fields = codes.given(sent, text)
                return await self._call(functions.auth.SignInRequest(number, sent.phone_code_hash, **fields))
            if not codes.next_way(sent):
                raise _Again(codes.AGAIN["PHONE_CODE_EMPTY"])
            try:
                return await self._call(functions.auth.ResendCodeRequest(number, sent.phone_code_hash))
            except FloodWait as error:
                raise _Again(f"Telegram sends it another way in {error.seconds} s at the earliest") from error
            except Rejected as error:
                if error.error != "SEND_CODE_UNAVAILABLE":
                    raise
                raise _Again(f"{error.what.removeprefix('auth.resendCode: ')}: {NO_CODE}") from error

        return (await self._ask(code, use, codes.AGAIN, told=codes.sent_where(sent)))[1]

    async def by_qr(self, show: Show, password: Ask) -> Account:
        """Log in by a QR code that a logged-in app scans (Settings, Devices, Link Desktop Device)."""
        try:
            while True:
                self._client.scanned.clear()
                answer = await self._call(
                    functions.auth.ExportLoginTokenRequest(
                        self._settings.api_id, self._settings.api_hash, except_ids=[]
                    )
                )
                if isinstance(answer, types.auth.LoginTokenMigrateTo):
                    await self._bounded(self._client._switch_dc(answer.dc_id))
                    answer = await self._call(functions.auth.ImportLoginTokenRequest(answer.token))
                if isinstance(answer, types.auth.LoginTokenSuccess):
                    return await self._keep_login(answer.authorization)
                token = base64.urlsafe_b64encode(answer.token).decode().rstrip("=")
                show(f"tg://login?token={token}")
                # By Telegram's clock as the connection knows it, since this machine's may be wrong.
                now = self._clock.now() + self._client._sender._state.time_offset
                left = answer.expires.timestamp() - now
                with contextlib.suppress(TimeoutError):
                    # Repeated without a push too: a missed scan shows only when asked again.
                    async with asyncio.timeout(min(max(left, 1.0), 30.0)):
                        await self._client.scanned.wait()
        except _PasswordWanted:
            return await self._by_password(password)

    async def _send_code(self, text: str) -> Any:
        return await self._call(
            functions.auth.SendCodeRequest(
                _international(text), self._settings.api_id, self._settings.api_hash, types.CodeSettings()
            )
        )

    async def _by_password(self, password: Ask, why: str = "") -> Account:
        # A challenge is valid for one answer; the hint is the same in each.
        hint = (await self._call(functions.account.GetPasswordRequest())).hint or ""

        async def check(text: str) -> Any:
            challenge = await self._call(functions.account.GetPasswordRequest())
            proof = await asyncio.to_thread(compute_check, challenge, text)
            return await self._call(functions.auth.CheckPasswordRequest(proof))

        _, answer = await self._ask(password, check, _PASSWORD_AGAIN, told=hint, why=why)
        return await self._keep_login(answer)

    async def _ask(
        self,
        ask: Ask,
        use: Callable[[str], Awaitable[Any]],
        again: Mapping[str, str],
        *,
        told: str = "",
        why: str = "",
    ) -> tuple[str, Any]:
        """Prompt and use the answer; after a wrong one (an error in `again`) prompt again for the same
        request."""
        for _ in range(TRIES):
            text = (await ask(why, told)).strip()
            try:
                return text, await use(text)
            except _Again as error:
                why = str(error)
            except TelegramError as error:
                if error.error not in again:
                    raise
                why = again[error.error]
        raise NotAuthorised(f"{why}, {TRIES} times", hint="tgstreamd login")

    async def _keep_login(self, authorization: Any) -> Account:
        """Save the login; if that fails, end it again."""
        if isinstance(authorization, types.auth.AuthorizationSignUpRequired):
            what = "this phone number has no Telegram account"
            raise Rejected(what, hint="sign up in a Telegram app first")
        user = authorization.user
        session = self._client.session
        session.path, session.dirty = self._settings.session, True
        try:
            session.save()
        except OSError as error:
            session.drop_unsafe()
            ended = "it was ended again"
            try:
                await self._call(functions.auth.LogOutRequest())
            except TelegramError as trouble:
                ended = f"and it could not be ended ({trouble.what}): end it in an app, Settings → Devices"
            raise StoreError(
                f"{session.path}: the login cannot be kept ({error.strerror}): {ended}",
                hint="make room, or make the folder writable, and log in again",
            ) from error
        return Account(
            id=user.id,
            name=display_name(user),
            username=user.username or "",
            premium=bool(user.premium),
            bot=bool(user.bot),
        )

    async def _connect(self) -> None:
        try:
            await self._bounded(self._client.connect())
        except Transient as error:
            raise unreachable(error, self._settings) from None

    async def _call(self, request: Any) -> Any:
        return await self._bounded(self._client(request), request)

    async def _bounded(self, call: Awaitable[Any], request: Any = None) -> Any:
        try:
            async with asyncio.timeout(2 * CONNECT_TIMEOUT):
                return await call
        except TROUBLES as error:
            if isinstance(error, rpc.RPCError) and name_of(error) == "SESSION_PASSWORD_NEEDED":
                raise _PasswordWanted from error
            raise translate(error, request) from error


def _international(text: str) -> str:
    return "+" + re.sub(r"\D", "", text)


class _Again(Exception):
    """The prompt must be repeated; holds the reason for the user."""


class _PasswordWanted(Exception):
    """The account has a 2FA password."""


@asynccontextmanager
async def begin(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Login]:
    """Connect for a login into `settings.session`, whatever login is there; the connection ends with the
    block.

    Raises Transient if Telegram cannot be reached, ConfigError for an unusable proxy or key, StoreError if
    the login could not be saved.
    """
    if settings.session is None:
        raise ConfigError("a login needs a session file")
    # A code is valid for one login, so check that the session can be saved before one is used.
    await asyncio.to_thread(try_place, settings.session)
    # Telethon saves continuously, so the session stays in memory until the login succeeds: an existing one
    # must not be lost otherwise.
    clock = clock or SystemClock()
    client = LoginClient(settings, StoredSession(None), clock)
    login = Login(client, settings, clock)
    try:
        await login._connect()
        yield login
    except LoginUnknown as error:
        raise over(error) from error
    except (Rejected, Transient) as error:
        explain(error)
        raise
    finally:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await client._disconnect()


async def logout(settings: Settings) -> bool:
    """End the login and delete the session file. Return false if nobody was logged in (any more).

    Raises LoginUnknown, after deleting the file, if Telegram does not know the login now.
    """
    session = StoredSession.load(settings.session, settings.session_string)
    ended = False
    try:
        if session.has_key:
            ended = await end(settings, session)
    except LoginUnknown:
        session.delete()
        raise
    session.delete()
    return ended


def stored(settings: Settings) -> StoredSession | None:
    """Return a copy of the stored login, detached from its file: changes to one do not affect the other."""
    try:
        session = StoredSession.load(settings.session, settings.session_string)
    except NotAuthorised:
        return None  # a file, but no session
    session.path = None
    return session if session.has_key else None


async def end(settings: Settings, session: StoredSession) -> bool:
    """Revoke a login at the server. Return false if it was no longer valid. Raises TelegramError."""
    clock = SystemClock()
    client = LoginClient(settings, session, clock)
    login = Login(client, settings, clock)
    try:
        await login._connect()
        await login._call(functions.auth.LogOutRequest())
    except (NotAuthorised, _PasswordWanted):
        return False
    except (Rejected, Transient) as error:
        explain(error)
        raise
    finally:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await client._disconnect()
    return True
